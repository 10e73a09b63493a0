"""What can be set about the laptop stack, and where its parts lie."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ndvi_airflow.local.processes import HOST, free_port
from ndvi_core.errors import BadInput

ROOT = Path(__file__).resolve().parents[3]
"""The project's folder."""
ENV_FILE = ROOT / ".env"
PORTS_FILE = "ports.json"
"""In the stack's folder; also the mark by which a folder is known to be one."""

_PORTS = ("airflow_port", "s3_port", "files_port", "stac_port")


class LocalSettings(BaseSettings):
    """Where the laptop stack keeps its state and which ports it takes; in the environment with `NDVI_LOCAL_` before."""

    model_config = SettingsConfigDict(
        env_prefix="NDVI_LOCAL_", env_file=ENV_FILE, env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = ROOT / ".local"
    """Folder of all data, logs and notes of running processes."""
    host: str = HOST
    """Address of the S3 server, the STAC API and the scenes; for pods one that leads to this machine from there."""
    season: Literal["sample", "southtyrol"] = "sample"
    """Which scenes the STAC API offers."""
    airflow_port: int = Field(default=8080, ge=0, lt=65536)
    """Port of the web page and the API; a port of 0 is a free one, chosen once for the folder."""
    s3_port: int = Field(default=9000, ge=0, lt=65536)
    files_port: int = Field(default=8083, ge=0, lt=65536)
    stac_port: int = Field(default=8082, ge=0, lt=65536)
    parallelism: int = Field(default=4, gt=0)
    """Tasks that run at the same time."""

    def with_ports(self) -> "LocalSettings":
        """Return the settings with a free port for each 0, the same as the last time for this folder."""
        known = known_ports(self.home)
        wanted = {name: getattr(self, name) for name in _PORTS}
        ports = {name: port or known.get(name) or free_port() for name, port in wanted.items()}
        return self.model_copy(update={"home": self.home.resolve(), **ports})


def known_ports(home: Path) -> dict[str, int]:
    """Return the ports that the stack of this folder was last brought up with."""
    file = home / PORTS_FILE
    found: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    return found


def note_ports(settings: LocalSettings) -> bool:
    """Write down the ports for the next time; return whether they are others than the last time."""
    ports = settings.model_dump(include=set(_PORTS))
    before = known_ports(settings.home)
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / PORTS_FILE).write_text(json.dumps(ports))
    return bool(before) and before != ports


def load_local_settings() -> LocalSettings:
    """Read the settings from the environment and the project's `.env`.

    Raises:
        BadInput: naming each variable that does not parse and why.
    """
    try:
        return LocalSettings()
    except ValidationError as error:
        wrong = "; ".join(f"NDVI_LOCAL_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise BadInput(f"settings: {wrong}. See .env.template for what each variable takes.") from error


def user_variables(environment: Mapping[str, str] | None = None, env_file: Path = ENV_FILE) -> dict[str, str]:
    """Return what the user has set for the pipeline: `NDVI_*` and `STAC_*`, from `.env` and, over it, the environment.

    What is about the stack itself (`NDVI_LOCAL_*`) is left out. `AIRFLOW_*` counts in `.env` only: in a shell it may
    be meant for another Airflow.
    """
    from dotenv import dotenv_values

    in_file = {name: value for name, value in dotenv_values(env_file).items() if value}
    in_shell = os.environ if environment is None else environment
    return {
        **{name: value for name, value in in_file.items() if _is_ours(name) or name.startswith("AIRFLOW_")},
        **{name: value for name, value in in_shell.items() if _is_ours(name) and value},
    }


def _is_ours(name: str) -> bool:
    return name.startswith(("NDVI_", "STAC_")) and not name.startswith("NDVI_LOCAL_")
