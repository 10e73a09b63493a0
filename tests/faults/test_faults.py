"""The same work gives the same bytes, whatever happens on the way."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from faults.check import Watch, problems, published
from faults.farm import LISTING, TOGETHER, UNREPAIRED, Farm, NeverDone, Objects
from faults.schedule import OFTEN, Fault, Points, Schedule, draw, race
from faults.servers import END, FAKETIME, Servers, start

DEFAULT = 10
"""Seeds of `make test`."""


def seeds() -> range:
    """The seeds to try: `NDVI_FAULT_SEEDS` is their number, or the first and the last with a hyphen between them."""
    first, _, last = os.environ.get("NDVI_FAULT_SEEDS", str(DEFAULT)).rpartition("-")
    return range(int(first or 1), int(last) + 1)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with ExitStack() as stack:
        yield start(tmp_path_factory.mktemp("faults"), stack)


@pytest.fixture(scope="module")
def without_faults(servers: Servers) -> tuple[Objects, Points]:
    """What consumers see after the work without faults, and how many points there are at which some may happen."""
    watch = Watch()
    farm = Farm(servers, Schedule(), after_each=watch)
    farm.work()
    objects = published(farm)
    assert [*watch.problems, *problems(farm, objects)] == []
    return objects, farm.points


def wrong_after(servers: Servers, expected: Objects, schedule: Schedule, build: str | None = None) -> list[str]:
    """Do the work under a schedule, and return what is wrong then."""
    watch = Watch()
    farm = Farm(servers, schedule, build, after_each=watch)
    try:
        farm.work()
    except NeverDone as error:
        return [*watch.problems, str(error)]
    print(schedule)
    if schedule.clocks and not FAKETIME:
        print("  all clocks were right: there is no libfaketime")
    print(f"  {len(farm.fired)} of {len(schedule.faults)} faults happened, {len(farm.failures)} tries failed")
    return [*watch.problems, *problems(farm, expected)]


@pytest.mark.faults
@pytest.mark.parametrize("seed", seeds())
def test_the_same_work_gives_the_same_bytes(
    servers: Servers, without_faults: tuple[Objects, Points], seed: int
) -> None:
    expected, points = without_faults
    schedule = draw(seed, points, UNREPAIRED, LISTING, TOGETHER)
    wrong = wrong_after(servers, expected, schedule)
    assert not wrong, "\n".join([*wrong, str(schedule)])


@pytest.mark.faults
def test_no_answer_is_given_without_a_scene_whose_server_cuts_it_short(
    servers: Servers, without_faults: tuple[Objects, Points]
) -> None:
    """Of two scenes of a day; from the other one alone it would be an answer that nothing computes again."""
    expected, _ = without_faults
    fault = Fault(step=f"daily {END} compute 0", server="scenes", kind="truncated", at=4, times=OFTEN)
    assert wrong_after(servers, expected, Schedule(faults=(fault,))) == []


HELD, WAITS = TOGETHER
BROKEN = {
    "no_lock_of_days": (
        race(HELD, WAITS, at=7),
        "no row of field_4 on 2025-04-18",
    ),
    "uploads_go_first": (
        [Fault(step="register 2", server="database", kind="killed_before", at=12)],
        "no row of field_4",
    ),
    "writes_are_believed": (
        [Fault(step="catch_up 3 record", server="s3", kind="error_503", at=3, times=OFTEN)],
        "date=2025-04-22/observations.parquet is lost",
    ),
    "searches_are_believed": (
        [Fault(step=f"daily {END} find_scenes", server="stac", kind="wrong", at=1)],
        f"date={END}/observations.parquet has other bytes",
    ),
}
"""What goes wrong, and what the suite says of a build that does not bear it."""


@pytest.mark.faults
@pytest.mark.parametrize("build", BROKEN)
def test_a_broken_build_is_seen(servers: Servers, without_faults: tuple[Objects, Points], build: str) -> None:
    expected, _ = without_faults
    faults, said = BROKEN[build]
    wrong = wrong_after(servers, expected, Schedule(faults=tuple(faults)), build)
    assert any(said in problem for problem in wrong), wrong
