"""The properties of a feature that are read: whichever way their names are spelled, and what their values say."""

import difflib
import re
import unicodedata
from datetime import date
from typing import Any, NamedTuple

from ndvi_core.intake.document import LongInteger, Note, Reason, Rejection, show
from ndvi_core.models.field import FIELD_ID_PATTERN

MAX_PLANT_TYPE_CHARACTERS = 100
MAX_SEASON_CHARACTERS = 40

CONFIRM = "confirm"
_NAMES = ("object-type", "object-id", "plant-date", "plant-type", "end-date", "season", CONFIRM)
_SEPARATORS = re.compile("[-_ \N{NO-BREAK SPACE}\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{EN DASH}]+")
_BLANKS = " \N{NO-BREAK SPACE}"
_LENGTH_DIFFERENCE = 4
"""Characters by which near names differ in length, at most."""
_NEAR, _VERY_NEAR = 0.78, 0.88
"""`difflib` ratios from which a name may be meant: of a property that has to be there; of one that need not, since
"edit_date" has 0.82 with "end-date"."""

_ID_RULE = "ids are 1 to 63 ASCII letters, digits, - and _, with a letter or digit at either end, for they name files"
_MAX_EXACT = 2**53
"""Whole floats below it are one integer each."""
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Spellings(NamedTuple):
    """How the properties of a feature spell the names that are read."""

    same: dict[str, tuple[str, ...]]
    """The names that mean a property, by what it is called here."""
    near: dict[str, tuple[str, float]]
    """For a property that no name means: the one that comes nearest, and its ratio from 0 to 1."""


class Properties(NamedTuple):
    """The `properties` of a feature."""

    members: dict[str, Any]
    where: str
    """JSON pointer to them."""
    spellings: Spellings


class Property(NamedTuple):
    """A property as it was found."""

    value: Any
    """Without blanks around a text (a Shapefile pads); None: it is absent or null."""
    where: str
    """JSON pointer to it, or to where it should be."""


def spellings(names: tuple[str, ...]) -> Spellings:
    """Return how some names spell what is read: upper and lower case, and `-`, `_` and blanks, are the same."""
    same: dict[str, tuple[str, ...]] = {}
    others: dict[str, str] = {}
    for name in names:
        plain = _SEPARATORS.sub("-", name.strip(_BLANKS)).casefold() if len(name) < 64 else name
        if plain in _NAMES:
            same[plain] = (*same.get(plain, ()), name)
        else:
            others.setdefault(plain, name)
    near: dict[str, tuple[str, float]] = {}
    for wanted in _NAMES:
        if wanted not in same:
            similar = [other for other in others if abs(len(other) - len(wanted)) <= _LENGTH_DIFFERENCE]
            for nearest in difflib.get_close_matches(wanted, similar, n=1, cutoff=_NEAR):
                near[wanted] = (others[nearest], difflib.SequenceMatcher(None, nearest, wanted).ratio())
    return Spellings(same, near)


def find(properties: Properties, name: str) -> Property:
    """Return a property.

    Raises:
        Rejection: two spellings of its name are there with different values.
    """
    given = [other for other in properties.spellings.same.get(name, ()) if properties.members[other] is not None]
    if not given:
        return Property(None, f"{properties.where}/{name}")
    first, *others = given
    value = properties.members[first]
    for other in others:
        if _meaning(properties.members[other]) != _meaning(value):
            raise Rejection(
                "ambiguous_property",
                properties.where,
                f'"{first}" is {show(value)} and "{other}" is {show(properties.members[other])}, but both names mean '
                f'"{name}": keep the one that is right',
            )
    return Property(value.strip(_BLANKS) if isinstance(value, str) else value, f"{properties.where}/{first}")


def nearly_given(properties: Properties, crop_required: bool) -> list[Note]:
    """Return for each property that is not there, and need not be, the name that looks like it but is not read."""
    optional = ("end-date", "season") if crop_required else ("plant-date", "plant-type", "end-date", "season")
    near = {name: properties.spellings.near[name] for name in optional if name in properties.spellings.near}
    return [
        Note(
            "near_property",
            properties.where,
            f'there is no "{name}"; did you mean "{_printable(found)}"? It was not read: rename it if it is meant',
        )
        for name, (found, ratio) in near.items()
        if ratio >= _VERY_NEAR
    ]


def check_object_type(properties: Properties) -> None:
    """Check that a feature is a field."""
    value, where = _required(properties, "object-type")
    if value != "field":
        raise Rejection("wrong_object_type", where, f'"object-type" has to be "field", not {show(value)}')


