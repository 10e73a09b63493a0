"""What the package adds to Airflow's web server. Every process of Airflow loads this file, so it imports little."""

from typing import Any

from airflow.plugins_manager import AirflowPlugin


class _Apps:
    """The apps, imported when the web server asks for them."""

    def __get__(self, plugin: object, owner: type) -> list[dict[str, Any]]:
        from ndvi_airflow.pictures import app

        return [{"name": "NDVI pictures", "url_prefix": "/ndvi", "app": app}]


class NdviPlugin(AirflowPlugin):
    name = "ndvi"
    fastapi_apps = _Apps()
