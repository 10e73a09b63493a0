"""The settings of the Airflow package: the library's, and where and how compute tasks run."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

from ndvi_core import __version__
from ndvi_core.settings import Settings, read_settings, split_names


def _known(receivers: tuple[str, ...]) -> tuple[str, ...]:
    for receiver in receivers:
        kind, _, conn_id = receiver.partition(":")
        if kind not in RECEIVERS or not conn_id:
            raise ValueError(f"{receiver!r} is not KIND:CONNECTION with a kind of {', '.join(RECEIVERS)}")
    return tuple(dict.fromkeys(receivers))


RECEIVERS = ("smtp", "slackwebhook", "http", "apprise")
"""Kinds of receivers, named after the kinds of their connections."""


class AirflowSettings(Settings):
    """What Airflow needs to know besides what the library does."""

    compute_pool: str = "default_pool"
    """Airflow pool that compute tasks share; it has to exist."""
    catch_up_tasks: int = Field(default=16, gt=0)
    """Tasks of `ndvi_catch_up` at the same time. Fewer than the executor or the pool takes, so that there is always a
    place for the day, and for what a person waits for: a task that is in an executor's queue lets nobody by."""
    execution: Literal["process", "kubernetes"] = "process"
    """Where compute tasks run: as a process beside the Airflow task, or each in a pod."""
    image: str = f"ndvi:{__version__}"
    """Image that compute pods run; has to match the planner's release."""
    pod_template: str = ""
    """Path of a pod template file; empty is the one in the package."""
    pod_startup_seconds: int = Field(default=600, gt=0)
    """How long a pod may wait for a node, and after that for its image, until the try counts as failed."""
    pod_deferrable: bool = True
    """Whether the triggerer watches over pods, so that tasks which wait for one hold no worker."""

    notify: Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_names), AfterValidator(_known)] = ()
    """Who is told of what is unusual: kind and Airflow connection, e.g. `smtp:farm_mail`; in the environment with
    commas between them."""
    notify_lines: int = Field(default=20, gt=0, le=100)
    """Events that a digest names at most; of more it says how many. Slack cuts off what is much longer than 100."""
    deadline_hours: int = Field(default=6, ge=0)
    """Hours after its end (midnight UTC) until which a day has to be published, or people are told; 0 is never."""

    map_tiles_url: str | None = Field(default=None, pattern=r"^https?://[A-Za-z0-9.:-]+/[^\s\"'<>;]*$")
    """Background of the web page's map, e.g. `https://tiles.example/{z}/{x}/{y}.png`; None is none, so that the page
    asks no other host."""
    map_tiles_attribution: str = ""
    """Name of the tiles' author, shown on the map."""


def load_settings() -> AirflowSettings:
    """Read the settings from the environment.

    Raises:
        BadInput: naming each variable that does not parse and why.
    """
    return read_settings(AirflowSettings)
