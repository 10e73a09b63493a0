"""What has to be so after a run of the work, and while it goes on."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from signal import SIGKILL
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from faults.farm import Failure, Farm, Objects
from faults.schedule import LIES, Fault
from faults.servers import END
from sqlalchemy import create_engine, text

from ndvi_core.errors import EXIT_DEFECT, EXIT_TRY_AGAIN
from ndvi_core.support.days import days_between

SEEN = ("observations", "fields", "passes", "seasons", "events")
"""Folders of the bucket that consumers read."""
EMPTY_TABLES = ("claim", "stale_day", "stale_season_part")
"""Work that is begun or noted and not done."""
KILLED = ("killed_before", "killed_after")
DATABASE_ERROR = re.compile(
    r"(sqlalchemy\.exc|psycopg(\.errors)?)\.\w+: .*(connection|terminating|server|No space left|deadlock)",
    re.IGNORECASE,
)
PRODUCT = re.compile(r"_\d+_L2A\.(json|webp)$")
"""What tells pictures of one scene apart: its products."""
ADDRESS = re.compile(r"(s3|https?)://\S+")

Cell = tuple[str, date]


def published(farm: Farm) -> Objects:
    """Return everything that consumers see.

    The registry's numbers of fields in the summaries of seasons are counted from 1 on: PostgreSQL does not give the
    numbers of a transaction that ended in failure again.
    """
    return {
        key: _numbered(data) if key.startswith("seasons/summaries/") else data
        for key, data in farm.objects(*SEEN).items()
    }


def _numbered(data: bytes) -> bytes:
    table = pq.read_table(pa.BufferReader(data))
    numbers = table.column("sequence").to_pylist()
    places = {number: place for place, number in enumerate(sorted(set(numbers)), start=1)}
    where = table.column_names.index("sequence")
    table = table.set_column(where, "sequence", pa.array([places[number] for number in numbers], pa.int64()))
    out = pa.BufferOutputStream()
    pq.write_table(table, out)
    return bytes(out.getvalue())


@dataclass
class Watch:
    """Looks at the published days after each try of a step."""

    problems: list[str] = field(default_factory=list)
    _answers: dict[Cell, str] = field(default_factory=dict)
    _looked_at: Objects = field(default_factory=dict)

    def __call__(self, farm: Farm, step: str) -> None:
        days = farm.objects("observations")
        for key in self._looked_at.keys() - days.keys():
            self.problems.append(f"after {step}: {key} is gone")
        for key, data in days.items():
            if self._looked_at.get(key) != data:
                self._look(step, key, data, _owed(farm))
        self._looked_at = days

    def _look(self, step: str, key: str, data: bytes, owed: set[Cell]) -> None:
        try:
            rows = _rows(data)
        except (pa.ArrowInvalid, OSError) as error:
            self.problems.append(f"after {step}: {key} is no whole file: {error}")
            return
        now = {(row["field_id"], row["day"]): row["status"] for row in rows}
        if len(now) < len(rows):
            self.problems.append(f"after {step}: {key} has a field twice")
        before = {cell: status for cell, status in self._answers.items() if f"date={cell[1]}/" in key}
        for cell, status in before.items():
            if cell not in now and cell in owed:
                self.problems.append(f"after {step}: {key} has lost {cell[0]}")
            elif status != "failed" and now.get(cell) in ("failed", "no_scene") and now[cell] != status:
                self.problems.append(f"after {step}: {key} says {now[cell]} of {cell[0]}, which was {status}")
        self._answers = {cell: said for cell, said in self._answers.items() if cell not in before} | now


def problems(farm: Farm, expected: Objects) -> Iterator[str]:
    """Yield what is wrong after a run.

    Args:
        farm: whose work is done.
        expected: what consumers see after a run in which nothing went wrong.
    """
    found = published(farm)
    # No number needs a picture of a pass. One may be missing whose scene could not be read, or which could not be
    # written; and while half of a search was kept back, an older product of a scene was the newest one that was known,
    # and its picture stays. So do the products of a day that the field is not owed any more: what half of a search made
    # of it is not looked at again.
    if any(_may_cost_a_picture(fault) for fault in farm.fired):
        expected = {key: data for key, data in expected.items() if key in found or not key.startswith("passes/")}
    if any(fault.kind in LIES for fault in farm.fired):
        scenes = {PRODUCT.sub("", key) for key in expected}
        found = {key: data for key, data in found.items() if key in expected or PRODUCT.sub("", key) not in scenes}
        found, expected = _of_owed_days(farm, found), _of_owed_days(farm, expected)
    yield from _differences(found, expected)
    yield from _cells(farm)
    yield from _uploads(farm)
    yield from _registry(farm)
    yield from (
        f"{failure.step} ended with {failure.code} and names no cause:\n{failure.log}"
        for failure in farm.failures
        if not _names_cause(farm, failure)
    )


def _may_cost_a_picture(fault: Fault) -> bool:
    refuses_long = fault.server == "s3" and fault.times > 1 and " compute " in fault.step
    return fault.server == "scenes" or refuses_long


def _of_owed_days(farm: Farm, objects: Objects) -> Objects:
    folders = {f"fields/{field_id}/{day}" for field_id, day in _owed(farm)}
    return {
        key: data for key, data in objects.items() if not key.startswith("fields/") or key.rpartition("/")[0] in folders
    }


def _differences(found: Objects, expected: Objects) -> Iterator[str]:
    for key in sorted(found.keys() | expected.keys()):
        if key not in found:
            yield f"{key} is lost"
        elif key not in expected:
            yield f"{key} is too much"
        elif found[key] != expected[key]:
            yield f"{key} has other bytes than without faults"


def _cells(farm: Farm) -> Iterator[str]:
    """Compare the rows of the days and the ledger with the files that were uploaded."""
    owed = _owed(farm)
    rows = [row for data in farm.objects("observations").values() for row in _rows(data)]
    there = Counter((row["field_id"], row["day"]) for row in rows)
    yield from (f"no row of {field_id} on {day}" for field_id, day in sorted(owed - there.keys()))
    yield from (f"a row of {field_id} on {day}, which is not owed" for field_id, day in sorted(there.keys() - owed))
    yield from (f"{number} rows of {cell}" for cell, number in there.items() if number > 1)
    yield from (f"{row['field_id']} {row['day']}: {row['reason']}" for row in rows if row["status"] == "failed")
    of_rows = {(row["field_id"], row["day"], row["status"], row["fingerprint"]) for row in rows}
    ledger = {
        row
        for row in _query(
            farm, "SELECT field_id, date, status, fingerprint FROM observation JOIN field USING (sequence)"
        )
        if (row[0], row[1]) in owed  # the others are kept, in case that dates are corrected back
    }
    yield from (f"in the ledger alone: {row}" for row in sorted(ledger - of_rows))
    yield from (f"in the days' files alone: {row}" for row in sorted(of_rows - ledger))
    products = farm.objects("fields")
    for field_id, day, status, _ in sorted(of_rows):
        statement = products.get(f"fields/{field_id}/{day}/observation.json")
        if statement is not None and json.loads(statement)["status"] != status:
            yield f"the products of {field_id} on {day} are not those of its row"
        if status == "computed" and f"fields/{field_id}/{day}/ndvi.tif" not in products:
            yield f"{field_id} on {day} has no raster"


def _owed(farm: Farm) -> set[Cell]:
    return {(name, day) for name, planted in farm.plant_dates().items() for day in days_between(planted, END)}


def _uploads(farm: Farm) -> Iterator[str]:
    yield from (f"{key} is still pending" for key in farm.objects("staticdata/fields/pending"))
    yield from (f"{key} was rejected" for key in farm.objects("staticdata/fields/rejected"))
    ended = set(farm.objects("staticdata/fields/processed").values())
    for file in farm.files():
        if file.read_bytes() not in ended:
            yield f"{file.name} is not among the files that were taken in"


def _registry(farm: Farm) -> Iterator[str]:
    for table in EMPTY_TABLES:
        ((number,),) = _query(farm, f"SELECT count(*) FROM {table}")
        if number:
            yield f"{number} rows are left in {table}"
    fields = Counter(row[0] for row in _query(farm, "SELECT field_id FROM field"))
    if fields != Counter(farm.plant_dates().keys()):
        yield f"the registry has the fields {fields}"
    yield from (
        f"{name} is not caught up" for (name,) in _query(farm, "SELECT field_id FROM field WHERE NOT caught_up")
    )


def _names_cause(farm: Farm, failure: Failure) -> bool:
    """Whether a step that failed was killed by the schedule, or says which server it was and that another try helps."""
    happened = {fault.kind for fault in farm.fired if fault.step == failure.step}
    if failure.code == -SIGKILL:
        return not happened.isdisjoint(KILLED)
    last = (failure.log.strip().splitlines() or [""])[-1]
    if "deadlock" in last and "deadlock" not in happened:  # it is the product's own
        return False
    if failure.code == EXIT_TRY_AGAIN:
        return ADDRESS.search(last) is not None
    return failure.code == EXIT_DEFECT and DATABASE_ERROR.match(last) is not None


def _rows(data: bytes) -> list[dict[str, Any]]:
    columns = ["field_id", "day", "status", "reason", "fingerprint"]
    return pq.read_table(pa.BufferReader(data), columns=columns).to_pylist()


def _query(farm: Farm, query: str) -> list[tuple[Any, ...]]:
    engine = create_engine(farm.database)
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(text(query))]
    engine.dispose()
    return rows
