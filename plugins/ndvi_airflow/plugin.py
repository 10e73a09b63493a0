"""The additions of this package to Airflow's web server. Every process of Airflow loads this, so it imports little."""

from typing import Any

from airflow.plugins_manager import AirflowPlugin


class _Apps:
    """The apps, imported when the web server asks for them."""

    def __get__(self, plugin: object, owner: type) -> list[dict[str, Any]]:
        from ndvi_airflow.web.app import app

        return [{"name": "NDVI fields", "url_prefix": "/ndvi", "app": app}]


class NdviPlugin(AirflowPlugin):
    """The page *NDVI fields* with its API, and its entry in the navigation."""

    name = "ndvi"
    fastapi_apps = _Apps()
    external_views = [  # noqa: RUF012  the base class has it so
        {
            "name": "NDVI fields",
            "destination": "nav",
            "url_route": "ndvi-fields",
            "href": "ndvi/",  # relative, since Airflow may be served below a path
            "icon": "ndvi/icon.svg",
            "icon_dark_mode": "ndvi/icon_dark.svg",
            "nav_top_level": True,
        }
    ]
