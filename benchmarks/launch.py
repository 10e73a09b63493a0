"""`python -m benchmarks.launch LOG COMMAND...`: run a command and print, as JSON, what it took.

A process of its own, and a small one: on Linux a program begins with the peak of memory of the process that starts it.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


def launch(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> dict[str, float]:
    """Run a command with its output in `log`; return its wall and CPU seconds and its peak memory in MB.

    Raises:
        SystemExit: it failed.
    """
    launcher = [sys.executable, "-m", "benchmarks.launch", str(log), *command]
    launched = subprocess.run(launcher, stdout=subprocess.PIPE, env=environment, check=False)
    if launched.returncode:
        raise SystemExit(f"{' '.join(command)}: {log.read_text()[-2000:]}")
    took: dict[str, float] = json.loads(launched.stdout)
    return took


def main() -> None:
    log, *command = sys.argv[1:]
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    begin = time.perf_counter()
    child = os.posix_spawn(
        command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, said, 1), (os.POSIX_SPAWN_DUP2, said, 2)]
    )
    _, status, used = os.wait4(child, 0)
    took = {
        "wall": time.perf_counter() - begin,
        "cpu": used.ru_utime + used.ru_stime,
        "rss": used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6,
    }
    print(json.dumps(took))
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
