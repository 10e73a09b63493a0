"""`make bench-start`: what `ndvi compute` spends its start on, by package, from `python -X importtime`."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from benchmarks.__main__ import ENVIRONMENT, Task, write_task
from benchmarks.alone import alone
from benchmarks.land import write_scene

FOLDER = Path(".bench").resolve()
RUNS = 5
SHOWN = 12


def main() -> None:
    with alone(FOLDER):
        write_scene(FOLDER / "scene")
        (FOLDER / "0").unlink(missing_ok=True)
        (FOLDER / "0").symlink_to(FOLDER / "scene")
        write_task(Task("5 fields", 5, 1), FOLDER, str(FOLDER))
        runs = [_imports() for _ in range(RUNS)]
    least = min(runs, key=Counter.total)
    sys.stdout.write(f"imports of `ndvi compute`, the quickest of {RUNS} runs: {least.total() / 1000:.0f} ms\n\n")
    sys.stdout.write("| package | ms |\n|---|---|\n")
    for name, microseconds in least.most_common(SHOWN):
        sys.stdout.write(f"| {name} | {microseconds / 1000:.0f} |\n")


def _imports() -> Counter[str]:
    """Return the microseconds that the modules of each package took by themselves."""
    command = [sys.executable, "-X", "importtime", "-m", "ndvi_core", "compute"]
    command += ["--order", f"file://{FOLDER}/order.parquet"]
    said = subprocess.run(command, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, check=True).stderr
    found: Counter[str] = Counter()
    for own, module in re.findall(r"^import time: +(\d+) \| +\d+ \| +(\w+)", said, re.MULTILINE):
        found[module] += int(own)
    return found


if __name__ == "__main__":
    main()
