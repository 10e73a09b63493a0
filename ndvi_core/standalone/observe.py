"""Observing fields: the search, the plan and the computation of a run, from and to the files of one machine."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ndvi_core.catalog.search import search_scenes
from ndvi_core.compute import run_order
from ndvi_core.errors import BadInput, TryAgain
from ndvi_core.intake.document import read_file
from ndvi_core.intake.features import ALWAYS_PLANTED, ParsedFields, Problem, parse_fields
from ndvi_core.models.constants import FIRST_IMAGE
from ndvi_core.models.extent import WORLD
from ndvi_core.models.field import Field, RegisteredField
from ndvi_core.models.field_facts import Crop, FieldFacts, field_facts
from ndvi_core.models.observation import Observation
from ndvi_core.models.season import RegisteredSeason, name_by_year
from ndvi_core.models.work_order import Products, WorkOrder
from ndvi_core.runs.planner import DueCell, make_plan, order_parts
from ndvi_core.runs.scope import scope_of
from ndvi_core.runs.selection import Selection, Wanted
from ndvi_core.settings import Settings, load_settings
from ndvi_core.storage.csv_table import write_csv
from ndvi_core.storage.geoparquet import read_observations, write_observations
from ndvi_core.storage.object_store import Store
from ndvi_core.storage.work_orders import write_order
from ndvi_core.support.days import days_between
from ndvi_core.support.garbage import relaxed_gc

Source = str | PathLike[str] | Mapping[str, Any] | Sequence[Field]
"""Fields: the path of a GeoJSON file, its content as a mapping, or what was read already."""


MAX_CELLS = 1_000_000
"""Field-days of a call, at most: all rows are in memory together, some kilobytes each."""

PARQUET, CSV, PICTURES = "observations.parquet", "observations.csv", "fields"
"""What is written to the folder."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Observations:
    """What came of observing fields."""

    rows: tuple[Observation, ...]
    """One a field and day, field by field in the order given, each day by day."""
    problems: tuple[Problem, ...] = ()
    """What was wrong with the file of fields."""
    parquet: Path | None = None
    """The rows as GeoParquet; None where no folder was named, as below."""
    csv: Path | None = None
    try_again: str | None = None
    """Which rows failed for a reason that may pass; None if none did."""
    pictures: Path | None = None
    """Folder with `<field_id>/<day>/ndvi.tif` and the others; None also where no pictures were asked for."""


def take_fields(source: Source) -> ParsedFields:
    """Return the fields by the rules of the intake, but that they need no crop and no plant date.

    Raises:
        BadInput: the file cannot be read, the mapping is no JSON, or the list holds something else than fields.
    """
    if isinstance(source, str | PathLike):
        return parse_fields(read_file(source), crop_required=False)
    if isinstance(source, Mapping):
        try:
            return parse_fields(json.dumps(source).encode(), crop_required=False)
        except (TypeError, ValueError) as error:
            raise BadInput(f"the mapping of fields is not GeoJSON: {error}") from error
    if strange := next((item for item in source if not isinstance(item, Field)), None):
        raise BadInput(
            f"a {type(strange).__name__} is among the fields: give Fields, a GeoJSON mapping or a file's path"
        )
    if len({field.field_id for field in source}) < len(source):
        raise BadInput("two of the fields share an id: give each an id of its own")
    return ParsedFields(fields=tuple(source), problems=())


@relaxed_gc()
def observe(
    fields: Source,
    start: date,
    end: date,
    *,
    out: str | PathLike[str] | None = None,
    settings: Settings | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Observations:
    """Compute the NDVI of fields on all days of a period, see `ndvi_core.observe`."""
    settings = settings or load_settings()
    taken = take_fields(fields)
    for problem in taken.problems:
        log.warning("%s%s: %s", f"{problem.id} " if problem.id else "", problem.where, problem.message)
    wanted = _wanted(taken.fields, start, end)
    folder = None if out is None else _open_folder(Path(out))
    rows, try_again = _rows(wanted, settings, folder, progress or _tell_nobody)
    if folder is None:
        return Observations(rows=rows, problems=taken.problems, try_again=try_again)
    known = _facts(taken.fields)
    facts = [known[row.field_id] for row in rows]
    store = Store(folder.as_uri())
    store.write(PARQUET, write_observations(rows, facts, settings.indices))
    store.write(CSV, write_csv(rows, facts, settings.indices))
    return Observations(
        rows=rows,
        problems=taken.problems,
        try_again=try_again,
        parquet=folder / PARQUET,
        csv=folder / CSV,
        pictures=folder / PICTURES if settings.products != "none" else None,
    )


def _tell_nobody(_done: int, _total: int) -> None:
    """Take the place of `progress` where nobody asks for it."""


def _facts(fields: Sequence[Field]) -> dict[str, FieldFacts]:
    """Return by id what the file of fields states of them."""
    crops = [
        Crop(
            field.plant_type or None,
            None if field.plant_date == ALWAYS_PLANTED else field.plant_date,
            field.season or (None if field.plant_date == ALWAYS_PLANTED else name_by_year(field.plant_date)),
        )
        for field in fields
    ]
    facts = field_facts([field.geometry for field in fields], crops)
    return {field.field_id: fact for field, fact in zip(fields, facts, strict=True)}


def _open_folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"cannot make the folder {path}: {error.strerror}; name another") from error
    return path.resolve()


