"""Scenes: Sentinel-2 L2A items of a catalogue, reduced to what the computation needs."""

from datetime import date, datetime, timedelta

from pydantic import Field as Attribute

from ndvi_core.models.frozen import Frozen
from ndvi_core.models.geometry import Geometry

BOA_ADD_OFFSET = -1000
"""Added to the digital numbers of red and NIR to undo their shift since processing baseline 04.00 (25 January 2022).

Source: `BOA_ADD_OFFSET` in ESA's product metadata (MTD_MSIL2A.xml), the same for all bands so far.
"""


class Offset(Frozen):
    """How digital numbers become reflectance: `reflectance * 10000 = max(DN + offset, 0)`."""

    rule: str
    """Name and version of the catalogue's rule that gave these numbers, e.g. `planetary-computer@1`."""
    red: int = 0
    """Added to the digital numbers of the red band: `BOA_ADD_OFFSET`, or 0 if there is no shift in the pixels."""
    nir: int = 0
    """Added to the digital numbers of the near infrared band."""
    harmonised: bool = False
    """Whether the catalogue says that it has removed the shift from the pixels, so that the pixels can belie it."""


class Scene(Frozen):
    """One tile of one Sentinel-2 acquisition, as a catalogue offers it."""

    id: str
    collection: str
    time: datetime
    """Acquisition, UTC."""
    tile: str = Attribute(pattern=r"^\d{2}[C-X][A-Z]{2}$")
    """MGRS tile, e.g. `30UXV`."""
    datatake: str
    """The same for all scenes of one pass, e.g. relative orbit and sensing start; with `tile` it finds duplicates."""
    baseline: str
    """Processing baseline, e.g. `05.11`."""
    updated: datetime | None = None
    """When the catalogue last changed the item, UTC; None if it does not say."""
    epsg: int | None = None
    """Code of the bands' CRS; None if the catalogue does not say."""
    footprint: Geometry
    """Where the scene has data, as the catalogue says: WGS84, approximate."""
    red: str
    """Href of B04, 10 m: `https://`, `s3://` or a path. It is signed when it is read, and never stored signed."""
    nir: str
    """Href of B08, 10 m."""
    scl: str
    """Href of the scene classification, 20 m."""
    signing: str | None = None
    """How hrefs have to be signed: None for not at all, or `planetary-computer`."""
    offset: Offset

    @property
    def day(self) -> date:
        """Solar day of the acquisition at the tile, see `solar_day`."""
        return solar_day(self.time, self.tile)


class UnreadableItem(Frozen):
    """An item of the catalogue that may be a scene but cannot be read: nobody knows what it shows."""

    id: str
    reason: str
    """Catalogue, item, and what is wrong with it."""
    footprint: Geometry | None
    """Where it has data, as far as it says so; None is anywhere in the searched area."""
    day: date | None
    """Its solar day; None is any day of the searched period."""


def solar_day(time: datetime, tile: str) -> date:
    """Return the solar day of an acquisition where it was made: UTC shifted by four minutes a degree of longitude.

    Over Europe and Africa this is the UTC date; over New Zealand a pass at 22:30 UTC belongs to the next day.
    The longitude is that of the tile's UTM zone: the centre of a footprint that the antimeridian cuts is elsewhere.
    """
    longitude = int(tile[:2]) * 6 - 183
    return (time + timedelta(hours=longitude / 15)).date()
