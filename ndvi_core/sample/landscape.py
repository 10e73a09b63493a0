"""Invented farmland for the sample season: parcels, crops that grow, clouds. Not a model of anything: a likeness.

Arrays have the shape (rows, columns) of one grid of 10 m pixels, north up; bands of 20 m have half as many of each.
Random numbers come from a caller's generator, so that the same seed gives the same pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import shapely
from numpy.random import Generator
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from ndvi_core.models.indices import COARSE, Band

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Cover:
    """A kind of vegetation: the share of the ground that is green, over a year.

    The share rises and falls along a double logistic curve (Beck et al. 2006, Remote Sens. Environ. 100, eq. 1).
    """

    name: str
    low: float
    """Green share outside the season."""
    high: float
    """Green share of the full canopy."""
    up: float
    """Day of the year when half of the canopy is there."""
    up_rate: float
    """Per day."""
    down: float
    """Day of the year when half of it is gone."""
    down_rate: float
    share: float
    """Share of the parcels around the farm that bear it."""

    def green(self, day_of_year: Floats) -> Floats:
        """Return the green share of the ground on each day of the year, of the same shape."""
        rise = 1 / (1 + np.exp(-self.up_rate * (day_of_year - self.up)))
        fall = 1 / (1 + np.exp(-self.down_rate * (day_of_year - self.down)))
        return np.asarray(self.low + (self.high - self.low) * (rise - fall), np.float32)


COVERS = (
    Cover("winter_wheat", 0.30, 0.97, 92, 0.07, 188, 0.12, share=0.26),
    Cover("rapeseed", 0.45, 0.95, 72, 0.07, 176, 0.12, share=0.12),
    Cover("spring_barley", 0.06, 0.95, 112, 0.11, 192, 0.12, share=0.10),
    Cover("maize", 0.04, 0.96, 166, 0.10, 268, 0.10, share=0.12),
    Cover("sugar_beet", 0.04, 0.95, 147, 0.09, 300, 0.06, share=0.09),
    Cover("flax", 0.05, 0.90, 124, 0.14, 184, 0.15, share=0.07),
    Cover("grassland", 0.70, 0.90, 96, 0.06, 290, 0.03, share=0.18),
    Cover("wood", 0.30, 0.98, 114, 0.11, 300, 0.08, share=0.06),
    Cover("built", 0.15, 0.32, 110, 0.05, 290, 0.05, share=0.0),
    Cover("water", 0.0, 0.0, 1, 0.1, 365, 0.1, share=0.0),
)
_INDEX = {cover.name: number for number, cover in enumerate(COVERS)}


class Spectrum(NamedTuple):
    """What things reflect in one band."""

    soil: float
    canopy: float
    cloud: float
    water: float
    bloom: float
    """What rapeseed in full flower reflects more: it is yellow, which dents its NDVI for some weeks."""


SPECTRA: dict[Band, Spectrum] = {
    "red": Spectrum(soil=0.135, canopy=0.028, cloud=0.62, water=0.035, bloom=0.05),
    "nir": Spectrum(soil=0.195, canopy=0.44, cloud=0.66, water=0.018, bloom=0.0),
    "green": Spectrum(soil=0.100, canopy=0.045, cloud=0.61, water=0.060, bloom=0.06),
    "rededge1": Spectrum(soil=0.155, canopy=0.090, cloud=0.63, water=0.030, bloom=0.05),
    "nir08": Spectrum(soil=0.205, canopy=0.46, cloud=0.66, water=0.015, bloom=0.0),
    "swir16": Spectrum(soil=0.270, canopy=0.17, cloud=0.47, water=0.008, bloom=0.0),
}
"""In the order in which chance gives each its grain: a further band at the end leaves the others as they are."""

WOOD_DARKENING = 0.75
BLOOM_DAY, BLOOM_DAYS = 116.0, 9.0

SLANT = np.radians(17.0)
"""Direction of the parcels' long sides, against east."""
LARGEST_PARCEL, SMALLEST_PARCEL = 2400, 450
"""Pixels."""
BANK_EDGE = 3
"""Pixels over which a bank of cloud thickens."""
SHADOW_SHIFT = (-34, -26)
"""Rows and columns from a cloud to its shadow: the sun stands in the south-east when Sentinel-2 passes."""


@dataclass(frozen=True)
class Ground:
    """The ground, as it is all season."""

    cover: NDArray[np.uint8]
    """Index into `COVERS`."""
    ahead: Floats
    """Days by which a pixel's parcel is ahead of the crop's curve."""
    vigour: Floats
    """Factor on the green share: good and poor places within the parcels."""
    brightness: Floats
    """Factor on the soil's reflectance."""
    field: NDArray[np.uint8]
    """Number of the farm's field there, from 1 on in the order given; 0 elsewhere."""