def _wanted(fields: Sequence[Field], start: date, end: date) -> list[Wanted]:
    """Return the days of the period on which each field is planted; the fields are numbered as they come."""
    if not fields:
        raise BadInput("there is no field to observe: correct what was rejected")
    now = datetime.now(UTC)
    days = _days(start, end, now.date())
    numbered = [_registered(number, field, now) for number, field in enumerate(fields)]
    wanted = [(field, field.active_days(days)) for field in numbered]
    cells = sum(len(active) for _, active in wanted)
    if cells == 0:
        raise BadInput(
            f"no field is planted between {days[0]} and {days[-1]}: choose other days, or leave plant-date out"
        )
    if cells > MAX_CELLS:
        raise BadInput(
            f"{len(fields)} fields from {days[0]} to {days[-1]} are {cells} field-days, more than {MAX_CELLS}: "
            "choose a shorter period or fewer fields, and a folder for each part"
        )
    return wanted


def _registered(number: int, field: Field, now: datetime) -> RegisteredField:
    return RegisteredField(
        field_id=field.field_id,
        geometry=field.geometry,
        geometry_hash=field.geometry_hash,
        revision=1,
        sequence=number,
        changed_at=now,
        caught_up=False,
        seasons=(
            RegisteredSeason(
                number=1,
                name=field.season or name_by_year(field.plant_date),
                plant_type=field.plant_type,
                plant_date=field.plant_date,
                end_date=field.end_date,
                registered_at=now,
            ),
        ),
    )


def _days(start: date, end: date, today: date) -> list[date]:
    if end < start:
        raise BadInput(f"the last day, {end}, is before the first, {start}: exchange them")
    if start < FIRST_IMAGE:
        raise BadInput(f"Sentinel-2 has no image before {FIRST_IMAGE}: start then or later, not on {start}")
    if start > today:
        raise BadInput(f"{start} is still to come: start on {today} or before")
    if end > today:
        log.warning("the days after today, %s, are still to come and left out", today)
    return days_between(start, min(end, today))


def _rows(
    wanted: Sequence[Wanted], settings: Settings, folder: Path | None, progress: Callable[[int, int], None]
) -> tuple[tuple[Observation, ...], str | None]:
    total = sum(len(days) for _, days in wanted)
    progress(0, total)
    selection = Selection(wanted=wanted)
    scope = scope_of(selection, WORLD)
    if scope.area is None or scope.period is None:
        raise BadInput("no field is on the Earth: its geometry has to be longitude and latitude in degrees, WGS84")
    found = search_scenes(settings, scope.area, *scope.period)
    plan = make_plan(
        selection, found.scenes, {}, WORLD, settings.policy, older=found.older, unreadable=found.unreadable
    )
    done = len(plan.settled)
    progress(done, total)

    def count(cells: int) -> None:
        nonlocal done
        done += cells
        progress(done, total)

    computed, try_again = _compute([field for field, _ in wanted], plan.due, settings, folder, count)
    rows = [*plan.settled, *computed]
    place = {field.field_id: field.sequence for field, _ in wanted}
    return tuple(sorted(rows, key=lambda row: (place[row.field_id], row.date))), try_again


def _compute(
    fields: Sequence[RegisteredField],
    due: Sequence[DueCell],
    settings: Settings,
    folder: Path | None,
    on_cells: Callable[[int], None],
) -> tuple[list[Observation], str | None]:
    """Compute all cells as one work order, whose own files are gone afterwards.

    Returns:
        The rows, and which of them failed for now, if any.
    """
    if not due:
        return [], None
    boundaries = {(field.sequence, field.revision): (field.geometry, field.geometry_hash) for field in fields}
    order_fields, scenes, cells = order_parts(due, boundaries, WORLD)
    with TemporaryDirectory(prefix="ndvi-") as passing:
        store = Store(Path(passing).resolve().as_uri())
        order = WorkOrder(
            label="all fields",
            results=store.uri("results.parquet"),
            manifest=store.uri("manifest.json"),
            products=None if folder is None else Products.below(f"{folder.as_uri()}/{PICTURES}", settings.products),
            memory_mb=settings.memory_mb,
            policy=settings.policy,
            extent=str(WORLD),
            fields=order_fields,
            scenes=scenes,
            cells=cells,
        )
        store.write("order.parquet", write_order(order))
        try_again = None
        try:
            run_order(store.uri("order.parquet"), on_cells)
        except TryAgain as error:
            if not store.exists("manifest.json"):
                raise
            try_again = str(error)
        return read_observations(store.read("results.parquet")), try_again
