"""TIFFs on a server, read by ranges: many requests fetch bytes side by side, and GDAL decodes them in memory.

GDAL by itself asks for a block, waits, decodes it and asks for the next. Here it is given a sparse file in memory, of
the TIFF's header and of the bytes that have come, in which it finds its way as in the whole file, and decodes the same
pixels. What goes wrong here is left to GDAL by itself, which tries again and says what is wrong.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from ndvi_core.raster.gdal import gdal_env

if TYPE_CHECKING:
    from obstore.store import HTTPStore
    from rasterio import DatasetReader

HEADER = 32_768
"""Bytes that are fetched when a file is opened: the whole header of a COG."""

COALESCE_GAP = 65_536
"""Bytes between two blocks that are fetched along with them: sooner done than another request."""

LEADER = 4
"""Bytes before and after a block in which a COG repeats its size and its end, for GDAL to look at."""


class ByteRange(NamedTuple):
    """A range of a file's bytes."""

    start: int
    end: int
    """The byte after the last."""


def coalesce(ranges: Sequence[ByteRange]) -> ByteRange | None:
    """Return one range around some; None of none, or if there is too much between them."""
    if not ranges:
        return None
    whole = ByteRange(min(part.start for part in ranges), max(part.end for part in ranges))
    gaps = whole.end - whole.start - sum(part.end - part.start for part in ranges)
    return whole if gaps <= COALESCE_GAP else None


class RemoteTiff:
    """A TIFF on a server, its header in memory. Threads may share it."""

    def __init__(self, store: "HTTPStore", path: str, header: bytes) -> None:
        from rasterio.io import MemoryFile

        self._store = store
        self._path = path
        self._header_size = len(header)
        self._file = MemoryFile(header)
        self.header = self._file.open(driver="GTiff")
        """The raster, whose blocks cannot be read yet but which knows where they are."""

    def close(self) -> None:
        """Close the raster and forget its header."""
        self.header.close()
        self._file.close()

    @contextmanager
    def fetch(self, byte_range: ByteRange) -> Iterator["DatasetReader"]:
        """Fetch bytes and open the raster, whose blocks within them can then be read."""
        import rasterio
        from rasterio.io import MemoryFile

        start, end = max(byte_range.start - LEADER, self._header_size), byte_range.end + LEADER
        if byte_range.end <= self._header_size:  # a small file
            with self._file.open(driver="GTiff") as dataset:
                yield dataset
            return
        with MemoryFile(bytes(self._store.get_range(self._path, start=start, end=end))) as part:
            regions = _region(self._file.name, 0, self._header_size) + _region(part.name, start, end - start)
            sparse = f"<VSISparseFile><Length>{end}</Length>{regions}</VSISparseFile>"
            with (
                MemoryFile(sparse.encode()) as file,
                rasterio.open(f"/vsisparse/{file.name}", driver="GTiff") as dataset,
            ):
                yield dataset


def open_remote_tiff(url: str) -> RemoteTiff | None:
    """Open a TIFF by ranges; None if it is not on a web server, is no TIFF, or anything goes wrong.

    GDAL is then to open it by itself, or to say why it cannot.
    """
    from obstore.exceptions import BaseError

    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.username:
            return None
        store, path = _store(parts._replace(path="", fragment="").geturl()), unquote(parts.path.lstrip("/"))
        header = bytes(store.get(path, options={"range": (0, HEADER)}).bytes())
    except (BaseError, OSError, ValueError):
        return None
    from rasterio.errors import RasterioError  # half of a short task's imports, for which the bytes need not wait

    try:
        with gdal_env():
            return RemoteTiff(store, path, header)
    except RasterioError:
        return None


@cache
def _store(url: str) -> "HTTPStore":
    """Return the server's store, which keeps its connections and sends the URL's query, a signature, each time."""
    from obstore.store import HTTPStore

    return HTTPStore.from_url(
        url,
        client_options={
            "allow_http": True,
            "connect_timeout": timedelta(seconds=10),
            "timeout": timedelta(seconds=60),
        },
        retry_config={"max_retries": 0},
    )


def _region(name: str, start: int, size: int) -> str:
    return (
        f"<SubfileRegion><Filename>{name}</Filename><DestinationOffset>{start}</DestinationOffset>"
        f"<SourceOffset>0</SourceOffset><RegionLength>{size}</RegionLength></SubfileRegion>"
    )
