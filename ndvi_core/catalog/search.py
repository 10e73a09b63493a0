"""The scenes of an area and a period, from a STAC API."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urljoin

import shapely
from shapely.geometry import box, mapping
from shapely.geometry.base import BaseGeometry

from ndvi_core.catalog.dialects import Dialect, dialect_for, scene_from_item, unreadable_item
from ndvi_core.catalog.paging import PageRequest, all_items, links_of
from ndvi_core.errors import BadInput, SceneUnreadable
from ndvi_core.models.indices import Band, bands_beside_ndvi
from ndvi_core.models.scene import Scene, UnreadableItem, baseline_number
from ndvi_core.settings import Settings
from ndvi_core.support.json_api import MethodNotAllowed, api_errors, open_api

if TYPE_CHECKING:
    from pystac_client.stac_api_io import StacApiIO

PAGE_ITEMS = 100
"""An item has 20-70 KB, and Earth Search answers 500 to pages of more than 6 MB (Element84/earth-search issue 17)."""
SOLAR_DAY_MARGIN = timedelta(hours=12)
"""A solar day begins and ends up to this much before or after the UTC day."""
MOST_VERTICES = 500
"""Areas with more are searched by rectangles around them: APIs bound the size of a request."""
MOST_VERTICES_IN_A_QUERY = 20
"""The same for searches by GET: servers bound the length of a URL, often at 8 KB."""
MAX_NAMED_ITEMS = 5
"""Items that a message names, at most."""
SAME_GROUND = 0.95
"""Share of a scene's footprint from which on it shows nothing new; the footprints of two baselines differ by 0.3 %."""

_log = logging.getLogger(__name__)


class Found(NamedTuple):
    """The answer of a search, which saw all items."""

    scenes: list[Scene]
    """The newest product of each acquisition, by day, tile and id."""
    older: list[Scene]
    """Older products of these acquisitions, likewise: they count where the newest turns out to have no pixels."""
    unreadable: list[UnreadableItem]
    """Items that may be further scenes."""


def search_scenes(settings: Settings, area: BaseGeometry, start: date, end: date) -> Found:
    """Search the scenes that may show a part of `area`.

    Clouds do not count here: a scene that is all cloud is an answer too.

    Args:
        settings: the API, the collection and how to read its items.
        area: polygons, WGS84.
        start: first solar day.
        end: last solar day, included.

    Raises:
        TryAgain: the API cannot be reached or gave up for now, or did not give all items.
        BadInput: the settings lead to no STAC API or collection, or no item can be read.
    """
    dialect = dialect_for(settings)
    window = (
        datetime.combine(start, time.min, UTC) - SOLAR_DAY_MARGIN,
        datetime.combine(end + timedelta(days=1), time.min, UTC) + SOLAR_DAY_MARGIN,
    )
    items = _search(settings, area, window)
    scenes, unreadable = _read(items, dialect, bands_beside_ndvi(settings.indices))
    unreadable = [item for item in unreadable if item.day is None or start <= item.day <= end]
    if unreadable and not scenes:
        raise _none_readable(items, unreadable, dialect, settings)
    if unreadable:
        reasons = "; ".join(item.reason for item in unreadable)
        _log.warning("%d of %d items cannot be read: %s", len(unreadable), len(items), reasons)
    return Found(
        *deduplicate([scene for scene in scenes if any(start <= day <= end for day in scene.days)]), unreadable
    )


def deduplicate(scenes: Sequence[Scene]) -> tuple[list[Scene], list[Scene]]:
    """Return one scene for each tile and datatake, and the others, both by day, tile and id.

    The newest baseline wins, then the newest `updated`, then the greatest id. A datatake that reached the ground in two
    pieces has two products of the tile where it was cut, with the same names but for the processing time; these are no
    duplicates of each other. So a scene goes only if those which win over it show its ground.
    """
    groups: defaultdict[tuple[str, str], list[Scene]] = defaultdict(list)
    for scene in scenes:
        groups[scene.tile, scene.datatake].append(scene)
    kept = {scene.id: scene for group in groups.values() for scene in _best(group)}
    ordered = sorted(scenes, key=lambda scene: (scene.day, scene.tile, scene.id))
    return [scene for scene in ordered if scene.id in kept], [scene for scene in ordered if scene.id not in kept]


def _best(group: Sequence[Scene]) -> Iterator[Scene]:
    shown: BaseGeometry = shapely.Polygon()
    for scene in sorted(group, key=_precedence, reverse=True):
        if (scene.footprint & shown).area < SAME_GROUND * scene.footprint.area:
            shown |= scene.footprint
            yield scene


def _precedence(scene: Scene) -> tuple[tuple[int, ...], datetime, str]:
    return baseline_number(scene.baseline), scene.updated or datetime.min.replace(tzinfo=UTC), scene.id


