"""How each catalogue is read: the names of its assets, its rule for the BOA offset, whether its hrefs are signed.

Since processing baseline 04.00 (25 January 2022) ESA adds 1000 to the digital numbers of Sentinel-2 L2A, and each
catalogue deals with it in its own way. The rule is chosen by catalogue and baseline, never by date: products of older
dates are reprocessed with newer baselines.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ndvi_core.catalog import item as stac
from ndvi_core.catalog.item import StacItem
from ndvi_core.errors import BadInput, SceneUnreadable
from ndvi_core.models.indices import BANDS, Band
from ndvi_core.models.scene import (
    BOA_ADD_OFFSET,
    OFFSET_SINCE,
    Offset,
    Scene,
    UnreadableItem,
    baseline_number,
    solar_day,
)
from ndvi_core.settings import Settings

if TYPE_CHECKING:
    import pystac

MOST_SAID = 1000
"""Characters that are said of an item."""

log = logging.getLogger(__name__)


def _applied(item: StacItem, key: str) -> int:  # noqa: ARG001  the signature of all rules
    return 0


def _by_baseline(item: StacItem, key: str) -> int:  # noqa: ARG001
    return BOA_ADD_OFFSET if baseline_number(stac.baseline(item)) >= OFFSET_SINCE else 0


def _declared(item: StacItem, key: str) -> int:
    declared = stac.declared_offset(item, key)
    if declared and stac.offset_is_applied(item):
        raise ValueError(
            f"asset {key!r} has the raster offset {declared}, but {stac.OFFSET_APPLIED} says that the pixels have none"
        )
    if declared is None and _by_baseline(item, key) != 0:
        raise ValueError(f"asset {key!r} has no raster offset, which baseline {stac.baseline(item)} needs")
    return declared or 0


def _declared_unless_applied(item: StacItem, key: str) -> int:
    """Return the declared offset; none where the item says that it is removed from the pixels.

    Mirrors of Earth Search v1 keep its items, which declare the offset and say beside it that it is removed.
    """
    return 0 if stac.offset_is_applied(item) else stac.declared_offset(item, key) or 0


@dataclass(frozen=True)
class Dialect:
    """One catalogue's dialect."""

    name: str
    """What `NDVI_CATALOGUE` calls it."""
    host: str | None
    """Host of the API; None is any that is not known."""
    path: str | None
    """Path of the API's root, which says its version; None is any."""
    collection: str | None
    """None is any."""
    red: str
    """Key of the asset of B04 at 10 m."""
    nir: str
    """Key of the asset of B08 at 10 m."""
    scl: str
    """Key of the asset of the scene classification at 20 m."""
    further: Mapping[Band, str]
    """Keys of the assets of the other bands, each at its native resolution."""
    visual: str | None
    """Key of the asset of the true-colour image (TCI); None is none that can be read at a coarse resolution."""
    rule: str
    """Name of the offset rule, which is part of every fingerprint: raise its number when the rule changes."""
    offset: Callable[[StacItem, str], int]
    """The rule: what is added to the digital numbers of the asset with this key."""
    signing: str | None = None
    """See `Scene.signing`."""


_NAMES: Mapping[Band, str] = {band: band for band in BANDS}
_NUMBERS: Mapping[Band, str] = {band: facts.sentinel2 for band, facts in BANDS.items()}
_NUMBERS_AND_SIZES: Mapping[Band, str] = {
    band: f"{facts.sentinel2}_{facts.resolution}m" for band, facts in BANDS.items()
}

EARTH_SEARCH = Dialect(
    name="earth-search",
    host="earth-search.aws.element84.com",
    path="/v1",
    collection="sentinel-2-l2a",
    red="red",
    nir="nir",
    scl="scl",
    further=_NAMES,
    visual="visual",
    # The pixels are harmonised; what items say (raster:bands, earthsearch:boa_offset_applied) is not reliable:
    # Element84/earth-search issues 66 and 71.
    rule="earth-search-harmonised@1",
    offset=_applied,
)
EARTH_SEARCH_C1 = Dialect(
    name="earth-search-c1",
    host="earth-search.aws.element84.com",
    path="/v1",
    collection="sentinel-2-c1-l2a",
    red="red",
    nir="nir",
    scl="scl",
    further=_NAMES,
    visual="visual",
    rule="earth-search-c1@1",
    offset=_declared,
)
EARTH_SEARCH_V2 = Dialect(
    name="earth-search-v2",
    host="earth-search.aws.element84.com",
    path="/v2",
    collection="sentinel-2-l2a",  # that of v1's c1 under a new name: the offset is in the pixels, and declared
    red="red",
    nir="nir",
    scl="scl",
    further=_NAMES,
    visual="visual",
    rule="earth-search-v2@1",
    offset=_declared,
)
PLANETARY_COMPUTER = Dialect(
    name="planetary-computer",
    host="planetarycomputer.microsoft.com",
    path="/api/stac/v1",
    collection="sentinel-2-l2a",
    red="B04",
    nir="B08",
    scl="SCL",
    further=_NUMBERS,
    visual="visual",
    rule="planetary-computer@1",  # its items say nothing of the offset
    offset=_by_baseline,
    signing="planetary-computer",
)
CDSE = Dialect(
    name="cdse",
    host="stac.dataspace.copernicus.eu",
    path="/v1",
    collection="sentinel-2-l2a",
    red="B04_10m",
    nir="B08_10m",
    scl="SCL_20m",
    further=_NUMBERS_AND_SIZES,
    visual=None,  # JPEG2000, of which all tiles have to be asked for whatever the resolution
    rule="cdse@1",
    offset=_declared,
)
LOCAL = Dialect(
    name="local",
    host=None,
    path=None,
    collection=None,
    red="red",
    nir="nir",
    scl="scl",
    further=_NAMES,
    visual="visual",
    rule="local@2",
    offset=_declared_unless_applied,
)
_ALL = (EARTH_SEARCH, EARTH_SEARCH_C1, EARTH_SEARCH_V2, PLANETARY_COMPUTER, CDSE, LOCAL)
DIALECTS = {dialect.name: dialect for dialect in _ALL}