@dataclass(frozen=True)
class Sky:
    """Clouds and their shadows on one day."""

    opacity: Floats
    """0 is clear, 1 hides all."""
    shadow: Floats
    """0 is sunlit, 1 is the darkest."""
    haze: Floats
    """The same as opacity, of what the classification does not see."""


def make_ground(shape: tuple[int, int], fields: Sequence[tuple[BaseGeometry, str]], random: Generator) -> Ground:
    """Lay out the land.

    Args:
        shape: Rows and columns.
        fields: Polygons in pixels (x = column, y = row, 0, 0 is the outer corner of the first), each with the name of
            its cover; they lie over the parcels that chance has made.
        random: Generator of all that is left to chance.
    """
    from rasterio.features import rasterize

    rows, columns = np.indices(shape, dtype=np.float32)
    along = columns * np.cos(SLANT) + rows * np.sin(SLANT) + 5 * roughness(shape, random, 3.2)
    across = rows * np.cos(SLANT) - columns * np.sin(SLANT) + 5 * roughness(shape, random, 3.2)
    parcel = _parcels(along, across, random)
    most = int(parcel.max()) + 1
    shares = np.array([cover.share for cover in COVERS])
    cover = random.choice(len(COVERS), most, p=shares / shares.sum()).astype(np.uint8)[parcel]
    ahead = random.normal(0, 6, most).astype(np.float32)[parcel]
    vigour = random.uniform(0.88, 1.0, most).astype(np.float32)[parcel]

    settled = roughness(shape, random, 2.6) > 2.1
    cover[settled] = _INDEX["built"]
    cover[_hedges(parcel, random)] = _INDEX["wood"]
    cover[np.abs(across - 300 - 22 * np.sin(along / 190)) < 1.2] = _INDEX["built"]  # a road
    brook = np.abs(along - 560 - 60 * np.sin(across / 75) - 18 * np.sin(across / 23))
    cover[brook < 5] = _INDEX["wood"]
    cover[brook < 1.6] = _INDEX["water"]
    field = np.zeros(shape, np.uint8)
    for number, (polygon, name) in enumerate(fields, start=1):
        inside = rasterize([polygon], out_shape=shape, dtype="uint8").astype(bool)
        cover[inside], ahead[inside], vigour[inside], field[inside] = _INDEX[name], random.normal(0, 3), 0.97, number
    vigour += 0.07 * roughness(shape, random, 2.4) + 0.03 * roughness(shape, random, 1.2)
    return Ground(cover, ahead, np.clip(vigour, 0.2, 1.05), 1 + 0.10 * roughness(shape, random, 2.2), field)


def make_sky(shape: tuple[int, int], cloud_share: float, random: Generator, haze: float = 0.0) -> Sky:
    """Let clouds drift in that hide about `cloud_share` (0..1) of the ground, in air of the opacity `haze`."""
    field = roughness(shape, random, 3.4) + 0.04 * roughness(shape, random, 1.8)
    edge = np.quantile(field, 1 - cloud_share) if 0 < cloud_share < 1 else (np.inf, -np.inf)[int(cloud_share >= 1)]
    height = field - edge if np.isfinite(edge) else np.full(shape, -edge, np.float32)
    opacity = np.clip(0.35 + height / 0.35, 0, 1).astype(np.float32)
    return Sky(opacity, _shadow(opacity), np.full(shape, haze, np.float32))


def with_bank(sky: Sky, place: BaseGeometry, opacity: float, noticed: bool) -> Sky:
    """Return the sky with a bank of cloud more.

    Args:
        sky: before.
        place: what the bank hides, in pixels as in `make_ground`; it thins out at the edge.
        opacity: of the bank.
        noticed: whether the classification shows it, and whether it is thick enough for a shadow.
    """
    columns, rows = np.meshgrid(*(np.arange(size) + 0.5 for size in reversed(sky.opacity.shape)))
    inside = shapely.contains_xy(place, columns, rows)
    to_edge = shapely.distance(shapely.points(columns[inside], rows[inside]), place.boundary)
    bank = np.zeros(sky.opacity.shape, np.float32)
    bank[inside] = opacity * np.minimum(to_edge / BANK_EDGE, 1)
    if not noticed:
        return Sky(sky.opacity, sky.shadow, np.maximum(sky.haze, bank))
    both = np.maximum(sky.opacity, bank)
    return Sky(both, _shadow(both), sky.haze)


def _shadow(opacity: Floats) -> Floats:
    return (np.roll(opacity, SHADOW_SHIFT, axis=(0, 1)) * (1 - opacity)).astype(np.float32)


