"""What documents say of indices is what the registry has."""

from pathlib import Path

from ndvi_core.models.indices import BANDS, INDICES

DOCUMENT = (Path(__file__).parents[2] / "docs" / "data.md").read_text()


def test_the_table_of_indices_is_the_registry() -> None:
    section = DOCUMENT.partition("#### Indices\n")[2].partition("\n#### ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{index.name}` | {index.title} | `{index.expression}` | {index.resolution} m "
        f"| {index.range[0]:g} to {index.range[1]:g} | {index.reference} |"
        for index in INDICES.values()
    ]


def test_each_band_is_named_with_its_number() -> None:
    for band, facts in BANDS.items():
        assert f"`{band}` ({facts.sentinel2})" in DOCUMENT
