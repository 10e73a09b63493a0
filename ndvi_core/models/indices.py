"""The spectral indices: one entry each, from which columns, documents, the API and the page follow.

NDVI is always computed; `NDVI_INDICES` names the others that a deployment computes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from ndvi_core.errors import BadInput
from ndvi_core.models.arrays import Floats

Band = Literal["green", "red", "rededge1", "nir", "nir08", "swir16"]
"""The bands that indices are made of, by the names of their assets in Earth Search."""


class BandFacts(NamedTuple):
    """What Sentinel-2 calls a band, and the size of its pixels."""

    sentinel2: str
    resolution: int
    """Metres."""


BANDS: dict[Band, BandFacts] = {
    "green": BandFacts("B03", 10),
    "red": BandFacts("B04", 10),
    "rededge1": BandFacts("B05", 20),
    "nir": BandFacts("B08", 10),
    "nir08": BandFacts("B8A", 20),
    "swir16": BandFacts("B11", 20),
}
"""Source: Sentinel-2 Products Specification Document, L2A: the native resolution of each band."""

COARSE = tuple(band for band, facts in BANDS.items() if facts.resolution == 20)
"""The bands of 20 m, which share one grid."""

YLGN = ("#ffffe5", "#f7fcb9", "#d9f0a3", "#addd8e", "#78c679", "#41ab5d", "#238443", "#006837", "#004529")
"""ColorBrewer's sequential scheme YlGn (https://colorbrewer2.org, Apache-2.0): bare soil is pale, dense crop dark."""

BRBG = ("#8c510a", "#bf812d", "#dfc27d", "#f6e8c3", "#f5f5f5", "#c7eae5", "#80cdc1", "#35978f", "#01665e")
"""ColorBrewer's diverging scheme BrBG: dry is brown, wet is blue-green; the colour-blind tell the ends apart."""


@dataclass(frozen=True)
class Index:
    """A spectral index: a number that a formula gives for each pixel."""

    name: str
    """Lower-case letters and digits; columns are `<name>_mean` and so on."""
    title: str
    bands: tuple[Band, ...]
    """In the order of the formula's arguments."""
    formula: Callable[..., Floats]
    """Takes reflectances, in 0..1, as float64 arrays of one shape and returns the index, in float64.

    A denominator of zero gives NaN where the numerator is zero too, and else an infinite number, without a warning:
    the caller drops what is not finite. Reflectances that are positive never give a denominator of zero.
    """
    expression: str
    """The formula in terms of the bands' names, for people; it is Python too."""
    range: tuple[float, float]
    """The values at the ends of the colour scale; an index may be beyond."""
    colours: tuple[str, ...]
    """Colours from the lower to the upper end, evenly spaced, as `#rrggbb`; linear between them."""
    reference: str
    """Who published the formula, or its DOI."""

    @property
    def resolution(self) -> int:
        """Size in metres of the pixels that it is computed on: those of its coarsest band."""
        return max(BANDS[band].resolution for band in self.bands)

    @property
    def formula_in_words(self) -> str:
        """The formula with what Sentinel-2 calls its bands, as files state it."""
        bands = ", ".join(f"{band} is {BANDS[band].sentinel2}" for band in self.bands)
        return f"{self.expression} of reflectances: {bands}"


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return numerator / denominator


def _ndvi(nir: Floats, red: Floats) -> Floats:
    """Return NDVI. As a ratio of sums it is, bit for bit, that of digital numbers plus offset, given those."""
    return _ratio(nir - red, nir + red)


def _evi2(nir: Floats, red: Floats) -> Floats:
    return _ratio(2.5 * (nir - red), nir + 2.4 * red + 1)


def _savi(nir: Floats, red: Floats) -> Floats:
    return _ratio(1.5 * (nir - red), nir + red + 0.5)


def _msavi(nir: Floats, red: Floats) -> Floats:
    # The radicand is (2 nir - 1)² + 8 red: never negative for reflectances.
    return np.asarray((2 * nir + 1 - np.sqrt((2 * nir + 1) ** 2 - 8 * (nir - red))) / 2)


def _osavi(nir: Floats, red: Floats) -> Floats:
    return _ratio(nir - red, nir + red + 0.16)


def _difference(first: Floats, second: Floats) -> Floats:
    return _ratio(first - second, first + second)


def _cire(nir08: Floats, rededge1: Floats) -> Floats:
    return _ratio(nir08, rededge1) - 1


