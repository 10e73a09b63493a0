"""All settings, read from the environment (and `.env` by whoever starts the process); `.env.template` lists them."""

from datetime import date
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ndvi_core import __version__
from ndvi_core.errors import BadInput

if TYPE_CHECKING:
    from ndvi_core.models.work_order import Policy


class Settings(BaseSettings):
    """Where things are and what is decided once for all fields.

    Names in the environment are the attribute's in capitals with `NDVI_` before it, except `STAC_API_URL` and
    `STAC_COLLECTION`. S3 credentials, region and endpoint are the usual `AWS_*` variables.
    """

    model_config = SettingsConfigDict(env_prefix="NDVI_", frozen=True, extra="ignore", env_ignore_empty=True)

    bucket_url: str = "s3://ndvi"
    """Bucket, with an optional prefix, that all products, orders and uploads live in."""
    extent_key: str = "staticdata/config/bbox.geojson"
    pending_prefix: str = "staticdata/fields/pending/"
    processed_prefix: str = "staticdata/fields/processed/"
    rejected_prefix: str = "staticdata/fields/rejected/"
    runs_prefix: str = "runs/"
    observations_prefix: str = "observations/"
    products_prefix: str = "fields/"

    stac_api_url: str = Field(default="https://earth-search.aws.element84.com/v1", validation_alias="STAC_API_URL")
    stac_collection: str = Field(default="sentinel-2-l2a", validation_alias="STAC_COLLECTION")
    catalogue: Literal["auto", "earth-search", "earth-search-c1", "planetary-computer", "cdse", "local"] = "auto"
    """How items are read: the assets' names, the offset rule, signing (`ndvi_core.catalog.dialects`); `auto` goes by
    the API and the collection. A mirror of a public catalogue needs that catalogue's name here, or its offsets are not
    known."""

    mask_policy: str = "scl@1"
    min_valid_fraction: float = Field(default=0.5, ge=0, le=1)
    min_pixels: float = Field(default=1.0, ge=0)
    pictures: bool = True
    """Whether to write the NDVI raster and picture of each cell; without them a task is several times faster."""
    memory_mb: int = Field(default=512, ge=128)
    """Memory that a compute task may take besides its fields' pixels, in MB; it reads ahead as far as that allows."""

    max_geojson_bytes: int = Field(default=100_000_000, gt=0)
    """Larger uploads are rejected unread."""

    start_date: date = date(2025, 1, 1)
    """First day of `ndvi_daily`."""
    end_date: date | None = None
    """Last day of `ndvi_daily`; None is open."""
    look_back_days: int = Field(default=5, ge=0, le=60)
    """Days before its own that each daily run checks for late or reprocessed scenes."""
    max_tasks: int = Field(default=200, gt=0, le=1000)
    """Beyond this many fields a run packs them into batches."""
    compute_pool: str = "default_pool"
    """Airflow pool that compute tasks share; it has to exist."""
    execution: Literal["process", "kubernetes"] = "process"
    """Where compute tasks run: as a process beside the Airflow task, or each in a pod."""
    image: str = f"ndvi:{__version__}"
    """That pods run; of the release that plans."""
    pod_template: str = ""
    """Path of a pod template file; empty is the one in the package."""
    pod_startup_seconds: int = Field(default=600, gt=0)
    """How long a pod may wait for a node, and after that for its image, until the try counts as failed."""
    pod_deferrable: bool = True
    """Whether the triggerer watches over pods, so that tasks which wait for one hold no worker."""

    map_tiles_url: str | None = Field(default=None, pattern=r"^https?://[A-Za-z0-9.:-]+/[^\s\"'<>;]*$")
    """Background of the web page's map, e.g. `https://tiles.example/{z}/{x}/{y}.png`; None is none, so that the page
    asks no other host."""
    map_tiles_attribution: str = ""
    """Whom the tiles are by, shown on the map."""

    @property
    def policy(self) -> "Policy":
        """The choices that go into each work order."""
        from ndvi_core.models.work_order import Policy  # DAG files read settings, and need no geometry library for that

        return Policy(mask=self.mask_policy, min_valid_fraction=self.min_valid_fraction, min_pixels=self.min_pixels)


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        BadInput: naming each variable that does not parse and why.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"{_variable(e['loc'])}: {e['msg']} (got {e['input']!r})" for e in error.errors())
        raise BadInput(f"settings: {wrong}. See .env.template for what each variable takes.") from error


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0])
    return name if name.startswith("STAC_") else f"NDVI_{name.upper()}"
