"""All of Airflow's processes are killed amid its work. They are started again; nothing is lost, doubled or other."""

from datetime import date
from pathlib import Path

from support.person import DAILY
from support.story import NOTICED_SOON, PLANTED, START, a_story, active_on

from ndvi_airflow.local import stack as local
from ndvi_airflow.local.components import COMPONENTS
from ndvi_core.support.days import days_between

DAYS = days_between(START, date(2025, 4, 19))
SETTINGS = {"NDVI_START_DATE": str(DAYS[0]), "NDVI_END_DATE": str(DAYS[-1]), **NOTICED_SOON}


def test_all_of_airflow_may_be_killed_amid_the_daily_runs(tmp_path: Path) -> None:
    with a_story(**SETTINGS) as story:
        story.register_all()
        story.person.unpause(DAILY)
        story.at_a_computation(lambda _: [story.kill(name) for name in COMPONENTS])
        local.up(story.stack.settings, print, SETTINGS)

        runs = story.person.until_quiet(DAILY, len(DAYS))
        states = sorted((run["logical_date"][:10], run["state"]) for run in runs)
        assert states == [(str(day), "success") for day in DAYS]
        assert set(story.recorded_at()) == {(name, day) for day in DAYS for name in active_on(day, *PLANTED)}
        assert story.person.published() == story.without_airflow(tmp_path, DAYS)
