"""The settings of the library, read from the environment; `.env.template` lists them."""

import json
from datetime import date
from os import environ
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ndvi_core.errors import BadInput
from ndvi_core.season.rules import SeasonRules

if TYPE_CHECKING:
    from ndvi_core.models.work_order import Policy


def _as_prefix(key: str) -> str:
    """Return the prefix of keys with one slash at its end; the empty one stays as it is."""
    inner = key.strip("/")
    return f"{inner}/" if inner else ""


def split_names(names: object) -> object:
    """Return the names of a list with commas between them, as the environment has it; what is no text as it is."""
    return [name.strip() for name in names.split(",") if name.strip()] if isinstance(names, str) else names


def _from_json(text: object) -> object:
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError as error:
        raise ValueError(f"it is no JSON: {error}") from error


def _in_order(names: tuple[str, ...]) -> tuple[str, ...]:
    from ndvi_core.models.indices import names_in_order  # who takes the default needs no numpy

    try:
        return names_in_order(name.lower() for name in names)
    except BadInput as error:
        raise ValueError(str(error)) from error


Prefix = Annotated[str, AfterValidator(_as_prefix)]
"""The beginning of keys: a folder of the bucket."""
Key = Annotated[str, AfterValidator(lambda key: key.lstrip("/"))]
BucketUrl = Annotated[str, AfterValidator(lambda url: url.rstrip("/"))]


class Settings(BaseSettings):
    """Where things are and what is decided once for all fields.

    Names in the environment are the attribute's in capitals with `NDVI_` before it, except `STAC_API_URL` and
    `STAC_COLLECTION`. S3 credentials, region and endpoint are the usual `AWS_*` variables. Prefixes of keys may be
    written with or without a slash at either end; here they have none at the beginning and one at the end.
    """

    model_config = SettingsConfigDict(env_prefix="NDVI_", frozen=True, extra="ignore", env_ignore_empty=True)

    bucket_url: BucketUrl = "s3://ndvi"
    """Bucket, with an optional prefix, of all products, orders and uploads."""
    extent_key: Key = "staticdata/config/bbox.geojson"
    pending_prefix: Prefix = "staticdata/fields/pending/"
    processed_prefix: Prefix = "staticdata/fields/processed/"
    rejected_prefix: Prefix = "staticdata/fields/rejected/"
    waiting_prefix: Prefix = "staticdata/fields/waiting/"
    runs_prefix: Prefix = "runs/"
    observations_prefix: Prefix = "observations/"
    products_prefix: Prefix = "fields/"
    passes_prefix: Prefix = "passes/"
    seasons_prefix: Prefix = "seasons/"
    events_prefix: Prefix = "events/"

    stac_api_url: str = Field(default="https://earth-search.aws.element84.com/v1", validation_alias="STAC_API_URL")
    stac_collection: str = Field(default="sentinel-2-l2a", validation_alias="STAC_COLLECTION")
    catalogue: Literal[
        "auto", "earth-search", "earth-search-c1", "earth-search-v2", "planetary-computer", "cdse", "local"
    ] = "auto"
    """Dialect of the items: asset keys, offset rule, signing (`ndvi_core.catalog.dialects`). `auto` knows the public
    catalogues by API and collection; any other has to be named here, or the offset of its pixels would be a guess."""

    mask_policy: str = "scl-dilated@1"
    min_valid_fraction: float = Field(default=0.5, ge=0, le=1)
    min_pixels: float = Field(default=1.0, ge=0)
    inner_buffer_m: float = Field(default=0.0, ge=0)
    """Metres that are left out along each field's edge."""
    indices: Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_names), AfterValidator(_in_order)] = Field(
        default=("ndvi",), validate_default=False
    )
    """Indices to compute, in the environment with commas between them; NDVI is one in any case, and the first."""
    products: Literal["all", "data", "none"] = "all"
    """What to write of each cell besides its row: NDVI raster, JSON and picture; raster and JSON, of which the API
    draws the picture when somebody looks at it; or nothing."""
    pass_pictures: bool = True
    """Whether there is a small true-colour picture of each scene, the ground of the map; no number needs it."""
    season_rules: Annotated[SeasonRules, NoDecode, BeforeValidator(_from_json)] = SeasonRules()
    """Thresholds of the series, of phenology and of events; in the environment as JSON of what differs."""
    memory_mb: int = Field(default=512, ge=128)
    """Memory that a compute task may take besides its fields' pixels, in MB; it reads ahead as far as that allows."""

    max_geojson_bytes: int = Field(default=100_000_000, gt=0)
    """Larger uploads are rejected unread."""
    confirm_days: int = Field(default=1000, gt=0)
    """Due days of an uploaded field from which on it waits until somebody confirms it."""

    start_date: date = date(2025, 1, 1)
    """First day that is processed daily."""
    end_date: date | None = None
    """Last day that is processed daily; None is open."""
    look_back_days: int = Field(default=5, ge=0, le=60)
    """Days before its own that each daily run checks for late or reprocessed scenes."""
    field_tasks: int = Field(default=24, ge=0, le=1000)
    """Up to this many due fields a run has a task for each; beyond, neighbours share tasks."""
    parallel_tasks: int = Field(default=16, gt=0, le=1000)
    """Compute tasks that can run at the same time: how many tasks a run divides its work into, if that is worth it."""

    @property
    def policy(self) -> "Policy":
        """The choices that go into each work order."""
        from ndvi_core.models.work_order import Policy  # who reads settings alone needs no geometry library

        return Policy(
            mask=self.mask_policy,
            min_valid_fraction=self.min_valid_fraction,
            min_pixels=self.min_pixels,
            inner_buffer_m=self.inner_buffer_m,
            indices=self.indices,
        )


RENAMED = {
    "NDVI_PICTURES": "NDVI_PRODUCTS, `all` (was true) or `none` (was false)",
    "NDVI_MAX_TASKS": "NDVI_FIELD_TASKS and NDVI_PARALLEL_TASKS",
}
"""Variables of earlier releases and what is set instead: ignored, they would turn on again what was turned off."""

S = TypeVar("S", bound=BaseSettings)


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        BadInput: naming each variable that does not parse and why.
    """
    return read_settings(Settings)


def read_settings(model: type[S]) -> S:
    """Read a model of settings from the environment.

    Raises:
        BadInput: naming each variable that does not parse and why, or that has another name by now.
    """
    if renamed := [f"{name} is now {now}" for name, now in RENAMED.items() if environ.get(name)]:
        raise BadInput(f"settings: {'; '.join(renamed)}. See .env.template for what each variable takes.")
    try:
        return model()
    except ValidationError as error:
        wrong = "; ".join(f"{_variable(e['loc'])}: {e['msg']} (got {e['input']!r})" for e in error.errors())
        raise BadInput(f"settings: {wrong}. See .env.template for what each variable takes.") from error


def _variable(location: tuple[int | str, ...]) -> str:
    name, *within = map(str, location)
    variable = name if name.startswith("STAC_") else f"NDVI_{name.upper()}"
    return ": ".join([variable, ".".join(within)]) if within else variable
