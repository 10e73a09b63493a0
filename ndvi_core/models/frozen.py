"""The base of models that are made once and passed along."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A model whose attributes do not change; geometries may be among them."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)
