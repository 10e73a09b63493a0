"""What docs/data.md says of the rules of a season, against the rules."""

import re
from pathlib import Path

import pytest

from ndvi_core.models.frozen import Frozen
from ndvi_core.season.event_table import KINDS
from ndvi_core.season.phenology import REASONS
from ndvi_core.season.rules import EventRules, PhenologyRules, SeriesRules

TEXT = (Path(__file__).parents[2] / "docs" / "data.md").read_text()


@pytest.mark.parametrize(
    "rules", [SeriesRules(), PhenologyRules(), EventRules()], ids=lambda rules: type(rules).__name__
)
def test_every_threshold_is_documented_with_its_default(rules: Frozen) -> None:
    for name, default in rules:
        before = [text[-60:] for text in TEXT.split(f"`{name}`")[:-1]]
        numbers = {float(number) for text in before for number in re.findall(r"-?\d+(?:\.\d+)?", text)}
        assert default in numbers, name


def test_every_kind_of_event_and_reason_is_documented() -> None:
    for name in (*KINDS, *filter(None, REASONS)):
        assert f"`{name}`" in TEXT, name
