"""The scenes that the laptop stack offers: the synthetic sample, or real pixels of South Tyrol if at hand."""

import json
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import get_args

from ndvi_airflow.local.config import ROOT, LocalSettings
from ndvi_core.errors import BadInput, NotFound
from ndvi_core.models.scene import Asset
from ndvi_core.sample.farm import Season
from ndvi_core.sample.season import write_season

PERIODS = {
    "sample": (date(2025, 6, 22), date(2025, 6, 28)),
    "southtyrol": (date(2022, 6, 1), date(2022, 6, 30)),
}
"""First and last day of the daily runs."""
SOWN = date(2025, 4, 1)
"""The sample's scenes begin when its fields are sown: days before the first daily run are caught up."""


def season_variables(settings: LocalSettings, user: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that go with the season: its catalogue and its period; none if the user has set a catalogue.

    Args:
        settings: of the stack.
        user: what the user has set.
    """
    if "STAC_API_URL" in user:
        return {}
    start, end = PERIODS[settings.season]
    return {
        "STAC_API_URL": f"http://{settings.host}:{settings.stac_port}",
        "NDVI_CATALOGUE": "local",
        "NDVI_START_DATE": str(start),
        "NDVI_END_DATE": str(end),
    }


def prepare_season(season: Season, settings: LocalSettings, variables: Mapping[str, str]) -> bool:
    """Write the season's files if they are not there as they are wanted, and return whether that was so.

    Args:
        season: where its files go.
        settings: of the stack.
        variables: with `NDVI_START_DATE` and `NDVI_END_DATE`, for the sample's period.

    Raises:
        NotFound: the real scenes are wanted and are not at hand.
        BadInput: the period is none.
    """
    start, end = (
        _day(variables, name, default)
        for name, default in zip(("NDVI_START_DATE", "NDVI_END_DATE"), PERIODS[settings.season], strict=True)
    )
    if end < start:
        raise BadInput(f"NDVI_END_DATE, {end}, is before NDVI_START_DATE, {start}: exchange them")
    base_url = f"http://{settings.host}:{settings.files_port}"
    period = {"start": str(start), "end": str(end)}
    wanted = {"season": settings.season, "base_url": base_url, **period, "assets": list(get_args(Asset))}
    made = season.folder / "made.json"
    if made.exists() and json.loads(made.read_text()) == wanted:
        return False
    season.folder.mkdir(parents=True, exist_ok=True)
    if settings.season == "sample":
        write_season(season.folder, base_url, min(SOWN, start), end)
    else:
        _write_southtyrol(season, base_url, variables)
    made.write_text(json.dumps(wanted))
    return True


def _day(variables: Mapping[str, str], name: str, default: date) -> date:
    text = variables.get(name, str(default))
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{name}={text} is not a day: write it as YYYY-MM-DD") from error


def _write_southtyrol(season: Season, base_url: str, variables: Mapping[str, str]) -> None:
    from ndvi_airflow.local import southtyrol

    real = Path(variables.get("NDVI_REALDATA") or ROOT / ".." / "shared" / "realdata").resolve()
    imagery = real / "imagery" / "s2_southtyrol_202206"
    if not imagery.is_dir():
        raise NotFound(f"the scenes of South Tyrol are not at {imagery}: NDVI_REALDATA names the folder above imagery/")
    southtyrol.write_catalogue(imagery, season.folder, base_url)
    season.scenes.unlink(missing_ok=True)
    season.scenes.symlink_to(imagery, target_is_directory=True)
    copies = (
        (southtyrol.EXTENT, season.extent),
        (southtyrol.FIELDS, season.fields),
        (southtyrol.LATE_FIELDS, season.late_fields),
    )
    for source, target in copies:
        shutil.copy(source, target)
