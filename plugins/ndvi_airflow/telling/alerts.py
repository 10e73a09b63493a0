"""Telling one receiver what is new to it: the task of `ndvi_alerts`."""

import logging
from typing import TYPE_CHECKING

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowSkipException

from ndvi_airflow import metrics
from ndvi_airflow.addresses import base_url
from ndvi_airflow.connections import registry_engine
from ndvi_airflow.tasks import no_retry_for_bad_input

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from ndvi_airflow.telling.digest import Digest

log = logging.getLogger(__name__)


@task
def tell(receiver: str) -> None:
    """Send a digest of what is new to a receiver; skip if that is nothing."""
    from ndvi_airflow.settings import load_settings

    with no_retry_for_bad_input():
        digest = tell_receiver(registry_engine(), receiver, base_url(), load_settings().notify_lines)
    if digest is None:
        raise AirflowSkipException("nothing to tell, or another run is telling it")
    metrics.count_told(len(digest.events) + digest.more)
    log.info("told: %s (digest %s)", digest.subject, digest.digest_id)


def tell_receiver(engine: "Engine", receiver: str, airflow: str, max_lines: int) -> "Digest | None":
    """Send a digest, and note what was said once the receiver has accepted it: better twice than never.

    Args:
        engine: of the registry.
        receiver: one of `NDVI_NOTIFY`.
        airflow: its address, without a slash at its end.
        max_lines: events, and failed runs, that are named.

    Returns:
        What it was told; None if there is nothing to tell, or somebody else is telling it at this moment.

    Raises:
        BadInput: see `send`.
        Exception: see `send`; nothing is noted, so that a later call tells it.
    """
    from ndvi_airflow.telling.digest import make_digest
    from ndvi_airflow.telling.receivers import send
    from ndvi_core.registry.telling import mark_told, note_receiver, untold

    with engine.begin() as connection:
        note_receiver(connection, receiver)
    with engine.begin() as connection:
        news = untold(connection, receiver)
        digest = make_digest(news, airflow, max_lines)
        if digest is not None:
            with metrics.counting_failures("tell"):
                send(receiver, digest)
            mark_told(connection, receiver, digest.statuses)
    return digest