def field_id(properties: Properties) -> str:
    """Return the id; a whole number is taken as its digits."""
    value, where = _required(properties, "object-id")
    if isinstance(value, float):
        digits = _digits(value)
        if digits is None:
            raise Rejection(
                "bad_id",
                where,
                f'"object-id" is {show(value)}: as a number it has to be whole, and from 2^53 on to be written without '
                "a decimal point; else put it in quotes",
            )
        value = digits
    if not isinstance(value, str):
        raise Rejection("bad_id", where, f'"object-id" has to be a text or a whole number, not {show(value)}')
    if not re.fullmatch(FIELD_ID_PATTERN, value):
        raise Rejection("bad_id", where, f"{show(value)} cannot be an object-id: {_ID_RULE}")
    return value


def printable_id(properties: Properties) -> str | None:
    """Return the id as far as it can be printed, None where it is not known."""
    try:
        value, _ = find(properties, "object-id")
    except Rejection:
        return None
    if isinstance(value, float):
        value = _digits(value)
    return _printable(value[:64]) if isinstance(value, str) else None


def plant_type(properties: Properties, required: bool) -> str:
    """Return the crop, empty where it is missing and not required."""
    value, where = _required(properties, "plant-type") if required else find(properties, "plant-type")
    if value is None:
        return ""
    if not isinstance(value, str) or not value.strip():
        raise Rejection("bad_plant_type", where, f'"plant-type" has to name a crop, not {show(value)}')
    if len(value) > MAX_PLANT_TYPE_CHARACTERS or any(unicodedata.category(c) in ("Cc", "Cs") for c in value):
        raise Rejection(
            "bad_plant_type",
            where,
            f'"plant-type" is {show(value)}: at most {MAX_PLANT_TYPE_CHARACTERS} characters, and no control characters',
        )
    return value.strip()


def season_name(properties: Properties) -> str | None:
    """Return the name of the season, None where none is stated; a whole number (2025) is taken as its digits."""
    value, where = find(properties, "season")
    if value is None or value == "":
        return None
    text = _digits(value) if isinstance(value, float) else value
    if not isinstance(text, str) or len(text) > MAX_SEASON_CHARACTERS or not text.isprintable():
        raise Rejection(
            "bad_season",
            where,
            f'"season" has to be a name of at most {MAX_SEASON_CHARACTERS} characters, or a year, not {show(value)}',
        )
    return text


def dates(properties: Properties, unstated: date | None) -> tuple[date, date | None]:
    """Return the plant date and the end date; None is open.

    Args:
        properties: of the feature.
        unstated: the plant date where none is stated; None: one has to be.
    """
    planted, where = _required(properties, "plant-date") if unstated is None else find(properties, "plant-date")
    plant_date = unstated if planted is None and unstated else _day(planted, where, "plant-date")
    end, where = find(properties, "end-date")
    if end is None:
        return plant_date, None
    end_date = _day(end, where, "end-date")
    if end_date < plant_date:
        raise Rejection("end_before_plant", where, f"the end-date {end_date} is before the plant-date {plant_date}")
    return plant_date, end_date


def is_confirmed(value: object) -> bool:
    """Return whether a value, of a property or a member `confirm`, says yes: `true`, or as a Shapefile has it."""
    return value is True or (isinstance(value, str) and value.strip().lower() in ("true", "yes"))


def _required(properties: Properties, name: str) -> Property:
    found = find(properties, name)
    if found.value is None:
        reason: Reason = "missing_property"
        if name in properties.spellings.near:
            near = _printable(properties.spellings.near[name][0])
            raise Rejection(
                reason, found.where, f'"{name}" is missing; did you mean "{near}"? Rename it if it is meant'
            )
        raise Rejection(reason, found.where, f'the property "{name}" is missing: add it')
    return found


def _day(value: object, where: str, name: str) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise Rejection("bad_date", where, f'"{name}" has to be a day as "YYYY-MM-DD", not {show(value)}')
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise Rejection("bad_date", where, f'"{name}" is {value}, a day that no calendar has: {error}') from error


def _digits(number: float) -> str | None:
    """Return a whole number as it is written without a decimal point; None if it is not whole, or not known exactly."""
    if isinstance(number, LongInteger):
        return number.digits
    return str(int(number)) if number.is_integer() and abs(number) < _MAX_EXACT else None


def _meaning(value: object) -> object:
    """Return what is equal for values that mean the same: 17, 17.0 and "17 " do."""
    if isinstance(value, float):
        return _digits(value) or repr(value)
    return value.strip(_BLANKS) if isinstance(value, str) else (type(value), value)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
