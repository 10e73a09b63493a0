"""Fields from GeoJSON: every feature is read by itself; the good ones come back as fields, the bad ones as problems.

A file is a FeatureCollection, or a single Feature. Of `properties`, `object-type` ("field"), `object-id`, `plant-date`
and `plant-type` have to be there, `end-date` may be; other members, a feature's own `id` and every `bbox` are not read.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ParamSpec, TypeVar

from ndvi_core.intake.document import Reason, Rejection, as_object, check_crs, read_json, show
from ndvi_core.intake.polygons import read_geometry
from ndvi_core.models.field import FIELD_ID_PATTERN, Field
from ndvi_core.models.frozen import Frozen

MAX_FEATURES = 200_000
"""Features of one file, at most."""
MAX_PLANT_TYPE_CHARACTERS = 100

ALWAYS_PLANTED = date.min
"""The plant date of a field that states none, where it need not."""

_LISTED_INDEXES = 10
"""Indexes of features that share an id in messages, at most."""
_ID_RULE = "ids are 1 to 63 ASCII letters, digits, - and _, with a letter or digit at either end, for they name files"
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_GEOMETRIES = (
    "Point",
    "MultiPoint",
    "LineString",
    "MultiLineString",
    "Polygon",
    "MultiPolygon",
    "GeometryCollection",
)

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Problem(Frozen):
    """A defect of a file, for a person: where it is, what is wrong and what to do."""

    feature: int | None
    """Index in `features`, from 0; None is the whole file."""
    id: str | None
    """The feature's `object-id`, as far as it can be printed; None where it is not known."""
    where: str
    """JSON pointer, or line and column of what is not JSON; empty is the whole document."""
    reason: Reason
    message: str
    registered: bool = False
    """Whether the field is registered all the same: it was repaired, or is in the file twice."""


@dataclass(frozen=True)
class ParsedFields:
    """The fields of a file, and its problems."""

    fields: tuple[Field, ...]
    """In the order of the file; each id once."""
    problems: tuple[Problem, ...]
    """In the order of the file; every feature without a field has one that says why."""


def parse_fields(data: bytes, *, crop_required: bool = True) -> ParsedFields:
    """Read the fields of a GeoJSON file. Any bytes will do: a defect becomes a problem, not an error.

    Features that share an id are all rejected, since none is known to be the right one; unless they all say the same,
    then the first counts.

    Args:
        data: the file's content.
        crop_required: whether `plant-type` and `plant-date` have to be there. Else a type that is missing is empty, and
            a field without a date is planted on `ALWAYS_PLANTED`.
    """
    try:
        features = _features(read_json(data))
    except Rejection as rejection:
        return ParsedFields(fields=(), problems=(_problem(rejection, None, None),))
    read = [_read_feature(index, feature, where, crop_required) for index, (feature, where) in enumerate(features)]
    resolved = _resolve_shared_ids(read)
    return ParsedFields(
        fields=tuple(entry.field for entry in resolved if entry.field is not None),
        problems=tuple(problem for entry in resolved for problem in entry.problems),
    )


@dataclass(frozen=True)
class _Read:
    """A feature that was read: its field, or its problems, or both."""

    index: int
    where: str
    field_id: str | None
    field: Field | None
    problems: tuple[Problem, ...]


