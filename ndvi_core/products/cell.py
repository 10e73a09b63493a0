"""The objects of a cell's folder: the NDVI raster (COG), the observation (JSON) and perhaps a picture (PNG)."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import shapely
from shapely.geometry.base import BaseGeometry

from ndvi_core.errors import BadInput
from ndvi_core.models.arrays import Floats
from ndvi_core.models.observation import HEAD, Observation
from ndvi_core.models.scene import Scene
from ndvi_core.products.cog import ndvi_cog
from ndvi_core.products.quicklook import quicklook
from ndvi_core.raster.projection import to_crs

if TYPE_CHECKING:
    from ndvi_core.models.field_raster import FieldRaster


class Product(NamedTuple):
    """An object of a cell's folder."""

    name: str
    """One of `PRODUCT_NAMES`."""
    data: bytes
    content_type: str


PRODUCT_NAMES = frozenset({"ndvi.tif", "ndvi.png", "observation.json"})
"""All that a cell's folder can contain; what a cell does not have is deleted."""

STATEMENT = "observation.json"
"""The product that every cell has, written last."""

_LEFT_OUT: dict[str, Any] = {"footprint": True}
"""Attributes of a scene that are not in the JSON, since they are large."""


def make_products(
    observation: Observation,
    raster: "FieldRaster | None",
    geometry: BaseGeometry,
    scenes: Sequence[Scene],
    *,
    with_picture: bool = True,
    inner_buffer_m: float = 0.0,
) -> list[Product]:
    """Return the objects of a cell's folder, or the JSON alone if the cell has no pixels.

    Args:
        observation: The cell's observation.
        raster: The field's pixels; None if the cell has none.
        geometry: The field's polygon or multipolygon, WGS84.
        scenes: The scenes of the observation's `scene_ids`.
        with_picture: Whether the picture is one of them.
        inner_buffer_m: Metres along the field's edge whose pixels were left out.
    """
    statement = Product(STATEMENT, observation_json(observation, scenes), "application/json")
    if raster is None:
        return [statement]
    products = [Product("ndvi.tif", ndvi_cog(raster, observation, inner_buffer_m), "image/tiff")]
    if with_picture:
        products.append(Product("ndvi.png", picture(raster, geometry, observation), "image/png"))
    return [*products, statement]


def picture(raster: "FieldRaster", geometry: BaseGeometry, observation: Observation) -> bytes:
    """Return the picture of a cell (PNG), see `quicklook`.

    Args:
        raster: The field's pixels.
        geometry: The field's polygon or multipolygon, WGS84.
        observation: The cell's observation.
    """
    return quicklook(raster, _projected(geometry, raster.epsg), observation)


def _projected(geometry: BaseGeometry, epsg: int) -> BaseGeometry:
    """Return a geometry (WGS84) in the CRS of its raster, its edges straight: of 10 km they are a third of a pixel off.

    Raises:
        BadInput: when it has no place in that CRS.
    """

    def projected(points: Floats) -> Floats:
        found = to_crs(points, epsg)
        if found is None:
            raise BadInput(f"a geometry with the bounds {geometry.bounds} (WGS84) cannot be shown in EPSG:{epsg}")
        return found

    return shapely.transform(geometry, projected)


def read_observation_json(data: bytes) -> Observation:
    """Return the observation that `observation_json` was given.

    Raises:
        BadInput: `data` is not such a file.
    """
    try:
        content = json.loads(data)
        return Observation.model_validate({key: value for key, value in content.items() if key != "scenes"})
    except (ValueError, AttributeError) as error:
        raise BadInput(f"{STATEMENT} is not the JSON of an observation: {str(error).splitlines()[0]}") from error


def observation_json(observation: Observation, scenes: Sequence[Scene]) -> bytes:
    """Return the observation as JSON: the keys of `HEAD`, the statistics, the provenance, the scenes.

    Args:
        observation: All its attributes become keys of the same name.
        scenes: The scenes of the observation's `scene_ids`; their hrefs are as the catalogue gave them, unsigned.
    """
    values = observation.model_dump(mode="json")
    content = {key: values[key] for key in HEAD} | values
    content["scenes"] = [scene.model_dump(mode="json", exclude=_LEFT_OUT) for scene in scenes]
    return json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"
