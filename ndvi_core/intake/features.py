"""Fields from GeoJSON: every feature is read by itself; the good ones come back as fields, the bad ones as problems.

A file is a FeatureCollection, a single Feature, or a sequence of these. Of `properties`, `object-type` ("field"),
`object-id`, `plant-date` and `plant-type` have to be there, `end-date` and `season` may be; other members, a feature's
own `id` and every `bbox` are not read.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import NamedTuple, ParamSpec, TypeVar

from ndvi_core.intake.crs import check_crs
from ndvi_core.intake.document import Note, Reason, Rejection, as_object, show
from ndvi_core.intake.formats import foreign_json
from ndvi_core.intake.polygons import read_geometry
from ndvi_core.intake.properties import (
    CONFIRM,
    Properties,
    Spellings,
    check_object_type,
    dates,
    field_id,
    find,
    is_confirmed,
    nearly_given,
    plant_type,
    printable_id,
    season_name,
    spellings,
)
from ndvi_core.intake.sequence import read_texts
from ndvi_core.models.field import Field
from ndvi_core.models.frozen import Frozen

MAX_FEATURES = 200_000
"""Features of one file, at most."""

ALWAYS_PLANTED = date.min
"""The plant date of a field that states none, where it need not."""
_LISTED = 10
"""Indexes or ids of features in messages, at most."""
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
    """Index among the file's features, from 0, those that cannot be read included; None is the whole file."""
    id: str | None
    """The feature's `object-id`, as far as it can be printed; None where it is not known."""
    where: str
    """JSON pointer, or line and column of what is not JSON; empty is the whole document. In a sequence the pointer
    comes after its text: `line 3/properties/object-id`, or `record 3/...` where records have separators."""
    reason: Reason
    message: str
    registered: bool = False
    """Whether the field is registered all the same: this is a note, not a rejection."""


class Origin(NamedTuple):
    """Where a field comes from."""

    number: int
    """Among the file's features, from 0."""
    where: str
    """JSON pointer to the feature, see `Problem.where`."""
    is_confirmed: bool
    """Whether the file says that somebody has confirmed it: a property `confirm` of the feature, or a member of the
    feature or of its collection."""


@dataclass(frozen=True)
class ParsedFields:
    """The fields of a file, and its problems."""

    fields: tuple[Field, ...]
    """In the order of the file; each id once."""
    problems: tuple[Problem, ...]
    """In the order of the file; every feature without a field has one that says why."""
    origins: tuple[Origin, ...] = ()
    """Of each field."""


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
        found, notes = _all_features(data)
    except Rejection as rejection:
        return ParsedFields(fields=(), problems=(_problem(rejection, None, None),))
    # Features of a file have the same names, and to compare them takes time.
    spelled = lru_cache(maxsize=1024)(spellings)
    read = [_read_feature(index, feature, crop_required, spelled) for index, feature in enumerate(found)]
    resolved = _with_similar_ids(_resolve_shared_ids(read))
    return ParsedFields(
        fields=tuple(entry.field for entry in resolved if entry.field is not None),
        origins=tuple(entry.origin for entry in resolved if entry.field is not None),
        problems=(
            *(_problem(note, None, None, registered=True) for note in notes),
            *(problem for entry in resolved for problem in entry.problems),
        ),
    )


class _Found(NamedTuple):
    """A feature as it was found."""

    value: object
    """As `read_json` returns it; in place of what is wrong in a sequence, the Rejection."""
    where: str
    is_confirmed: bool
    """Whether its collection says so."""


@dataclass(frozen=True)
class _Read:
    """A feature that was read: its field, or its problems, or both."""

    origin: Origin
    id_where: str
    """JSON pointer to the id, or to the feature if it has none."""
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


def _all_features(data: bytes) -> tuple[list[_Found], list[Note]]:
    """Return the features of a file, and what there is to tell of the file."""
    texts = read_texts(data)
    notes: list[Note] = []
    found: list[_Found] = []
    for value, where in texts:
        try:
            if isinstance(value, Rejection):
                raise value
            found += _features(value, where, notes)
        except Rejection as rejection:
            if not where:
                raise
            found.append(_Found(rejection, where, is_confirmed=False))
    if len(found) > MAX_FEATURES:
        where = "/features" if len(texts) == 1 else ""
        raise Rejection(
            "too_many_features", where, f"{len(found)} features are more than {MAX_FEATURES}: split the file"
        )
    return found, notes


def _features(document: object, where: str, notes: list[Note]) -> list[_Found]:
    """Return the features of a document, and add to `notes`."""
    foreign = foreign_json(document)
    if isinstance(document, list) and foreign:
        raise Rejection("not_geojson", where, foreign)
    members = as_object(document, where, "not_geojson", "a GeoJSON file")
    kind = members.get("type")
    if kind in _GEOMETRIES:
        raise Rejection(
            "bare_geometry",
            f"{where}/type",
            f"this is a bare {kind}, without an id and a plant date: wrap it in a Feature with properties",
        )
    if kind not in ("FeatureCollection", "Feature"):
        message = foreign or f'the type has to be "FeatureCollection", not {show(kind)}'
        raise Rejection("not_geojson", f"{where}/type", message)
    note = check_crs(members, where)
    if kind == "Feature":
        return [_Found(document, where, is_confirmed=False)]
    if note is not None:
        notes.append(note)
    features = members.get("features")
    if not isinstance(features, list):
        raise Rejection(
            "no_features", f"{where}/features", f'"features" has to be an array of features, not {show(features)}'
        )
    if not features:
        raise Rejection(
            "no_features", f"{where}/features", "there is no feature in the file: export it again with its fields"
        )
    confirmed = is_confirmed(members.get(CONFIRM))
    return [_Found(feature, f"{where}/features/{index}", confirmed) for index, feature in enumerate(features)]


