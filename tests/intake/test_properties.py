"""Properties as other programs spell, cut off, pad and type them."""

import json
from typing import Any

import pytest
from support.features import PROPERTIES, SQUARE, collection, feature, found, only_problem

from ndvi_core.intake.features import ParsedFields, parse_fields


def parsed_with(properties: dict[str, Any], crop_required: bool = True) -> ParsedFields:
    data = collection({"type": "Feature", "properties": properties, "geometry": SQUARE})
    return parse_fields(data, crop_required=crop_required)


@pytest.mark.parametrize(
    "spell",
    [
        pytest.param(lambda name: name.replace("-", "_"), id="underscores"),
        pytest.param(str.upper, id="capitals"),
        pytest.param(lambda name: name.replace("-", " ").title(), id="words"),
        pytest.param(lambda name: name.replace("-", "_").upper(), id="constants"),
        pytest.param(lambda name: f" {name.replace('-', ' - ')} ", id="blanks"),
        pytest.param(lambda name: name.replace("-", "\N{NON-BREAKING HYPHEN}"), id="hyphens"),
    ],
)
def test_case_and_separators_of_names_do_not_matter(spell: Any) -> None:
    given = {**PROPERTIES, "end-date": "2025-09-30"}
    parsed = parsed_with({spell(name): value for name, value in given.items()})
    (same,) = parsed_with(given).fields
    assert (parsed.fields, parsed.problems) == ((same,), ())


def test_a_problem_points_to_the_property_as_it_is_spelled() -> None:
    given = {name.replace("-", "_"): value for name, value in {**PROPERTIES, "object-id": "a b"}.items()}
    assert found(parsed_with(given)) == [(0, "bad_id", "/features/0/properties/object_id")]


@pytest.mark.parametrize("name", [*PROPERTIES, "end-date", "confirm"])
def test_two_spellings_with_different_values_are_ambiguous(name: str) -> None:
    other = name.replace("-", "_").replace("confirm", "Confirm")
    problem = only_problem(parsed_with({"end-date": "2025-09-30", "confirm": True, **PROPERTIES, other: "2025-08-01"}))
    assert (problem.reason, problem.where, problem.registered) == (
        "ambiguous_property",
        "/features/0/properties",
        False,
    )
    assert f'"{name}"' in problem.message
    assert f'"{other}"' in problem.message


@pytest.mark.parametrize(
    ("one", "other"), [("a", "a"), ("a", None), (None, "a"), ("a", "a  "), (17, "17"), ("17", 17.0)]
)
def test_two_spellings_that_say_the_same_are_taken(one: Any, other: Any) -> None:
    parsed = parsed_with({**PROPERTIES, "object-id": one, "OBJECT_ID": other})
    assert parsed.problems == ()
    assert [field.field_id for field in parsed.fields] == ["17" if "17" in (one, other) else "a"]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("object-type", "object-typ"),  # what a Shapefile leaves of it: ten characters
        ("object-type", "object_typ"),
        ("object-type", "OBJECT_TYP"),
        ("plant-type", "plant_typ"),
        ("plant-date", "plantdate"),
        ("plant-date", "plant-dat"),
        ("plant-date", "plnat-date"),
        ("object-id", "OBJECTID"),
        ("object-id", "objectId"),
    ],
)
def test_a_missing_property_is_asked_after_by_the_name_that_is_near(name: str, near: str) -> None:
    given = {near if key == name else key: value for key, value in PROPERTIES.items()}
    problem = only_problem(parsed_with({**given, "area": 1.5, "owner": "x"}))
    assert (problem.reason, problem.where) == ("missing_property", f"/features/0/properties/{name}")
    assert f'"{name}" is missing; did you mean "{near}"?' in problem.message


@pytest.mark.parametrize("other", ["crop", "id", "object-id_2_of_the_farm", "type", "p" * 100_000])
def test_a_name_that_is_far_is_not_suggested(other: str) -> None:
    given = {other if key == "plant-date" else key: value for key, value in PROPERTIES.items()}
    problem = only_problem(parsed_with(given))
    assert (problem.reason, problem.message) == ("missing_property", 'the property "plant-date" is missing: add it')


def test_an_end_date_under_a_name_that_is_near_is_not_lost_in_silence() -> None:
    parsed = parsed_with({**PROPERTIES, "enddate": "2025-09-30", "edit_date": "2025-10-01"})
    assert [field.end_date for field in parsed.fields] == [None]
    problem = only_problem(parsed)
    assert (problem.reason, problem.registered) == ("near_property", True)
    assert 'did you mean "enddate"?' in problem.message


def test_a_plant_date_under_a_name_that_is_near_is_told_where_it_may_be_missing() -> None:
    given = {"plantdate" if key == "plant-date" else key: value for key, value in PROPERTIES.items()}
    parsed = parsed_with(given, crop_required=False)
    assert (len(parsed.fields), only_problem(parsed).reason) == (1, "near_property")


@pytest.mark.parametrize(
    ("written", "field_id"),
    [
        ("17", "17"),
        ("17.0", "17"),
        ("1.7e1", "17"),
        ("0", "0"),
        ("999999999999999", "999999999999999"),
        ("9007199254740993", "9007199254740993"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
    ],
)
def test_a_whole_number_is_an_id_by_its_digits(written: str, field_id: str) -> None:
    data = collection(feature(object_id="NUMBER")).replace(b'"NUMBER"', written.encode())
    parsed = parse_fields(data)
    assert ([field.field_id for field in parsed.fields], parsed.problems) == ([field_id], ())


def test_long_ids_that_differ_in_the_last_digit_are_two_fields() -> None:
    parsed = parse_fields(collection(feature(object_id=2**53 + 1), feature(object_id=2**53)))
    assert [field.field_id for field in parsed.fields] == ["9007199254740993", "9007199254740992"]
    assert parsed.problems == ()


def test_problems_quote_a_number_digit_by_digit() -> None:
    (problem,) = parse_fields(collection(feature(object_id=2**53 + 1, plant_date="soon"))).problems
    assert problem.id == "9007199254740993"
    assert "-9007199254740993" in only_problem(parse_fields(collection(feature(object_id=-(2**53) - 1)))).message
    assert "9007199254740992" in only_problem(parse_fields(collection(feature(object_id=2.0**53)))).message


def test_a_number_and_the_same_in_quotes_are_one_id() -> None:
    same = parse_fields(collection(feature(object_id=17), feature(object_id="17")))
    assert [(p.feature, p.id, p.reason) for p in same.problems] == [(1, "17", "repeated_feature")]
    differing = parse_fields(collection(feature(object_id=17), feature(object_id="17", plant_type="rye")))
    assert [(p.feature, p.id, p.reason) for p in differing.problems] == [
        (0, "17", "duplicate_id"),
        (1, "17", "duplicate_id"),
    ]


def test_texts_are_read_without_the_blanks_that_pad_them() -> None:
    padded = {name: f"{value}      " for name, value in PROPERTIES.items()}
    parsed = parsed_with(padded)
    assert (parsed.fields, parsed.problems) == (parsed_with(PROPERTIES).fields, ())


def test_coordinates_may_be_integers_of_any_length() -> None:
    data = json.dumps({**feature(), "geometry": {"type": "Polygon", "coordinates": [[[10, 40]] * 4]}})
    data = data.replace("[10, 40]", "[10, 40, 12345678901234567890]", 2)
    assert only_problem(parse_fields(data.encode())).reason == "zero_area"
