"""Sending a digest by Airflow's own notifiers; no mail or message is made here.

A notifier that is called swallows what goes wrong (Airflow 3.3), so that nobody could tell whether a receiver has taken
the digest. Its `notify` does not, and renders no templates either, for which names of fields might be taken.
"""

from collections.abc import Callable, Mapping
from typing import Any

from airflow.sdk import BaseHook

from ndvi_airflow.telling.digest import Digest
from ndvi_core.errors import BadInput, TryAgain

_PATIENCE = 60
"""Seconds that a server has to answer."""


def send(receiver: str, digest: Digest) -> None:
    """Send a digest; return once the receiver has accepted it.

    Args:
        receiver: one of `NDVI_NOTIFY`.
        digest: what it is told.

    Raises:
        BadInput: the connection or a package is not as it has to be; the message says what to do.
        Exception: what the notifier raises when the receiver does not answer, or refuses.
    """
    kind, _, conn_id = receiver.partition(":")
    try:
        _SENDERS[kind](conn_id, digest)
    except ModuleNotFoundError as error:
        package = _PACKAGES.get(kind)
        raise BadInput(f"{receiver} takes another package: pip install {package} ({error})") from error


def _mail(conn_id: str, digest: Digest) -> None:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    to = BaseHook.get_connection(conn_id).extra_dejson.get("to")
    if not to:
        raise BadInput(f'the connection {conn_id} does not say whom to write to: put "to" into its extra')
    SmtpNotifier(
        smtp_conn_id=conn_id,
        to=to,
        subject=digest.subject,
        html_content=digest.html,
        # The same digest, sent again after a crash, is the same message for mail servers and readers.
        custom_headers={"Message-ID": f"<{digest.digest_id}@ndvi>"},
    ).notify({})


def _slack(conn_id: str, digest: Digest) -> None:
    from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

    text = digest.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    notifier: Any = SlackWebhookNotifier(slack_webhook_conn_id=conn_id, text=text, timeout=_PATIENCE)
    notifier.notify({})


def _http(conn_id: str, digest: Digest) -> None:
    from airflow.providers.http.notifications.http import HttpNotifier

    HttpNotifier(
        http_conn_id=conn_id,
        json=digest.json,
        headers={"Idempotency-Key": digest.digest_id},
        extra_options={"check_response": True, "timeout": _PATIENCE},
    ).notify({})


def _apprise(conn_id: str, digest: Digest) -> None:
    """Send by the hook and not by its notifier, which does not say that a service has refused (provider 2.4)."""
    from airflow.providers.apprise.hooks.apprise import AppriseHook
    from apprise import Apprise

    services, hook = Apprise(), AppriseHook(conn_id)
    hook.set_config_from_conn(hook.get_connection(conn_id), services)
    if not services.notify(title=digest.subject, body=digest.text):
        raise TryAgain(f"a service of the connection {conn_id} did not take the digest; see the log above")


_SENDERS: Mapping[str, Callable[[str, Digest], None]] = {
    "smtp": _mail,
    "slackwebhook": _slack,
    "http": _http,
    "apprise": _apprise,
}
_PACKAGES = {
    "slackwebhook": "apache-airflow-providers-slack",
    "apprise": "apache-airflow-providers-apprise apprise",
}
"""What is not among our dependencies."""
