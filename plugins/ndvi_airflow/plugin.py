"""The additions of this package to Airflow. Every process of Airflow loads this, so it imports little."""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from ndvi_airflow.defaults import COMPUTING

ICONS = {"icon": "ndvi/icon.svg", "icon_dark_mode": "ndvi/icon_dark.svg"}

PAGE = {
    "name": "NDVI fields",
    "destination": "nav",
    "url_route": "ndvi-fields",
    "href": "ndvi/",  # relative, since Airflow may be served below a path
    "nav_top_level": True,
    **ICONS,
}
ON_DAGS = [
    {
        "name": "NDVI fields",
        "destination": "dag",
        "url_route": "ndvi-fields-of-dag",
        "href": "ndvi/",
        "applies_to": {"dag_ids": list(COMPUTING)},
        **ICONS,
    },
    {
        "name": "NDVI pictures",
        "destination": "task_instance",
        "url_route": "ndvi-pictures",
        "href": "ndvi/orders/{DAG_ID}/{RUN_ID}/{MAP_INDEX}",
        "applies_to": {"dag_ids": list(COMPUTING), "task_ids": ["compute"]},
        **ICONS,
    },
]
"""Views for the pages of our DAGs and of their tasks; of an Airflow that would show them on all others too, none."""


class _Apps:
    """The apps, imported when the web server asks for them."""

    def __get__(self, plugin: object, owner: type) -> list[dict[str, Any]]:
        from ndvi_airflow.web.app import app

        return [{"name": "NDVI fields", "url_prefix": "/ndvi", "app": app}]


class _Views:
    """The views, chosen when the web server asks for them."""

    def __get__(self, plugin: object, owner: type) -> list[dict[str, Any]]:
        from ndvi_airflow.airflow_compat import can_restrict_views

        return [PAGE, *(ON_DAGS if can_restrict_views() else ())]


class _Timetables:
    """The timetables, imported when DAGs are written or read."""

    def __get__(self, plugin: object, owner: type) -> list[type]:
        from ndvi_airflow.timetable import DayTimetable

        return [DayTimetable]


class NdviPlugin(AirflowPlugin):
    """The page *NDVI fields* with its API, its places in the web UI, and the timetable of `ndvi_daily`."""

    name = "ndvi"
    fastapi_apps = _Apps()
    external_views = _Views()
    timetables = _Timetables()