def dialect_for(settings: Settings) -> Dialect:
    """Return the dialect that the settings name or, on `auto`, that of the API and the collection.

    A dialect belongs to a host, a version of its API and a collection: Earth Search v1 and v2 have collections of one
    name with and without the offset.

    Raises:
        BadInput: host, version of the API or collection is not known: the setting has to name the dialect.
    """
    if settings.catalogue != "auto":
        return DIALECTS[settings.catalogue]
    root = urlsplit(settings.stac_api_url)
    of_host = [dialect for dialect in _ALL if dialect.host is not None and dialect.host == root.hostname]
    if not of_host:
        raise BadInput(
            f"STAC_API_URL={settings.stac_api_url!r} is no catalogue whose items are known, so the offset of their "
            f"pixels cannot be: name the dialect to read them with in NDVI_CATALOGUE, one of {', '.join(DIALECTS)}"
        )
    place = (root.path.rstrip("/"), settings.stac_collection)
    for dialect in of_host:
        if (dialect.path, dialect.collection) == place:
            return dialect
    known = ", ".join(f"{dialect.collection} of {root.hostname}{dialect.path}" for dialect in of_host)
    raise BadInput(
        f"STAC_COLLECTION={settings.stac_collection!r} of STAC_API_URL={settings.stac_api_url!r} is not known, so "
        f"neither is the offset of its pixels: set them to {known}, or name the dialect to read it with in "
        "NDVI_CATALOGUE"
    )


def scene_from_item(item: "dict[str, Any] | pystac.Item", dialect: Dialect, bands: Iterable[Band] = ()) -> Scene:
    """Reduce a STAC item to what the computation needs.

    Args:
        item: of the catalogue.
        dialect: the catalogue's.
        bands: that are needed besides red and NIR. A scene may lack them: NDVI is not lost with another index.

    Raises:
        SceneUnreadable: a part is missing or of an unexpected form; names the catalogue, the item and the part.
    """
    try:
        scene = _scene(stac.read_item(item), dialect, bands)
        _check_texts(scene)
    except stac.DEFECTS as error:
        name = item.get("id") if isinstance(item, dict) else item.id
        raise SceneUnreadable(_plain(f"{dialect.name}, item {name}: {error}")) from error
    return scene


def unreadable_item(item: dict[str, Any], reason: str) -> UnreadableItem:
    """Return what can be said of an item that `scene_from_item` refuses: where and when it may be a scene."""
    footprint = day = None
    with suppress(*stac.DEFECTS):
        footprint = stac.footprint(stac.read_item({"assets": {}, **item}))
    with suppress(*stac.DEFECTS):
        read = stac.read_item({"geometry": {}, "assets": {}, **item})
        day = solar_day(stac.time(read), stac.tile(read))
    return UnreadableItem(id=_plain(str(item.get("id"))), reason=reason, footprint=footprint, day=day)


def _check_texts(scene: Scene) -> None:
    """Refuse what no database, order or file can hold: NUL, halves of characters, and the like."""
    hrefs = (scene.red, scene.nir, scene.scl, scene.visual or "", *scene.bands.values())
    for text in (scene.id, scene.collection, scene.datatake, scene.platform or "", *hrefs):
        if not text.isprintable():
            raise ValueError(f"{text!r} has characters that cannot be printed")


def _plain(text: str) -> str:
    """Return a text as one line in which all that cannot be printed is escaped, no longer than a person reads."""
    text = " ".join(text.split())
    text = text[:MOST_SAID] + ("..." if len(text) > MOST_SAID else "")
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def _scene(item: StacItem, dialect: Dialect, bands: Iterable[Band]) -> Scene:
    red, nir, scl = (stac.href(item, key) for key in (dialect.red, dialect.nir, dialect.scl))
    further, offsets = _further(item, dialect, bands)
    return Scene(
        id=item.id,
        collection=item.collection or dialect.collection or "",
        time=stac.time(item),
        tile=stac.tile(item),
        datatake=stac.datatake(item),
        baseline=stac.baseline(item),
        updated=stac.updated(item),
        epsg=stac.epsg(item, dialect.red),
        footprint=stac.footprint(item),
        red=red,
        nir=nir,
        scl=scl,
        bands=further,
        visual=stac.href_if_any(item, dialect.visual),
        signing=dialect.signing,
        offset=Offset(
            rule=dialect.rule,
            red=dialect.offset(item, dialect.red),
            nir=dialect.offset(item, dialect.nir),
            others=offsets,
        ),
        nodata=stac.nodata(item, dialect.red),
        platform=stac.platform(item),
        relative_orbit=stac.relative_orbit(item),
        sun_zenith=stac.sun_zenith(item),
        view_zenith=stac.view_zenith(item),
    )


def _further(item: StacItem, dialect: Dialect, bands: Iterable[Band]) -> tuple[dict[Band, str], dict[Band, int]]:
    """Return hrefs and offsets of the bands that the item has, and whose offset it leaves in no doubt.

    Items do lack bands: Element84/earth-search issue 36.
    """
    hrefs: dict[Band, str] = {}
    offsets: dict[Band, int] = {}
    for band in bands:
        key = dialect.further[band]
        try:
            hrefs[band], offsets[band] = stac.href(item, key), dialect.offset(item, key)
        except ValueError as error:
            log.warning("%s, item %s: without the band %s: %s", dialect.name, item.id, band, error)
    return hrefs, offsets
