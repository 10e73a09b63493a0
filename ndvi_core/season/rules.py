"""Thresholds of all rules of a season, with their defaults; settings are built from these."""

from pydantic import ConfigDict, Field

from ndvi_core.models.frozen import Frozen


class _Rules(Frozen):
    model_config = ConfigDict(extra="forbid")  # a name that is misspelt in a setting is no threshold


class SeriesRules(_Rules):
    """How the daily series is made of observations."""

    stiffness: float = Field(default=100.0, gt=0)
    """Whittaker's λ: the weight of a squared second difference against that of a squared residual of a whole field."""
    min_observations: int = Field(default=3, ge=2)
    """A season with fewer values that count has no series."""
    window_days: int = Field(default=20, ge=1)
    """How far before and after a value others are looked at to tell whether it is an outlier."""
    margin: float = Field(default=0.06, gt=0)
    """Difference between two values that noise explains."""
    growth: float = Field(default=0.03, gt=0)
    """Fastest rise that plants explain, per day."""
    provisional_fall: float = Field(default=0.1, gt=0)
    """Fall after which the last value counts little until the next one is there."""
    provisional_weight: float = Field(default=0.1, gt=0, le=1)
    """Factor of its weight."""
    gap_days: int = Field(default=10, ge=1)
    """Days farther than this from every value that counts are in a gap."""


class PhenologyRules(_Rules):
    """When a season begins, peaks and ends."""

    start_share: float = Field(default=0.2, gt=0, lt=1)
    """Share of the rise from the lowest value before the peak that is done when the season begins."""
    end_share: float = Field(default=0.2, gt=0, lt=1)
    """Share of the fall to the lowest value after the peak that is still to come when it ends."""
    min_amplitude: float = Field(default=0.1, gt=0)
    """A rise or fall of less is none, in units of the index: a tenth of what its colours span."""


class EventRules(_Rules):
    """Thresholds of the events, of NDVI."""

    drop_fall: float = Field(default=0.15, gt=0)
    """Fall that is a drop if it is no ripening."""
    drop_days: int = Field(default=12, ge=1)
    """Days within which it happens."""
    ripening: float = Field(default=0.03, gt=0)
    """Fastest fall of a crop that ripens, per day: a drop is steeper, or else it stops."""
    hold: float = Field(default=1.5, gt=0)
    """A fall that is not so steep has stopped when so many times `drop_fall` more would have followed at its pace."""
    hold_fall: float = Field(default=0.05, gt=0)
    """Fall that may have followed meanwhile, and rise that is growth."""
    ripe: float = 0.4
    """A fall that stops below this may be the end of ripening."""
    bare: float = 0.3
    """A field that has borne a crop and is no greener than this may be harvested."""
    harvest_fall: float = Field(default=0.3, gt=0)
    """Fall from the highest two values in a row that a harvest takes at least."""
    green_up_rise: float = Field(default=0.2, gt=0)
    """Rise above the lowest two values in a row since planting, or since a drop or harvest, that is a green-up."""
    peers_z: float = Field(default=-2.0, lt=0)
    """Robust z against the peers at or below which a field is conspicuous."""
    peers_difference: float = Field(default=0.1, ge=0)
    """It also has to be so much below their median."""
    peers_values: int = Field(default=4, ge=1, le=4)
    """On so many days in a row with a value that counts."""
    no_value_days: int = Field(default=20, ge=1)
    """Days in a row without a value that counts."""
    open_days: int = Field(default=30, ge=1)
    """Days after its evidence after which a drop, green-up or harvest is over at the latest."""


class SeasonRules(_Rules):
    """All of them."""

    series: SeriesRules = SeriesRules()
    phenology: PhenologyRules = PhenologyRules()
    events: EventRules = EventRules()