class _Attempts:
    """Calls readers and collects their rejections, so that a person learns all defects of a feature at once."""

    def __init__(self) -> None:
        self.rejections: list[Rejection] = []

    def __call__(self, read: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
        try:
            return read(*args, **kwargs)
        except Rejection as rejection:
            self.rejections.append(rejection)
            return None


def _features(document: object) -> list[tuple[object, str]]:
    """Return the features of a document, each with its JSON pointer."""
    members = as_object(document, "", "not_geojson", "a GeoJSON file")
    kind = members.get("type")
    if kind in _GEOMETRIES:
        raise Rejection(
            "bare_geometry",
            "/type",
            f"this is a bare {kind}, without an id and a plant date: wrap it in a Feature with properties",
        )
    if kind not in ("FeatureCollection", "Feature"):
        raise Rejection("not_geojson", "/type", f'the type has to be "FeatureCollection", not {show(kind)}')
    check_crs(members, "")
    if kind == "Feature":
        return [(document, "")]
    features = members.get("features")
    if not isinstance(features, list):
        raise Rejection("no_features", "/features", f'"features" has to be an array of features, not {show(features)}')
    if not features:
        raise Rejection("no_features", "/features", "there is no feature in the file: export it again with its fields")
    if len(features) > MAX_FEATURES:
        raise Rejection(
            "too_many_features", "/features", f"{len(features)} features are more than {MAX_FEATURES}: split the file"
        )
    return [(feature, f"/features/{index}") for index, feature in enumerate(features)]


def _read_feature(index: int, feature: object, where: str, crop_required: bool) -> _Read:
    try:
        members = as_object(feature, where, "not_a_feature", "a feature")
        if members.get("type") != "Feature":
            kind = show(members.get("type"))
            raise Rejection("not_a_feature", f"{where}/type", f'the type of a feature has to be "Feature", not {kind}')
        check_crs(members, where)
        properties = as_object(members.get("properties"), f"{where}/properties", "no_properties", '"properties"')
    except Rejection as rejection:
        return _Read(index, where, None, None, (_problem(rejection, index, None),))

    attempt = _Attempts()
    attempt(_check_object_type, properties, f"{where}/properties")
    field_id = attempt(_field_id, properties, f"{where}/properties")
    plant_type = attempt(_plant_type, properties, f"{where}/properties", crop_required)
    season = attempt(_season, properties, f"{where}/properties", crop_required)
    read = attempt(read_geometry, members.get("geometry"), f"{where}/geometry")
    name = _printable_id(properties)
    if attempt.rejections or field_id is None or plant_type is None or season is None or read is None:
        problems = tuple(_problem(rejection, index, name) for rejection in attempt.rejections)
        return _Read(index, where, field_id, None, problems)
    plant_date, end_date = season
    field = Field(
        field_id=field_id,
        geometry=read.geometry,
        plant_type=plant_type,
        plant_date=plant_date,
        end_date=end_date,
    )
    if read.repair is None:
        return _Read(index, where, field_id, field, ())
    note = Rejection("mended", f"{where}/geometry", f"{read.repair}: check that it is still the field")
    return _Read(index, where, field_id, field, (_problem(note, index, name, registered=True),))


def _check_object_type(properties: dict[str, Any], where: str) -> None:
    value = properties.get("object-type")
    if value != "field":
        raise Rejection(
            "wrong_object_type", f"{where}/object-type", f'"object-type" has to be "field", not {show(value)}'
        )


def _field_id(properties: dict[str, Any], where: str) -> str:
    value = _required(properties, "object-id", where)
    if not isinstance(value, str):
        raise Rejection("bad_id", f"{where}/object-id", f'"object-id" has to be a text in quotes, not {show(value)}')
    if not re.fullmatch(FIELD_ID_PATTERN, value):
        raise Rejection("bad_id", f"{where}/object-id", f"{show(value)} cannot be an object-id: {_ID_RULE}")
    return value


def _plant_type(properties: dict[str, Any], where: str, required: bool) -> str:
    if not required and properties.get("plant-type") is None:
        return ""
    value = _required(properties, "plant-type", where)
    if not isinstance(value, str) or not value.strip():
        raise Rejection("bad_plant_type", f"{where}/plant-type", f'"plant-type" has to name a crop, not {show(value)}')
    if len(value) > MAX_PLANT_TYPE_CHARACTERS or any(unicodedata.category(c) in ("Cc", "Cs") for c in value):
        raise Rejection(
            "bad_plant_type",
            f"{where}/plant-type",
            f'"plant-type" is {show(value)}: at most {MAX_PLANT_TYPE_CHARACTERS} characters, and no control characters',
        )
    return value.strip()


def _season(properties: dict[str, Any], where: str, plant_date_required: bool) -> tuple[date, date | None]:
    plant_date = ALWAYS_PLANTED
    if plant_date_required or properties.get("plant-date") is not None:
        plant_date = _day(_required(properties, "plant-date", where), f"{where}/plant-date", "plant-date")
    end = properties.get("end-date")
    if end is None:
        return plant_date, None
    end_date = _day(end, f"{where}/end-date", "end-date")
    if end_date < plant_date:
        raise Rejection(
            "end_before_plant", f"{where}/end-date", f"the end-date {end_date} is before the plant-date {plant_date}"
        )
    return plant_date, end_date


def _day(value: object, where: str, name: str) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise Rejection("bad_date", where, f'"{name}" has to be a day as "YYYY-MM-DD", not {show(value)}')
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise Rejection("bad_date", where, f'"{name}" is {value}, a day that no calendar has: {error}') from error


def _required(properties: dict[str, Any], name: str, where: str) -> Any:
    value = properties.get(name)
    if value is None:
        raise Rejection("missing_property", f"{where}/{name}", f'the property "{name}" is missing: add it')
    return value


def _resolve_shared_ids(read: list[_Read]) -> list[_Read]:
    """Keep the first of features that say the same, and no field of features that share an id and differ."""
    sharing: dict[str, list[_Read]] = defaultdict(list)
    for entry in read:
        if entry.field_id is not None:
            sharing[entry.field_id].append(entry)
    resolved = list(read)
    for first, *others in sharing.values():
        if not others:
            continue
        if len({_content(entry) for entry in (first, *others)}) == 1 and first.field is not None:
            for entry in others:
                note = f"this feature is the same as feature {first.index}: it is registered once"
                resolved[entry.index] = _without_field(entry, "repeated_feature", note, registered=True)
        else:
            indexes = _listing(entry.index for entry in (first, *others))
            for entry in (first, *others):
                message = (
                    f"the features {indexes} share this id: give each an id of its own, or keep the one that is right"
                )
                resolved[entry.index] = _without_field(entry, "duplicate_id", message, registered=False)
    return resolved


def _content(entry: _Read) -> tuple[object, ...] | None:
    field = entry.field
    return None if field is None else (field.geometry_hash, field.plant_type, field.plant_date, field.end_date)


def _without_field(entry: _Read, reason: Reason, message: str, registered: bool) -> _Read:
    rejection = Rejection(reason, f"{entry.where}/properties/object-id", message)
    earlier = tuple(problem.model_copy(update={"registered": registered}) for problem in entry.problems)
    problems = (*earlier, _problem(rejection, entry.index, entry.field_id, registered))
    return replace(entry, field=None, problems=problems)


def _listing(indexes: Iterable[int]) -> str:
    *most, last = indexes
    if len(most) < _LISTED_INDEXES:
        return f"{', '.join(map(str, most))} and {last}"
    return f"{', '.join(map(str, most[:_LISTED_INDEXES]))} and {len(most) + 1 - _LISTED_INDEXES} more"


def _printable_id(properties: dict[str, Any]) -> str | None:
    value = properties.get("object-id")
    if not isinstance(value, str):
        return None
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value[:64])


def _problem(rejection: Rejection, index: int | None, field_id: str | None, registered: bool = False) -> Problem:
    return Problem(
        feature=index,
        id=field_id,
        where=rejection.where,
        reason=rejection.reason,
        message=rejection.message,
        registered=registered,
    )
