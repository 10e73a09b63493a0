"""Presents the package to Airflow as a provider, which brings commands."""

from typing import Any

from ndvi_core import __version__


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description, as Airflow's schema for providers has it."""
    return {
        "package-name": "ndvi-airflow",
        "name": "NDVI",
        "description": "NDVI per farm field per day from Sentinel-2",
        "versions": [__version__],
        "cli": ["ndvi_airflow.cli.get_commands"],
    }