def _read_feature(
    index: int, found: _Found, crop_required: bool, spelled: Callable[[tuple[str, ...]], Spellings]
) -> _Read:
    where = found.where
    origin = Origin(index, where, found.is_confirmed)
    try:
        if isinstance(found.value, Rejection):
            raise found.value
        members = as_object(found.value, where, "not_a_feature", "a feature")
        if members.get("type") != "Feature":
            kind = show(members.get("type"))
            raise Rejection("not_a_feature", f"{where}/type", f'the type of a feature has to be "Feature", not {kind}')
        note = check_crs(members, where)
        stated = as_object(members.get("properties"), f"{where}/properties", "no_properties", '"properties"')
    except Rejection as rejection:
        return _Read(origin, where, None, None, (_problem(rejection, index, None),))

    properties = Properties(stated, f"{where}/properties", spelled(tuple(stated)))
    attempt = _Attempts()
    attempt(check_object_type, properties)
    found_id = attempt(field_id, properties)
    crop = attempt(plant_type, properties, crop_required)
    days = attempt(dates, properties, None if crop_required else ALWAYS_PLANTED)
    name_of_season = attempt(season_name, properties)
    read = attempt(read_geometry, members.get("geometry"), f"{where}/geometry")
    confirm = attempt(find, properties, CONFIRM)
    name = printable_id(properties)
    id_where = where if found_id is None else find(properties, "object-id").where
    if attempt.rejections or found_id is None or crop is None or days is None or read is None or confirm is None:
        problems = tuple(_problem(rejection, index, name) for rejection in attempt.rejections)
        return _Read(origin, id_where, found_id, None, problems)
    plant_date, end_date = days
    field = Field(
        field_id=found_id,
        geometry=read.geometry,
        plant_type=crop,
        plant_date=plant_date,
        end_date=end_date,
        season=name_of_season,
    )
    notes = [*([note] if note else []), *nearly_given(properties, crop_required), *read.notes]
    if is_confirmed(members.get(CONFIRM)) or is_confirmed(confirm.value):
        origin = origin._replace(is_confirmed=True)
    return _Read(origin, id_where, found_id, field, tuple(_problem(one, index, name, registered=True) for one in notes))


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
                note = f"this feature is the same as feature {first.origin.number}: it is registered once"
                resolved[entry.origin.number] = _without_field(entry, "repeated_feature", note, registered=True)
        else:
            indexes = _listing(entry.origin.number for entry in (first, *others))
            for entry in (first, *others):
                message = (
                    f"the features {indexes} share this id: give each an id of its own, keep the one that is right, "
                    "or put each into a file of its own if they are seasons of one field"
                )
                resolved[entry.origin.number] = _without_field(entry, "duplicate_id", message, registered=False)
    return resolved


def _with_similar_ids(read: list[_Read]) -> list[_Read]:
    """Add a note to fields whose ids differ in upper and lower case alone.

    They are two fields, as they are two keys on S3; but a folder of macOS or Windows takes them for one.
    """
    similar: dict[str, list[_Read]] = defaultdict(list)
    for entry in read:
        if entry.field is not None:
            similar[entry.field.field_id.lower()].append(entry)
    noted = list(read)
    for entries in similar.values():
        if len(entries) == 1:
            continue
        names = _listing(entry.field_id for entry in entries)
        for entry in entries:
            note = Note(
                "ids_differ_in_case",
                entry.id_where,
                f"the ids {names} differ in upper and lower case alone: they are fields of their own, but share a "
                "folder where file names ignore case. If they are one field, give it one id",
            )
            problem = _problem(note, entry.origin.number, entry.field_id, registered=True)
            noted[entry.origin.number] = replace(entry, problems=(*entry.problems, problem))
    return noted


def _content(entry: _Read) -> tuple[object, ...] | None:
    field = entry.field
    if field is None:
        return None
    return field.geometry_hash, field.plant_type, field.plant_date, field.end_date, field.season


def _without_field(entry: _Read, reason: Reason, message: str, registered: bool) -> _Read:
    finding = Note(reason, entry.id_where, message)
    earlier = tuple(problem.model_copy(update={"registered": registered}) for problem in entry.problems)
    problems = (*earlier, _problem(finding, entry.origin.number, entry.field_id, registered))
    return replace(entry, field=None, problems=problems)


def _listing(items: Iterable[object]) -> str:
    *most, last = items
    if len(most) < _LISTED:
        return f"{', '.join(map(str, most))} and {last}"
    return f"{', '.join(map(str, most[:_LISTED]))} and {len(most) + 1 - _LISTED} more"


def _problem(finding: Rejection | Note, index: int | None, shown_id: str | None, registered: bool = False) -> Problem:
    return Problem(
        feature=index,
        id=shown_id,
        where=finding.where,
        reason=finding.reason,
        message=finding.message,
        registered=registered,
    )