def reflectance(
    ground: Ground, sky: Sky, day: date, random: Generator, stands: Sequence[float] = ()
) -> dict[Band, Floats]:
    """Return the reflectance of each band as the sensor would see it after atmospheric correction.

    Bands of 20 m are the means of four pixels; the land has even numbers of rows and columns. `stands` is the green
    share of each of the farm's fields on that day; without it they go by their covers.
    """
    day_of_year = day.timetuple().tm_yday + ground.ahead
    green = np.zeros(ground.cover.shape, np.float32)
    for number, cover in enumerate(COVERS):
        here = ground.cover == number
        green[here] = cover.green(day_of_year[here])
    if stands:
        green = np.where(ground.field > 0, np.array([0, *stands], np.float32)[ground.field], green)
    green = np.clip(green * ground.vigour, 0, 1)
    in_flower = np.exp(-(((day_of_year - BLOOM_DAY) / BLOOM_DAYS) ** 2)) * (ground.cover == _INDEX["rapeseed"])
    bands: dict[Band, Floats] = {}
    for name, of in SPECTRA.items():
        band = (green * of.canopy + (1 - green) * of.soil * ground.brightness).astype(np.float32)
        band += of.bloom * in_flower
        band[ground.cover == _INDEX["wood"]] *= WOOD_DARKENING
        band[ground.cover == _INDEX["water"]] = of.water
        seen = _through(sky, band, of.cloud)
        bands[name] = _with_grain(_halved(seen) if name in COARSE else seen, random)
    return bands


def classify(red: Floats, nir: Floats, ground: Ground, sky: Sky) -> NDArray[np.uint8]:
    """Return the scene classification (SCL of Sen2Cor) at 20 m: half the rows and columns."""
    opacity, shadow, red, nir = (band[::2, ::2] for band in (sky.opacity, sky.shadow, red, nir))
    classes = np.where((nir - red) / (nir + red) > 0.4, 4, 5)  # vegetation, not vegetated
    classes[ground.cover[::2, ::2] == _INDEX["water"]] = 6
    for level, name in ((0.08, 7), (0.2, 10), (0.4, 8), (0.7, 9)):  # unclassified, thin cirrus, medium, high cloud
        classes[opacity > level] = name
    classes[(shadow > 0.35) & (opacity <= 0.2)] = 3
    return classes.astype(np.uint8)


def roughness(shape: tuple[int, int], random: Generator, slope: float) -> Floats:
    """Return a fractal field with mean 0 and standard deviation 1; the larger `slope`, the smoother it is.

    White noise whose spectrum falls with frequency to the power of `-slope`.
    """
    spectrum = np.fft.rfft2(random.standard_normal(shape))
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, np.newaxis], np.fft.rfftfreq(shape[1])[np.newaxis, :])
    frequency[0, 0] = np.inf
    field = np.fft.irfft2(spectrum * frequency ** (-slope / 2), s=shape)
    return np.asarray(field / field.std(), np.float32)


def _through(sky: Sky, band: Floats, cloud: float) -> Floats:
    lit = band * (1 - 0.6 * sky.shadow)
    opacity = np.maximum(sky.opacity, sky.haze)
    return np.asarray(lit * (1 - opacity) + cloud * opacity, np.float32)


def _halved(band: Floats) -> Floats:
    rows, columns = band.shape
    return np.asarray(band.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3)), np.float32)


def _with_grain(band: Floats, random: Generator) -> Floats:
    return np.asarray(band * (1 + 0.012 * random.standard_normal(band.shape, np.float32)), np.float32)


def _parcels(along: Floats, across: Floats, random: Generator) -> NDArray[np.int32]:
    """Return the number of each pixel's parcel: rectangles that are halved until they are small enough."""
    along, across = along - along.min(), across - across.min()
    plan = np.zeros((int(across.max()) + 1, int(along.max()) + 1), np.int32)
    pieces = [(0, 0, *plan.shape)]
    number = 0
    while pieces:
        top, left, height, width = pieces.pop()
        if height * width < random.uniform(SMALLEST_PARCEL, LARGEST_PARCEL):
            plan[top : top + height, left : left + width] = number
            number += 1
        elif height > width * random.uniform(0.4, 1.1):  # so that they are longer along than across
            cut = int(height * random.uniform(0.35, 0.65))
            pieces += [(top, left, cut, width), (top + cut, left, height - cut, width)]
        else:
            cut = int(width * random.uniform(0.35, 0.65))
            pieces += [(top, left, height, cut), (top, left + cut, height, width - cut)]
    return plan[across.astype(np.int32), along.astype(np.int32)]


def _hedges(parcel: NDArray[np.int32], random: Generator) -> NDArray[np.bool_]:
    """Return where trees stand: along some of the boundaries between parcels, the whole length of each."""
    hedge = np.zeros(parcel.shape, bool)
    for axis in (0, 1):
        other = np.roll(parcel, 1, axis)
        hedge |= (parcel != other) & ((parcel * 7919 + other * 7919) % 10 < 4)
    hedge &= random.random(parcel.shape) < 0.9  # gaps
    return hedge
