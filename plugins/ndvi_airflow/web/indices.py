"""Which indices there are, and how they are shown."""

from fastapi import APIRouter, Response
from pydantic import RootModel

from ndvi_airflow.web.answers import READS
from ndvi_airflow.web.dependencies import Registry
from ndvi_airflow.web.pagination import json_response
from ndvi_airflow.web.security import reader
from ndvi_core.models.frozen import Frozen
from ndvi_core.models.indices import Index, get_indices
from ndvi_core.registry.index_sets import current_indices

router = APIRouter(prefix="/api", dependencies=[reader], tags=["observations"], responses=READS)


class IndexEntry(Frozen):
    """An index that rows and files have."""

    name: str
    """Columns of files are `<name>_mean` and so on."""
    title: str
    bands: tuple[str, ...]
    formula: str
    """In terms of the bands' reflectances."""
    resolution: int
    """Size in metres of the pixels that it is computed on."""
    range: tuple[float, float]
    """The values at the ends of the colour scale."""
    colours: tuple[str, ...]
    """From the lower to the upper end, evenly spaced, as `#rrggbb`."""
    reference: str

    @classmethod
    def of(cls, index: Index) -> "IndexEntry":
        """Return the entry of an index of the registry."""
        return cls(
            name=index.name,
            title=index.title,
            bands=index.bands,
            formula=index.expression,
            resolution=index.resolution,
            range=index.range,
            colours=index.colours,
            reference=index.reference,
        )


class IndexEntries(RootModel[list[IndexEntry]]):
    """NDVI first, in the order of the columns of files."""


@router.get("/indices", responses={200: {"model": IndexEntries}})
def indices(connection: Registry) -> Response:
    """Return the indices that rows and files have."""
    return json_response(IndexEntries([IndexEntry.of(index) for index in get_indices(current_indices(connection))]))
