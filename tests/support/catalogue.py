"""A catalogue of a season, and the command `ndvi` on it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ndvi_airflow.local.services import Files, Service
from ndvi_core.sample.farm import Season
from ndvi_core.settings import Settings

ROOT = Path(__file__).parents[2]
START, END = date(2025, 4, 16), date(2025, 4, 24)
PERIOD = ("--start", str(START), "--end", str(END))


@dataclass(frozen=True)
class Catalogue:
    """A season behind a scene server and a STAC API."""

    season: Season
    files: Files
    stac: Service

    @property
    def environment(self) -> dict[str, str]:
        return {"STAC_API_URL": self.stac.url, "NDVI_CATALOGUE": "local"}

    @property
    def settings(self) -> Settings:
        return Settings(STAC_API_URL=self.stac.url, catalogue="local")

    @property
    def features(self) -> list[dict[str, Any]]:
        """All fields of the farm; field_4 and field_5 are planted later than the others."""
        files = (self.season.fields, self.season.late_fields)
        return [one for file in files for one in json.loads(file.read_text())["features"]]


def ndvi(
    *arguments: str | Path, env: Mapping[str, str], cwd: Path = ROOT, **options: Any
) -> subprocess.CompletedProcess[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(
        [sys.executable, "-m", "ndvi_core", *map(str, arguments)],
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        cwd=cwd,
        timeout=300,
        **pipes,
    )
