"""The table of rooms in docs/architecture.md, against the folders of the library."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|", re.MULTILINE)


def test_every_room_is_listed_with_its_modules() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    said = {room: set(re.findall(r"`(\w+)`", modules)) for room, modules in ROW.findall(text)}
    rooms = [folder.parent for folder in (ROOT / "ndvi_core").glob("*/__init__.py")]
    there = {
        room.name: {path.stem for path in room.iterdir() if not path.name.startswith("_") and path.name != "py.typed"}
        for room in rooms
    }
    assert said == there
