"""Who is told is set by one variable."""

import pytest

from ndvi_airflow.settings import load_settings
from ndvi_core.errors import BadInput


def test_receivers_are_named_with_commas_between_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().notify == ()
    monkeypatch.setenv("NDVI_NOTIFY", "smtp:farm_mail, slackwebhook:farm_slack,,smtp:farm_mail")
    assert load_settings().notify == ("smtp:farm_mail", "slackwebhook:farm_slack")


@pytest.mark.parametrize("receiver", ["farm_mail", "smtp:", "mail:farm_mail", ":farm_mail"])
def test_what_is_no_receiver_is_refused(monkeypatch: pytest.MonkeyPatch, receiver: str) -> None:
    monkeypatch.setenv("NDVI_NOTIFY", f"smtp:farm_mail,{receiver}")
    with pytest.raises(
        BadInput, match=r"NDVI_NOTIFY: .*KIND:CONNECTION with a kind of smtp, slackwebhook, http, apprise"
    ):
        load_settings()
