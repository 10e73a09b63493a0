"""Uploading and editing on the page, in a real browser: what is said, and the file that then lies in pending/."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import shapely
from selenium.webdriver import ActionChains, Keys
from support.browser import NEEDS_BROWSER, Browser
from support.features import collection, feature
from support.models import a_field, square
from support.uploads import PENDING, objects
from support.web import Server, SignIn, token_of

from ndvi_core.intake.pending import process_pending
from ndvi_core.models.field import RegisteredField
from ndvi_core.registry import fields as registry
from ndvi_core.settings import Settings

pytestmark = NEEDS_BROWSER

HOME = a_field("home", square(0.1))


@pytest.fixture
def page(signed_in: Browser, server: Server) -> Iterator[Browser]:
    """The page on a registry with two fields."""
    with server.engine.begin() as connection:
        registry.upsert_fields(connection, [HOME, a_field("other", square(0.2))], "file")
    signed_in.resize()
    yield signed_in
    server.empty()


def choose(page: Browser, folder: Path, *features: object) -> None:
    """Choose a file of these features."""
    file = folder / "late.geojson"
    file.write_bytes(collection(*features))
    page.find("#upload-file").send_keys(str(file))
    page.find("#upload-summary")


def at(geometry: shapely.Geometry) -> dict[str, object]:
    return dict(shapely.geometry.mapping(geometry))


def edit(page: Browser) -> None:
    page.open("/ndvi/#field=home")
    page.click("#field [data-keep=edit]")
    page.find("#edit-form")


def taken_in(server: Server) -> tuple[dict[str, object], RegisteredField]:
    """Return the one feature that lies in pending/, and the field that the intake makes of it."""
    (data,) = objects(server.bucket, PENDING).values()
    (made,) = json.loads(data)["features"]
    process_pending(server.bucket, Settings(), server.engine)
    with server.engine.connect() as connection:
        (field,) = registry.load_fields(connection, ["home"])
    return made, field


def upload(page: Browser) -> None:
    page.click("#edit-check")
    page.click("#upload-confirm")
    page.find("#notes .good", "in pending/")


def test_the_check_says_season_changes_and_warnings_before_anything_is_registered(
    page: Browser, server: Server, tmp_path: Path
) -> None:
    page.open("/ndvi/#field=home")
    page.find("#field-title", "home")
    page.click("#open-upload")
    assert page.run("return document.getElementById('field').offsetHeight") == 0, "one panel at a time"
    choose(
        page,
        tmp_path,
        feature(at(square(0.1)), object_id="home", plant_type="rye", plant_date="2025-09-15"),
        feature(at(square(0.2)), object_id="other", plant_type="wheat", plant_date="2025-04-01"),
        feature(at(square(0.2)), object_id="fresh", plant_type="wheat", plant_date="2025-05-01", end_date="2025-08-31"),
        feature(object_id="x y"),
    )
    said = page.text("#upload-effects").splitlines()
    assert said[:4] == ["1 new", "fresh", "Season 2025: wheat, from 1 May 2025 to 31 Aug 2025", "No day becomes due"]
    assert said[4:7] == ["1 changed", "home", "Season 2025-2: rye, from 15 Sept 2025"]
    assert said[7] == "Changes: wheat ends on 14 Sept 2025, rye begins 15 Sept 2025"
    assert said[-2:] == ["1 unchanged", "other"]
    problems = page.text("#upload-problems")
    assert "'x y' cannot be an object-id" in problems
    assert "it overlaps other" in problems, "a warning"
    assert "null" not in page.text("#upload")
    assert page.text("#upload-confirm") == "Upload 2 fields"
    assert objects(server.bucket, PENDING) == {}
    assert page.serious_issues() == []


def test_a_file_that_changes_nothing_is_not_offered(page: Browser, tmp_path: Path) -> None:
    page.open("/ndvi/")
    page.click("#open-upload")
    choose(page, tmp_path, feature(at(square(0.2)), object_id="other", plant_type="wheat", plant_date="2025-04-01"))
    assert page.text("#upload-confirm") == "Nothing to upload"
    assert not page.find("#upload-confirm").is_enabled()
    assert "null" not in page.text("#upload")


def test_a_field_that_is_opened_meanwhile_is_shown_and_the_upload_stays(page: Browser, tmp_path: Path) -> None:
    page.open("/ndvi/#view=map")
    page.click("#open-upload")
    choose(page, tmp_path, feature(object_id="fresh"))
    page.press_on("#map", "n", Keys.ENTER)
    page.find("#field-title", "home")
    assert page.run("return document.getElementById('upload-summary').offsetHeight") == 0
    top = page.run("return document.getElementById('field').getBoundingClientRect().top")
    assert top < 150, "it is in view"
    page.click("#upload-unfold")
    page.find("#upload-summary", "1 field can be registered")
    page.press(Keys.ESCAPE)
    page.find("#field-title", "home")


def test_crop_and_dates_are_edited(page: Browser, server: Server) -> None:
    edit(page)
    page.run("document.getElementById('edit-type').value = ''")
    page.press_on("#edit-type", "oat")
    page.run("document.getElementById('edit-ends').value = '2025-08-01'")
    page.click("#edit-check")
    assert "Changes: " in page.text("#upload-effects")
    page.click("#upload-back")
    assert page.find("#edit-type").get_attribute("value") == "oat"
    upload(page)
    made, field = taken_in(server)
    assert made["properties"] == {
        "object-type": "field",
        "object-id": "home",
        "plant-type": "oat",
        "plant-date": "2025-04-01",
        "end-date": "2025-08-01",
        "season": "2025",
    }
    (season,) = field.seasons
    assert (season.plant_type, str(season.end_date)) == ("oat", "2025-08-01")
    assert field.geometry == HOME.geometry
    assert page.run("return document.getElementById('upload').hidden")


def test_the_next_season_is_begun(page: Browser, server: Server) -> None:
    edit(page)
    page.find("#edit-season option:last-child").click()
    page.press_on("#edit-type", "rye")
    page.run("document.getElementById('edit-planted').value = '2025-10-01'")
    upload(page)
    _, field = taken_in(server)
    assert [(season.plant_type, str(season.plant_date)) for season in field.seasons] == [
        ("wheat", "2025-04-01"),
        ("rye", "2025-10-01"),
    ]


def test_a_corner_is_moved_by_keyboard_one_is_added_and_removed(page: Browser, server: Server) -> None:
    edit(page)
    before = [list(corner) for corner in HOME.geometry.exterior.coords]
    page.press_on("#map", "n", Keys.ARROW_UP, Keys.ARROW_UP)
    assert page.text("#announcer").startswith("Corner 1 of 4: 0.11")
    page.press("i")
    assert page.text("#announcer").startswith("Corner 2 of 5: ")
    page.press(Keys.DELETE)
    upload(page)
    made, field = taken_in(server)
    (ring,) = made["geometry"]["coordinates"]
    assert ring[1:4] == before[1:4], "the others stay where they were"
    assert ring[0] == ring[4]
    (longitude, latitude), (was_longitude, was_latitude) = ring[0], before[0]
    assert longitude == pytest.approx(was_longitude, abs=1e-6)
    assert 0 < latitude - was_latitude < 1e-3
    assert field.geometry.equals(shapely.Polygon(ring))


def test_a_corner_is_dragged(page: Browser, server: Server) -> None:
    edit(page)
    box = page.find("#map").rect
    # The field is as large as it fits: its corners are 48 px from the edges above and below.
    half = (box["height"] - 96) / 2
    mouse = ActionChains(page.chrome).move_to_element_with_offset(page.find("#map"), int(half), int(-half))
    mouse.click_and_hold().perform()
    page.run("document.getElementById('map').releasePointerCapture(1)")  # as when the system takes the pointer
    ActionChains(page.chrome).move_by_offset(-40, 30).release().perform()
    held = json.loads(page.run("return document.getElementById('edit-geojson').value"))
    assert shapely.geometry.shape(held).equals(HOME.geometry), "nobody holds the corner any more"
    ActionChains(page.chrome).move_by_offset(40, -30).click_and_hold().move_by_offset(-40, 30).release().perform()
    upload(page)
    made, _ = taken_in(server)
    (ring,) = made["geometry"]["coordinates"]
    moved = [corner for corner in ring[:-1] if corner not in [list(one) for one in HOME.geometry.exterior.coords]]
    assert len(ring) == 5
    assert len(moved) == 1
    degrees = 0.01 / (2 * half)
    assert moved[0] == [pytest.approx(0.11 - 40 * degrees, abs=1e-4), pytest.approx(0.01 - 30 * degrees, abs=1e-4)]


def test_a_boundary_is_pasted_and_a_bad_one_is_said(page: Browser, server: Server) -> None:
    edit(page)
    page.click("#edit-form details summary")
    page.run("document.getElementById('edit-geojson').select()")
    page.press_on("#edit-geojson", "{")
    page.find("#edit-problem", "has to be a GeoJSON Polygon or MultiPolygon")
    page.click("#edit-check")
    assert page.chrome.find_elements("css selector", "#upload-summary") == [], "it is not sent"
    unclosed = {"type": "Polygon", "coordinates": [list(square(0.1).exterior.coords)[:-1]]}
    page.run("document.getElementById('edit-geojson').select()")
    page.press_on("#edit-geojson", json.dumps(unclosed))
    assert "repeat its first position at its end" in page.text("#edit-problem"), "or it would lose a corner"
    two = shapely.MultiPolygon([square(0.1), square(0.15)])
    page.run("document.getElementById('edit-geojson').select()")
    page.press_on("#edit-geojson", json.dumps({"type": "Feature", "properties": {}, "geometry": at(two)}))
    upload(page)
    _, field = taken_in(server)
    assert field.geometry.equals(two)


def test_who_may_not_upload_may_not_edit(page: Browser, sign_in: SignIn) -> None:
    page.sign_in(token_of(sign_in, "viewer"))
    try:
        page.open("/ndvi/#field=home")
        page.find("#field-title", "home")
        assert page.chrome.find_elements("css selector", "[data-keep=edit]") == []
    finally:
        page.sign_in(token_of(sign_in, "admin"))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_nobody_is_kept_out(page: Browser, width: int, theme: str) -> None:
    page.resize(width=width, theme=theme)
    edit(page)
    assert page.serious_issues() == []
    assert page.run("return document.documentElement.scrollWidth <= window.innerWidth")
    page.click("#edit-check")
    page.find("#upload-summary")
    assert page.serious_issues() == []
    page.open("/ndvi/")
    page.click("#open-upload")
    edges = "[...document.querySelectorAll('#upload *')].map(one => one.getBoundingClientRect().right)"
    assert max(page.run(f"return {edges}")) <= width, "no word is cut off"
