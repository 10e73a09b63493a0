"""Two lanes: what is asked for by hand does not wait for a catch-up, and no cell is computed by both at once."""

from collections.abc import Callable
from datetime import date

from sqlalchemy import update
from support.farm import START, Farm, Run, acquisitions

from ndvi_core.registry.progress import field_statuses
from ndvi_core.registry.tables import claim
from ndvi_core.runs.folder import RunFolder


def late_fields_catch_up(farm: Farm, meanwhile: Callable[[], object]) -> Run:
    farm.upload(farm.season.late_fields, "late.geojson")
    farm.intake()

    def call(_: RunFolder) -> None:
        meanwhile()

    return farm.catch_up(before_record=call)


def cells_of(farm: Farm, name: str, days: list[date]) -> set[tuple[str, date]]:
    """Cells of a field on days with a scene."""
    return {(name, day) for day in days if day in acquisitions(farm)}


def test_cells_that_a_catch_up_is_computing_are_left_to_it(grown: Farm) -> None:
    days = sorted(acquisitions(grown))
    by_hand: list[Run] = []

    def recompute() -> None:
        by_hand.append(grown.by_hand(field_ids=["field_1", "field_4"], start=days[0], end=days[-1], force=True))

    run = late_fields_catch_up(grown, recompute)
    assert by_hand[0].cells == cells_of(grown, "field_1", days)
    assert {name for name, _ in run.cells} == {"field_4", "field_5"}
    with grown.engine.connect() as connection:
        assert all(row.whole for row in field_statuses(connection, START))
    again = grown.by_hand(field_ids=["field_4"], start=days[0], end=days[-1], force=True)
    assert again.cells == {cell for cell in run.cells if cell[0] == "field_4"}, "once the catch-up has ended"


def test_a_catch_up_leaves_out_what_is_recomputed_and_does_not_forget_it(grown: Farm) -> None:
    days = sorted(acquisitions(grown))
    late: list[Run] = []

    def catch_up(_: RunFolder) -> None:
        late.append(grown.catch_up())

    grown.upload(grown.season.late_fields, "late.geojson")
    grown.intake()
    run = grown.by_hand(catch_up, field_ids=["field_4"], start=days[0], end=days[-1])
    assert {name for name, _ in run.cells} == {"field_4"}
    assert {name for name, _ in late[0].cells} == {"field_5"}
    with grown.engine.connect() as connection:
        assert all(row.whole for row in field_statuses(connection, START))


def test_a_run_that_never_ended_is_not_waited_for_for_ever(grown: Farm) -> None:
    days = sorted(acquisitions(grown))

    def given_up() -> None:
        with grown.engine.begin() as connection:
            connection.execute(update(claim).values(claimed_at=date(2025, 1, 1)))
        run = grown.by_hand(field_ids=["field_4"], start=days[0], end=days[-1], force=True)
        assert {name for name, _ in run.cells} == {"field_4"}

    late_fields_catch_up(grown, given_up)
