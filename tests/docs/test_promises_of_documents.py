"""The promises of docs/reliability.md: each names tests that there are."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "reliability.md").read_text()
PROMISE = re.compile(r"^\| \*\*.+?\*\* \|.*\| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_promise_names_a_test_that_there_is() -> None:
    promises = PROMISE.findall(TEXT)
    assert len(promises) > 10
    for proofs in promises:
        assert TEST.search(proofs), f"no test is named: {proofs}"


def test_every_test_that_is_named_is_there() -> None:
    for file, name in TEST.findall(TEXT):
        assert re.search(rf"^ *def {name}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file} has no {name}"
