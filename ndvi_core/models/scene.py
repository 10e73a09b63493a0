"""What a scene is: one Sentinel-2 L2A item, reduced to what the computation needs."""

from datetime import date, datetime, timedelta

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Attribute

from ndvi_core.models.geometry import Geometry


class Offset(BaseModel):
    """How digital numbers become reflectance: `reflectance * 10000 = max(DN + offset, 0)`."""

    model_config = ConfigDict(frozen=True)

    rule: str
    """Name of the catalogue's rule that gave these numbers, e.g. `planetary-computer@1`."""
    red: int = 0
    """Added to the digital numbers of the red band; -1000 since processing baseline 04.00 unless already applied."""
    nir: int = 0


class Scene(BaseModel):
    """One tile of one Sentinel-2 acquisition, as a catalogue offers it."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    id: str
    collection: str
    time: datetime
    """Acquisition, UTC."""
    tile: str = Attribute(pattern=r"^\d{2}[C-X][A-Z]{2}$")
    """MGRS tile, e.g. `30UXV`."""
    datatake: str
    """What scenes of one pass share, e.g. the relative orbit and the sensing start; with `tile` it finds duplicates."""
    baseline: str
    """Processing baseline, e.g. `05.11`."""
    updated: datetime | None = None
    epsg: int | None = None
    footprint: Geometry
    """Where the scene has data, as the catalogue says: WGS84, approximate."""
    red: str
    """Href of B04, 10 m: `https://`, `s3://` or a path; signed anew by whoever reads it, never stored signed."""
    nir: str
    """Href of B08, 10 m."""
    scl: str
    """Href of the scene classification, 20 m."""
    signing: str | None = None
    """How hrefs are made readable: None, or `planetary-computer`."""
    offset: Offset

    @property
    def day(self) -> date:
        """The solar day of the acquisition where it was made: UTC shifted by four minutes a degree of longitude.

        Over Europe and Africa this is the UTC date; over New Zealand a pass at 22:30 UTC belongs to the next day.
        The longitude is that of the tile's UTM zone: the centre of a footprint that the antimeridian cuts is elsewhere.
        """
        longitude = int(self.tile[:2]) * 6 - 183
        return (self.time + timedelta(hours=longitude / 15)).date()