def _search(settings: Settings, area: BaseGeometry, window: tuple[datetime, datetime]) -> list[dict[str, Any]]:
    """Return all items of the search, each id once."""
    root, collection = settings.stac_api_url.rstrip("/"), settings.stac_collection
    api = open_api()
    not_an_api = f"set STAC_API_URL (now {settings.stac_api_url!r}) to the root of a STAC API that has item search"
    with api_errors(root, not_an_api):
        landing = api.read_json(root)
    endpoints = _search_endpoints(landing, root)
    if not endpoints:
        raise BadInput(f"{root} is not a STAC API with item search: {not_an_api}")
    advice = f"check STAC_COLLECTION (now {collection!r}) and STAC_API_URL"
    requests = [_first_page(url, method, collection, area, window) for method, url in endpoints.items()]
    items = _first_allowed(api, requests, advice)
    if not items:  # most APIs answer so for a collection that they do not have
        url = f"{root}/collections/{quote(collection, safe='')}"
        with api_errors(url, f"STAC_COLLECTION (now {collection!r}) is not a collection of this API"):
            api.read_json(url)
    return items


def _search_endpoints(landing: Any, root: str) -> dict[str, str]:
    """Return where to search by the methods to try, in their order.

    POST is preferred, since the area may be long; it is optional in the standard (STAC API, item search), and an API
    that does not say which methods it knows may answer it by 405.
    """
    found: dict[str, str] = {}
    undeclared = None
    for link in links_of(landing, "search"):
        try:
            url = urljoin(f"{root}/", link["href"])
        except ValueError:  # it is no address
            continue
        if link.get("method"):
            found[str(link["method"]).upper()] = url
        else:
            undeclared = url
    either = undeclared or found.get("POST") or found.get("GET")
    if either is None:
        return {}
    if found.keys() == {"GET"} and undeclared is None:
        return {"GET": found["GET"]}
    return {"POST": found.get("POST", either), "GET": found.get("GET", either)}


def _first_page(
    url: str, method: str, collection: str, area: BaseGeometry, window: tuple[datetime, datetime]
) -> PageRequest:
    from pystac_client import ItemSearch

    search = ItemSearch(
        url=url,
        method=method,
        collections=[collection],
        datetime=window,
        intersects=mapping(_plain(area, MOST_VERTICES if method == "POST" else MOST_VERTICES_IN_A_QUERY)),
        limit=PAGE_ITEMS,
    )
    return PageRequest(url, method, dict(search.get_parameters()))


def _first_allowed(api: "StacApiIO", requests: Sequence[PageRequest], advice: str) -> list[dict[str, Any]]:
    """Return the items by the first of the requests whose method the API allows."""
    *others, last = requests
    for request in others:
        try:
            return all_items(api, request, advice)
        except MethodNotAllowed:
            _log.debug("%s does not allow %s", request.url, request.method)
    return all_items(api, last, advice)


def _plain(area: BaseGeometry, most_vertices: int) -> BaseGeometry:
    """Return `area`, or rectangles around its parts west and east of Greenwich if it has very many vertices.

    One rectangle around an area on both sides of the antimeridian would go round the Earth.
    """
    if shapely.get_num_coordinates(area) <= most_vertices:
        return area
    halves = [area & box(west, -90, west + 180, 90) for west in (-180, 0)]
    return shapely.union_all([box(*half.bounds) for half in halves if half.area > 0])


def _read(
    items: Sequence[dict[str, Any]], dialect: Dialect, bands: Sequence[Band]
) -> tuple[list[Scene], list[UnreadableItem]]:
    scenes: list[Scene] = []
    unreadable: list[UnreadableItem] = []
    for item in items:
        try:
            scenes.append(scene_from_item(item, dialect, bands))
        except SceneUnreadable as error:
            unreadable.append(unreadable_item(item, str(error)))
    return scenes, unreadable


def _none_readable(
    items: Sequence[dict[str, Any]], unreadable: Sequence[UnreadableItem], dialect: Dialect, settings: Settings
) -> BadInput:
    collection = f"{settings.stac_collection!r} at {settings.stac_api_url}"
    if all(_of_other_dialect(item, dialect) for item in items):
        return BadInput(
            f"none of the {len(items)} items of {collection} has an asset of the dialect {dialect.name!r} "
            f"({dialect.red}, {dialect.nir}, {dialect.scl}): name theirs in NDVI_CATALOGUE"
        )
    reasons = "; ".join(item.reason for item in unreadable[:MAX_NAMED_ITEMS])
    more = f"; and {len(unreadable) - MAX_NAMED_ITEMS} more" if len(unreadable) > MAX_NAMED_ITEMS else ""
    return BadInput(f"{len(unreadable)} of {len(items)} items of {collection} cannot be read: {reasons}{more}")


def _of_other_dialect(item: dict[str, Any], dialect: Dialect) -> bool:
    assets = item.get("assets")
    return (
        isinstance(assets, dict) and bool(assets) and assets.keys().isdisjoint({dialect.red, dialect.nir, dialect.scl})
    )
