"""What a STAC item of Sentinel-2 L2A says of itself, wherever its catalogue puts it: STAC 1.0 and 1.1, four dialects.

The functions raise `ValueError` with what is missing and where it was looked for; the caller adds item and catalogue.
"""

import re
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic import Field as Attribute
from shapely.affinity import translate
from shapely.geometry import box, shape
from shapely.geometry.base import BaseGeometry

from ndvi_core.models.scene import MAX_DIGITAL_NUMBER

if TYPE_CHECKING:
    import pystac

_MAX_NODATA = 2**31 - 1
"""Beyond it there is no pixel of a band."""
WORLD = box(-180, -90, 180, 90)
DEFECTS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    shapely.errors.ShapelyError,
)
"""What reading an item may raise: there are as many ways to be no STAC item."""

OFFSET_APPLIED = "earthsearch:boa_offset_applied"
"""Property by which Earth Search v1, and copies of its items, say that pixels are free of the offset."""

_TILE = re.compile(r"(?<!\d)(\d{1,2})([C-HJ-NP-X][A-HJ-NP-Z][A-HJ-NP-V])(?![A-Z0-9])")
_BASELINE = re.compile(r"\d{1,2}\.\d{1,2}")
_ORBITS = 143
"""Of Sentinel-2, until it comes by the same way again."""
_ORBIT = re.compile(r"_R(\d{3})_")
_DATATAKE = re.compile(r"(S2[A-Z])_(?:MSIL2A_)?(\d{8}T\d{6})")


class StacItem(BaseModel):
    """The parts of an item that scenes are made from."""

    model_config = ConfigDict(frozen=True)

    id: str = Attribute(min_length=1)
    collection: str | None = None
    geometry: dict[str, Any]
    properties: dict[str, Any]
    assets: dict[str, dict[str, Any]]


def read_item(item: "dict[str, Any] | pystac.Item") -> StacItem:
    """Check that `item` has the parts of a STAC item that are needed, and that they are of the right type."""
    if not isinstance(item, dict):
        item = item.to_dict(include_self_link=False, transform_hrefs=False)
    try:
        return StacItem.model_validate(item)
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors())
        raise ValueError("; ".join(wrong)) from error


def href(item: StacItem, key: str) -> str:
    """Return where the asset `key` is."""
    if key not in item.assets:
        raise ValueError(f"asset {key!r} is missing; it has {', '.join(sorted(item.assets)) or 'none'}")
    found = item.assets[key].get("href")
    if not isinstance(found, str) or not found:
        raise ValueError(f"asset {key!r} has no href")
    return found


def href_if_any(item: StacItem, key: str | None) -> str | None:
    """Return where the asset `key` is; None if the item does not say, or has no such asset."""
    found = item.assets.get(key or "", {}).get("href")
    return found if isinstance(found, str) and found else None


def tile(item: StacItem) -> str:
    """Return the MGRS tile with a zone of two digits, e.g. `30UXV`."""
    of = item.properties.get
    texts = (
        of("grid:code"),
        of("s2:mgrs_tile"),
        f"{of('mgrs:utm_zone', '')}{of('mgrs:latitude_band', '')}{of('mgrs:grid_square', '')}",
        of("s2:product_uri"),
        item.id,
    )
    for text in texts:
        if text and (match := _TILE.search(str(text))):
            return match[1].zfill(2) + match[2]
    raise ValueError("no MGRS tile in grid:code, s2:mgrs_tile, mgrs:*, s2:product_uri or the id")


def baseline(item: StacItem) -> str:
    """Return the processing baseline, e.g. `05.11`."""
    for name in ("s2:processing_baseline", "processing:version"):
        found = str(item.properties.get(name) or "")
        if _BASELINE.fullmatch(found):
            return found
    raise ValueError("no processing baseline like 05.11 in s2:processing_baseline or processing:version")


def time(item: StacItem) -> datetime:
    """Return when the tile was acquired, UTC."""
    text = item.properties.get("datetime") or item.properties.get("start_datetime")
    if not text:
        raise ValueError("no datetime and no start_datetime")
    return _utc(text)


def updated(item: StacItem) -> datetime | None:
    """Return when the catalogue last changed the item, UTC."""
    text = item.properties.get("updated")
    return _utc(text) if text else None


def datatake(item: StacItem) -> str:
    """Return a name that the items of one pass of one satellite share, whatever their baseline.

    It is the satellite and the start of the datatake, e.g. `S2A_20200302T102021`, which ESA writes into the datatake's
    id and the product's name (Sentinel-2 Products Specification Document, naming conventions). An item that quotes
    neither is named by platform and orbit on its day, or else by platform and minute: reprocessing moves the time of a
    tile by milliseconds.
    """
    of = item.properties.get
    for text in (of("s2:datatake_id"), of("eopf:datatake_id"), of("s2:product_uri"), item.id):
        if text and (match := _DATATAKE.search(str(text))):
            return f"{match[1]}_{match[2]}"
    platform = str(of("platform") or "unknown")
    orbit = of("sat:absolute_orbit") or of("sat:relative_orbit")
    if orbit:
        return f"{platform}_{time(item):%Y%m%d}_R{orbit}"
    return f"{platform}_{time(item):%Y%m%dT%H%M}"


