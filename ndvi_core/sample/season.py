"""A season of SYNTHETIC Sentinel-2 scenes, to try the pipeline on offline. No pixel of it was ever observed.

The land is invented (`ndvi_core.sample.landscape`); form and habits are those of the real product: two tiles that
overlap, passes every two to three days, clouds, a processing baseline whose digital numbers are shifted, reprocessed
duplicates.
The grid codes are those of a real tile and its eastern neighbour, which really overlap 40 km further east.
"""

import json
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, get_args

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import box, mapping
from shapely.geometry.base import BaseGeometry

from ndvi_core.errors import BadInput
from ndvi_core.models.indices import COARSE
from ndvi_core.models.scene import BOA_ADD_OFFSET, Asset
from ndvi_core.sample.farm import Season, wgs84, write_inputs
from ndvi_core.sample.fields import EPSG, FIELDS, LATE_FIELDS, NEIGHBOURS, NORTH, PIXEL, WEST, banks
from ndvi_core.sample.landscape import Ground, classify, make_ground, make_sky, reflectance, with_bank

COLLECTION = "sentinel-2-l2a"
START, END = date(2025, 4, 16), date(2025, 4, 30)
"""The default season: six passes, one of them wholly clouded, two partly, one with a reprocessed duplicate."""
FIRST_DAY, LAST_DAY = date(2025, 1, 1), date(2026, 12, 31)
"""What the farm's fields bear is told for these two years."""
ASSETS: tuple[Asset, ...] = get_args(Asset)
SEED = 772
TILE_PIXELS = 384
BLOCK_PIXELS = 128
OVERLAP_PIXELS = 64
TILES = {"30UXV": 0, "30UYV": TILE_PIXELS - OVERLAP_PIXELS}
"""First column of each tile on the land."""
LAND = (TILE_PIXELS, 2 * TILE_PIXELS - OVERLAP_PIXELS)
"""Rows and columns of the land."""
SWATH_CUT = ((LAND[1] - 165, 0), (LAND[1], 0), (LAND[1], 550))
"""The corner that the second orbit does not see: a triangle of columns and rows."""

GROUND = (*LATE_FIELDS, *NEIGHBOURS, *FIELDS)
"""The farm's fields as they are laid on the land: field_1 over field_5, whose ground it is."""

REVISIT_DAYS = 5
CLOUD_SHARES = {0.0: 0.25, 0.02: 0.2, 0.12: 0.2, 0.3: 0.15, 0.55: 0.1, 1.0: 0.1}
"""How much of the land a pass finds clouded, with the chance of that."""
HAZE = 0.012
"""Standard deviation of the air's opacity, of which the classification says nothing: it takes some 0.03 off the NDVI of
a full canopy."""
REPROCESSED_CHANCE = 0.2
SCALE = 10_000
"""Digital number = reflectance * SCALE - BOA_ADD_OFFSET, as in ESA's products since baseline 04.00."""
BRIGHTEST = 0.3558
"""Reflectance that is white in ESA's true-colour image."""
BLUE = 0.8
"""Reflectance of blue against the lesser one of red and green."""
BASELINE, OLD_BASELINE = "05.11", "05.10"
OLD_NIR_ERROR = 150
"""Digital numbers by which the old baseline's near infrared is too high: it shows which duplicate was read."""


@dataclass(frozen=True)
class Pass:
    """One flight over the land."""

    day: date
    satellite: str
    orbit: int
    """Relative orbit."""
    at: time
    """UTC."""
    whole: bool
    """Otherwise the swath ends over the land, see `SWATH_CUT`."""
    cloud_share: float
    haze: float
    """Opacity of the air where it is clear."""
    reprocessed: bool
    """Whether the catalogue has the western tile twice, with two baselines."""


def write_season(out: Path, base_url: str, start: date, end: date, assets: Collection[Asset] = ASSETS) -> Season:
    """Write scenes (COGs), their STAC collection and items, and the farm's GeoJSON files below `out`.

    The same days always get the same pixels.

    Args:
        out: Folder to write to.
        base_url: Where `out/scenes` will be served; the items' hrefs begin with it.
        start: First day of the season.
        end: Last day, included.
        assets: What the scenes have; red, nir and scl are what NDVI needs.

    Raises:
        BadInput: the end is before the start, or the farm's story does not reach so far.
    """
    if end < start:
        raise BadInput(f"the season's end {end} is before its start {start}")
    if start < FIRST_DAY or end > LAST_DAY:
        raise BadInput(
            f"the sample season is told from {FIRST_DAY} to {LAST_DAY}: choose days of these, not {start} to {end}"
        )
    season = Season(out)
    write_inputs(season, start, end)
    ground = make_ground(
        LAND, [(field.in_pixels, field.crops[0].cover) for field in GROUND], np.random.default_rng(SEED)
    )
    with ThreadPoolExecutor(4) as pool:
        flights = passes(start, end)
        written = pool.map(lambda flight: list(_write_pass(flight, ground, season.scenes, base_url, assets)), flights)
        items = [item for of_flight in written for item in of_flight]
    season.items.write_text(json.dumps({"type": "FeatureCollection", "features": items}, indent=1))
    season.collection.write_text(json.dumps(_collection(start, end), indent=1))
    return season


