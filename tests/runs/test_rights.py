"""What each kind of pod does in the bucket is what its role on AWS may do."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import hcl2
import pytest
from support.farm import DAYS, END, START, Farm
from support.features import collection, feature

from ndvi_airflow.web import pictures, seasons
from ndvi_core.intake.extent_file import load_extent
from ndvi_core.intake.submit import submit
from ndvi_core.registry import fields as registry
from ndvi_core.runs import field_life
from ndvi_core.runs.folder import RunFolder
from ndvi_core.runs.season_plan import plan_seasons
from ndvi_core.runs.season_record import record_seasons
from ndvi_core.season_run.run import run_season_order
from ndvi_core.settings import Settings
from ndvi_core.storage.object_store import Store

ROLES = Path(__file__).parents[2] / "terraform/modules/ndvi_aws/roles.tf"
VERBS = {
    "get": "read",
    "head": "read",
    "last_modified": "read",
    "described": "read",
    "write": "write",
    "delete": "delete",
}
"""Methods of the store, and the right that S3 asks for."""
COMPUTE = ("ndvi_core.compute", "ndvi_core.products.passes", "ndvi_core.season_run.run")
"""What a pod runs, in any of its threads; all else is Airflow's."""

FIELDS = "staticdata/fields"
ELSEWHERE = {
    # Airflow's own.
    *(("airflow", right, "logs/*") for right in ("read", "write")),
    ("web", "read", "logs/*"),
    # An upload that is taken in again, after a crash or since somebody confirmed or repeated it.
    *(("airflow", "read", f"{FIELDS}/{folder}/*") for folder in ("processed", "rejected", "waiting")),
    # `airflow ndvi register` puts a file where a person would.
    ("airflow", "write", f"{FIELDS}/pending/*"),
    # Events, and seasons that are no more; this farm's life is too short for them.
    ("airflow", "write", "events/*"),
    ("airflow", "delete", "seasons/*"),
    # The other parts of a year, which a run of this size does not have.
    ("compute", "read", "seasons/*"),
    # The map asks for them by another route than the pictures of fields.
    ("web", "read", "passes/*"),
}
"""Rights on what happens at other times than in the life of this farm."""

Did = tuple[str, str, str]
"""Role, right and key."""


@pytest.fixture(scope="module")
def rights() -> dict[str, dict[str, Any]]:
    """The rights by role, as Terraform reads them."""
    options = hcl2.SerializationOptions(strip_string_quotes=True)
    (found,) = hcl2.loads(ROLES.read_text(), serialization_options=options)["locals"]
    return found["rights"]


class Witness:
    """Notes what is done in the bucket, and by whom."""

    def __init__(self, bucket: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bucket = bucket
        self.did: set[Did] = set()
        self.role = "airflow"
        for method, right in VERBS.items():
            monkeypatch.setattr(Store, method, self._noting(getattr(Store, method), right))
        copy = Store.copy

        def copied(store: Store, source: str, target: str) -> None:
            self._note("read", store.uri(source))
            self._note("write", store.uri(target))
            copy(store, source, target)

        monkeypatch.setattr(Store, "copy", copied)

    @contextmanager
    def acting(self, role: str) -> Iterator[None]:
        self.role, before = role, self.role
        try:
            yield
        finally:
            self.role = before

    def _noting(self, method: Callable[..., Any], right: str) -> Callable[..., Any]:
        def noted(store: Store, key: str, *args: Any, **kwargs: Any) -> Any:
            self._note(right, store.uri(key))
            return method(store, key, *args, **kwargs)

        return noted

    def _note(self, right: str, uri: str) -> None:
        frame, modules = sys._getframe(1), set()
        while frame := frame.f_back:
            modules.add(frame.f_globals["__name__"])
        self.did.add(("compute" if modules.intersection(COMPUTE) else self.role, right, self.bucket.key(uri)))


@pytest.fixture
def did(empty_farm: Farm, monkeypatch: pytest.MonkeyPatch) -> set[Did]:
    """All that is done in the life of a farm: uploads of all kinds, days, seasons, pictures, and what commands do."""
    farm, season = empty_farm, empty_farm.season
    store, settings, engine = farm.store, farm.settings, farm.engine
    store.write(settings.extent_key, season.extent.read_bytes())
    witness = Witness(store, monkeypatch)
    with witness.acting("web"):
        submit(store, settings, engine.connect, "fields.geojson", season.fields.read_bytes())
        load_extent(store, settings.extent_key)
    with witness.acting("whoever uploads"):
        farm.upload(b"no json", "bad.geojson")
        farm.upload(collection(feature(object_id="old", plant_date="1999-04-01")), "old.geojson")
    farm.intake()
    farm.catch_up()
    farm.daily(END)
    run = farm.by_hand(start=START, end=END, force=True)
    folder = RunFolder.of(store, settings, "ndvi_season", "by hand")
    plan = plan_seasons(folder, settings, engine)
    run_season_order(plan.order.uri)
    record_seasons(folder, settings, engine)
    with witness.acting("web"):
        pictures.show_order("test", run.folder.prefix.split("/")[2], 0, settings, store)
        field_id, day = next(
            key.split("/")[1:3] for _, right, key in witness.did if (right, key[-8:]) == ("write", "ndvi.png")
        )
        pictures.picture(field_id, day, settings, store, engine.connect)
        seasons.seasons(field_id, engine.connect, store, settings)
    field_life.retire(store, settings, engine, ["field_2"], DAYS[3])
    field_life.rename(store, settings, engine, "field_2", "north_7")
    with engine.connect() as connection:
        everything = [field.field_id for field in registry.load_fields(connection)]
    field_life.purge(store, settings, engine, everything)
    return witness.did


def test_a_role_may_do_what_its_pods_do_and_nothing_else(did: set[Did], rights: dict[str, dict[str, Any]]) -> None:
    seen = {one for one in did if one[0] in rights}
    refused = {
        (role, right, key)
        for role, right, key in seen
        if not any(fnmatchcase(key, pattern) for pattern in rights[role][right])
    }
    assert refused == set()
    assert {role for role, *_ in seen} == rights.keys()
    needless = {
        (role, right, pattern)
        for role, of_role in rights.items()
        for right in ("read", "write", "delete")
        for pattern in of_role[right]
        if not any((role, right) == one[:2] and fnmatchcase(one[2], pattern) for one in seen)
    }
    assert needless == ELSEWHERE


def test_rights_are_on_prefixes_of_the_settings(rights: dict[str, dict[str, Any]]) -> None:
    settings = Settings()
    known = {f"{value}*" for name, value in settings if name.endswith("_prefix")} | {settings.extent_key, "logs/*"}
    named = {pattern for role in rights.values() for verb in ("read", "write", "delete") for pattern in role[verb]}
    assert named == known