INDICES = {
    index.name: index
    for index in (
        Index(
            name="ndvi",
            title="Normalised Difference Vegetation Index",
            bands=("nir", "red"),
            formula=_ndvi,
            expression="(nir - red) / (nir + red)",
            range=(0.0, 1.0),
            colours=YLGN,
            reference="Rouse et al. 1974, https://ntrs.nasa.gov/citations/19740022614",
        ),
        Index(
            name="evi2",
            title="Two-band Enhanced Vegetation Index",
            bands=("nir", "red"),
            formula=_evi2,
            expression="2.5 * (nir - red) / (nir + 2.4 * red + 1)",
            range=(0.0, 1.0),
            colours=YLGN,
            reference="Jiang et al. 2008, https://doi.org/10.1016/j.rse.2008.06.006",
        ),
        Index(
            name="savi",
            title="Soil Adjusted Vegetation Index, L = 0.5",
            bands=("nir", "red"),
            formula=_savi,
            expression="1.5 * (nir - red) / (nir + red + 0.5)",
            range=(0.0, 1.0),
            colours=YLGN,
            reference="Huete 1988, https://doi.org/10.1016/0034-4257(88)90106-X",
        ),
        Index(
            name="msavi",
            title="Modified Soil Adjusted Vegetation Index",
            bands=("nir", "red"),
            formula=_msavi,
            expression="(2 * nir + 1 - ((2 * nir + 1) ** 2 - 8 * (nir - red)) ** 0.5) / 2",
            range=(0.0, 1.0),
            colours=YLGN,
            reference="Qi et al. 1994, https://doi.org/10.1016/0034-4257(94)90134-1",
        ),
        Index(
            name="osavi",
            title="Optimised Soil Adjusted Vegetation Index",
            bands=("nir", "red"),
            formula=_osavi,
            expression="(nir - red) / (nir + red + 0.16)",
            range=(0.0, 1.0),
            colours=YLGN,
            reference="Rondeaux et al. 1996, https://doi.org/10.1016/0034-4257(95)00186-7",
        ),
        Index(
            name="gndvi",
            title="Green Normalised Difference Vegetation Index",
            bands=("nir", "green"),
            formula=_difference,
            expression="(nir - green) / (nir + green)",
            range=(0.0, 1.0),
            colours=YLGN,
            reference="Gitelson et al. 1996, https://doi.org/10.1016/S0034-4257(96)00072-7",
        ),
        Index(
            name="ndwi",
            title="Normalised Difference Water Index",
            bands=("green", "nir"),
            formula=_difference,
            expression="(green - nir) / (green + nir)",
            range=(-1.0, 1.0),
            colours=BRBG,
            reference="McFeeters 1996, https://doi.org/10.1080/01431169608948714",
        ),
        Index(
            name="ndre",
            title="Normalised Difference Red Edge Index",
            bands=("nir08", "rededge1"),
            formula=_difference,
            expression="(nir08 - rededge1) / (nir08 + rededge1)",
            range=(0.0, 0.8),
            colours=YLGN,
            reference="Gitelson and Merzlyak 1994, https://doi.org/10.1016/1011-1344(93)06963-4",
        ),
        Index(
            name="cire",
            title="Chlorophyll Index Red Edge",
            bands=("nir08", "rededge1"),
            formula=_cire,
            expression="nir08 / rededge1 - 1",
            range=(0.0, 5.0),
            colours=YLGN,
            reference="Gitelson et al. 2003, https://doi.org/10.1078/0176-1617-00887",
        ),
        Index(
            name="ndmi",
            title="Normalised Difference Moisture Index",
            bands=("nir08", "swir16"),
            formula=_difference,
            expression="(nir08 - swir16) / (nir08 + swir16)",
            range=(-0.8, 0.8),
            colours=BRBG,
            reference="Wilson and Sader 2002, https://doi.org/10.1016/S0034-4257(01)00318-2",
        ),
    )
}
"""All indices by name; NDVI is the first."""


def get_indices(names: Iterable[str]) -> tuple[Index, ...]:
    """Return NDVI and the named indices, each once, in the order of the registry: a set has one order.

    Raises:
        BadInput: one of the names is of no index; the message names those that are known.
    """
    wanted = set(names)
    if unknown := sorted(wanted - INDICES.keys()):
        raise BadInput(f"unknown index {', '.join(unknown)}: known are {', '.join(INDICES)}")
    return tuple(index for name, index in INDICES.items() if name == "ndvi" or name in wanted)


def names_in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of NDVI and of the named indices, see `get_indices`."""
    return tuple(index.name for index in get_indices(names))


def bands_beside_ndvi(names: Iterable[str]) -> tuple[Band, ...]:
    """Return the bands that indices need besides red and NIR, each once, in the order of `BANDS`.

    Raises:
        BadInput: see `get_indices`.
    """
    needed = {band for index in get_indices(names) for band in index.bands}
    return tuple(band for band in BANDS if band in needed - {"red", "nir"})