def platform(item: StacItem) -> str | None:
    """Return the satellite in lower case, as STAC asks, e.g. `sentinel-2a`; None when the item does not say."""
    return str(item.properties.get("platform") or "").lower() or None


def relative_orbit(item: StacItem) -> int | None:
    """Return the relative orbit, 1 to 143; None when neither a property nor the product's name has it."""
    named = _ORBIT.search(f"{item.properties.get('s2:product_uri')} {item.id}")
    for text in (str(item.properties.get("sat:relative_orbit") or ""), named[1] if named else ""):
        if re.fullmatch("[0-9]{1,3}", text) and 1 <= int(text) <= _ORBITS:
            return int(text)
    return None


def sun_zenith(item: StacItem) -> float | None:
    """Return the mean sun zenith angle in degrees; None when the item does not say.

    The view extension of STAC has the elevation above the horizon.
    """
    elevation, zenith = (_number(item.properties.get(name)) for name in ("view:sun_elevation", "s2:mean_solar_zenith"))
    return zenith if elevation is None else 90 - elevation


def view_zenith(item: StacItem) -> float | None:
    """Return the mean view zenith angle in degrees, STAC's angle of incidence; None when the item does not say."""
    incidence = _number(item.properties.get("view:incidence_angle"))
    return incidence if incidence is not None else _number(item.properties.get("view:off_nadir"))


def _number(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, int | float) and isfinite(value) else None
    except OverflowError:  # JSON's integers have no end
        return None


def epsg(item: StacItem, key: str) -> int | None:
    """Return the EPSG code of the item's CRS, or of its asset `key`; None when neither names one."""
    for source in (item.properties, item.assets[key]):
        code = source.get("proj:epsg") or str(source.get("proj:code") or "").removeprefix("EPSG:")
        if str(code).isdecimal():
            return int(code)
    return None


def declared_offset(item: StacItem, key: str) -> int | None:
    """Return what the asset `key` says is to be added to its digital numbers; None when it says nothing.

    STAC 1.0 keeps it in `raster:bands`, STAC 1.1 in `raster:offset` of the asset or of its band. It is in units of
    reflectance there; divided by the scale it is in digital numbers: -0.1 / 0.0001 = -1000.

    Raises:
        ValueError: the scale is not 0.0001, the only one that `ndvi_core.models.scene.Offset` is for.
    """
    asset = item.assets[key]
    band: dict[str, Any] = next(iter(asset.get("raster:bands") or asset.get("bands") or ()), {})
    for source, prefix in ((asset, "raster:"), (band, "raster:"), (band, "")):
        offset, scale = source.get(f"{prefix}offset"), source.get(f"{prefix}scale")
        if offset is None:
            continue
        if offset == 0:
            return 0
        if not scale or round(1 / float(scale)) != 10_000:
            raise ValueError(f"asset {key!r} has the offset {offset} with the scale {scale}: 0.0001 is expected")
        added = round(float(offset) / float(scale))
        if abs(added) > MAX_DIGITAL_NUMBER:
            raise ValueError(f"asset {key!r} has the offset {offset}, which is more than any reflectance")
        return added
    return None


def nodata(item: StacItem, key: str) -> int | None:
    """Return the digital number that stands for no data in the asset `key`; None when the item does not say.

    STAC 1.0 keeps it in `raster:bands`, STAC 1.1 in the asset or its band.
    """
    asset = item.assets[key]
    for source in (asset, *(asset.get("raster:bands") or ()), *(asset.get("bands") or ())):
        value = _number(source.get("nodata"))
        if value is not None and value == int(value) and abs(value) <= _MAX_NODATA:
            return int(value)
    return None


def offset_is_applied(item: StacItem) -> bool:
    """Return whether the item says that the offset of its digital numbers is removed from the pixels already."""
    return item.properties.get(OFFSET_APPLIED) is True


def footprint(item: StacItem) -> BaseGeometry:
    """Return where the item has data: valid polygons, WGS84, cut at the antimeridian as GeoJSON asks (RFC 7946, 3.1.9).

    A tile is about one degree wide, so a polygon that spans more than half the globe is one whose vertices lie on both
    sides of the antimeridian.
    """
    try:
        parts = [_continuous(part) for part in shapely.get_parts(shapely.force_2d(shape(item.geometry)))]
    except DEFECTS as error:
        raise ValueError(f"the geometry is not GeoJSON: {error}") from error
    pieces = [piece for part in parts for piece in shapely.get_parts(shapely.make_valid(part)) if piece.area > 0]
    if not pieces:
        raise ValueError("the geometry has no area")
    whole = shapely.union_all(pieces)
    if WORLD.covers(whole):
        return whole
    return shapely.union_all([translate(whole, shift) & WORLD for shift in (-360, 0, 360)])


def _continuous(part: BaseGeometry) -> BaseGeometry:
    west, _, east, _ = part.bounds
    if east - west <= 180:
        return part
    return shapely.transform(part, lambda xy: xy + np.where(xy < 0, 360, 0) * (1, 0))


def _utc(text: Any) -> datetime:
    read = datetime.fromisoformat(str(text))
    read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    if not MINYEAR < read.year < MAXYEAR:
        raise ValueError(f"{text} has no day before or after it")  # solar days begin in another of UTC
    return read