def passes(start: date, end: date) -> Iterator[Pass]:
    """Yield the flights from `start` to `end`: two orbits, each every five days, and the weather that chance gives."""
    for number in range(start.toordinal(), end.toordinal() + 1):
        phase = number % REVISIT_DAYS
        if phase not in (0, 2):
            continue
        random = np.random.default_rng([SEED, number, 1])
        yield Pass(
            day=date.fromordinal(number),
            satellite=("2A", "2B", "2C")[number // REVISIT_DAYS % 3],
            orbit=94 if phase == 0 else 137,
            at=time(11, 6, 21) if phase == 0 else time(10, 56, 21),
            whole=phase == 0,
            cloud_share=float(random.choice(list(CLOUD_SHARES), p=list(CLOUD_SHARES.values()))),
            reprocessed=bool(random.random() < REPROCESSED_CHANCE),
            haze=abs(float(random.normal(0, HAZE))),
        )


def _write_pass(
    flight: Pass, ground: Ground, scenes: Path, base_url: str, assets: Collection[Asset]
) -> Iterator[dict[str, Any]]:
    """Write the tiles of a flight and yield their items."""
    random = np.random.default_rng([SEED, flight.day.toordinal()])
    sky = make_sky(LAND, flight.cloud_share, random, flight.haze)
    for bank, place in banks(flight.day):
        sky = with_bank(sky, place, bank.opacity, bank.noticed)
    seen = reflectance(ground, sky, flight.day, random, [field.green(flight.day) for field in GROUND])
    scl = classify(seen["red"], seen["nir"], ground, sky)
    unseen = _unseen(flight)
    scl[unseen[::2, ::2]] = 0
    bands: dict[Asset, NDArray[Any]] = {"scl": scl, "visual": _true_colour(seen["red"], seen["green"], unseen)}
    for band, pixels in seen.items():
        bands[band] = _digital(pixels, unseen[::2, ::2] if band in COARSE else unseen)
    for tile, first in TILES.items():
        baselines = (OLD_BASELINE, BASELINE) if flight.reprocessed and first == 0 else (BASELINE,)
        for number, baseline in enumerate(baselines):
            item_id = f"SYNTHETIC_S{flight.satellite}_{tile}_{flight.day:%Y%m%d}_{number}_L2A"
            for name in assets:
                pixels = bands[name]
                step = _pixel(name) // PIXEL
                part = pixels[..., first // step : (first + TILE_PIXELS) // step]
                if name == "nir" and baseline == OLD_BASELINE:
                    part = np.where(part > 0, part + np.uint16(OLD_NIR_ERROR), 0)
                _write_cog(scenes / item_id / f"{name}.tif", part, first, _pixel(name))
            yield _item(
                item_id, flight, tile, baseline, _clouded(scl, first), f"{base_url.rstrip('/')}/{item_id}", assets
            )


def _clouded(scl: NDArray[np.uint8], first: int) -> float:
    """Return the share of clouds in the tile that begins at this column of the land, in percent."""
    classes = scl[:, first // 2 : (first + TILE_PIXELS) // 2]
    return round(float(np.isin(classes, (8, 9, 10)).mean() * 100), 2)


def _unseen(flight: Pass) -> NDArray[np.bool_]:
    """Return where the land lies outside the swath."""
    from rasterio.features import rasterize

    if flight.whole:
        return np.zeros(LAND, bool)
    return np.asarray(rasterize([shapely.Polygon(SWATH_CUT)], out_shape=LAND, dtype="uint8").astype(bool))


def _digital(band: NDArray[np.float32], unseen: NDArray[np.bool_]) -> NDArray[np.uint16]:
    return np.where(unseen, 0, np.clip(np.rint(band * SCALE) - BOA_ADD_OFFSET, 1, 65535)).astype("uint16")


def _true_colour(red: NDArray[np.float32], green: NDArray[np.float32], unseen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return red, green and blue as in ESA's true-colour image: 1 to 255 for reflectances to `BRIGHTEST`, 0 for none.

    There is no blue band: plants and soil reflect about so much less of it, and clouds are white all the same.
    """
    bands = np.stack([red, green, BLUE * np.minimum(red, green)])
    image = np.clip(np.rint(bands / BRIGHTEST * 255), 1, 255).astype("uint8")
    return np.where(unseen, np.uint8(0), image)


def _write_cog(file: Path, pixels: NDArray[Any], first_column: int, pixel: int) -> None:
    import rasterio

    bands = pixels if pixels.ndim == 3 else pixels[np.newaxis]
    file.parent.mkdir(parents=True, exist_ok=True)
    count, rows, columns = bands.shape
    profile = {"count": count, "dtype": bands.dtype, "height": rows, "width": columns, "nodata": 0}
    place = rasterio.Affine(pixel, 0, WEST + first_column * PIXEL, 0, -pixel, NORTH)
    options = {"compress": "DEFLATE", "predictor": "YES", "blocksize": BLOCK_PIXELS, "overview_resampling": "NEAREST"}
    with rasterio.open(file, "w", driver="COG", crs=f"EPSG:{EPSG}", transform=place, **profile, **options) as out:
        out.write(bands)
        out.update_tags(SYNTHETIC="invented pixels: not an observation of the Earth")


def _footprint(flight: Pass, tile: str) -> BaseGeometry:
    """Return where a tile of a flight has data, WGS84."""
    first = TILES[tile]
    seen = box(first, 0, first + TILE_PIXELS, TILE_PIXELS)
    if not flight.whole:
        seen = seen - shapely.Polygon(SWATH_CUT)
    return wgs84(shapely.transform(seen, lambda xy: xy * (PIXEL, -PIXEL) + (WEST, NORTH)))


def _item(
    item_id: str, flight: Pass, tile: str, baseline: str, clouded: float, url: str, assets: Collection[Asset]
) -> dict[str, Any]:
    at = datetime.combine(flight.day, flight.at, UTC)
    published = at + timedelta(hours=9 if baseline == BASELINE else 5)
    footprint = _footprint(flight, tile)
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [
            "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
            "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
            "https://stac-extensions.github.io/grid/v1.1.0/schema.json",
            "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
            "https://stac-extensions.github.io/sat/v1.0.0/schema.json",
        ],
        "id": item_id,
        "collection": COLLECTION,
        "geometry": mapping(footprint),
        "bbox": list(footprint.bounds),
        "properties": {
            "title": f"SYNTHETIC scene of tile {tile} on {flight.day}: invented pixels",
            "synthetic": True,
            "datetime": _utc(at),
            "created": _utc(published),
            "updated": _utc(published),
            "platform": f"sentinel-{flight.satellite.lower()}",
            "constellation": "sentinel-2",
            "instruments": ["msi"],
            "grid:code": f"MGRS-{tile}",
            "sat:relative_orbit": flight.orbit,
            "s2:processing_baseline": baseline,
            "s2:datatake_id": f"GS{flight.satellite}_{at:%Y%m%dT%H%M%S}_{flight.day.toordinal()}_N{baseline}",
            "eo:cloud_cover": clouded,
            "proj:code": f"EPSG:{EPSG}",
        },
        "links": [],
        "assets": {name: _asset(name, tile, url) for name in assets},
    }


def _pixel(asset: Asset) -> int:
    """Return the size of an asset's pixels, metres."""
    return 2 * PIXEL if asset == "scl" or asset in COARSE else PIXEL


def _asset(name: Asset, tile: str, url: str) -> dict[str, Any]:
    pixel = _pixel(name)
    band: dict[str, Any] = {"nodata": 0, "data_type": "uint8", "spatial_resolution": pixel}
    if name not in ("scl", "visual"):
        band |= {"data_type": "uint16", "scale": 1 / SCALE, "offset": BOA_ADD_OFFSET / SCALE}
    return {
        "href": f"{url}/{name}.tif",
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "title": f"SYNTHETIC {name}",
        "roles": ["visual"] if name == "visual" else ["data"],
        "proj:shape": [TILE_PIXELS * PIXEL // pixel] * 2,
        "proj:transform": [pixel, 0, WEST + TILES[tile] * PIXEL, 0, -pixel, NORTH],
        "raster:bands": [band] * (3 if name == "visual" else 1),
    }


def _collection(start: date, end: date) -> dict[str, Any]:
    box_of_land = wgs84(box(WEST, NORTH - LAND[0] * PIXEL, WEST + LAND[1] * PIXEL, NORTH)).bounds
    period = [_utc(datetime.combine(start, time.min, UTC)), _utc(datetime.combine(end, time.max, UTC))]
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": COLLECTION,
        "title": "SYNTHETIC Sentinel-2 L2A: a sample season",
        "description": "Invented scenes in the form of Sentinel-2 L2A. Not observations of the Earth.",
        "license": "Apache-2.0",
        "extent": {"spatial": {"bbox": [list(box_of_land)]}, "temporal": {"interval": [period]}},
        "links": [],
    }


def _utc(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
