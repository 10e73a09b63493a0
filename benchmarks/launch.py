"""`python -m benchmarks.launch LOG COMMAND...`: run a command and print, as JSON, what it took.

A process of its own, and a small one: on Linux a program begins with the peak of memory of the process that starts it.
"""

import json
import os
import sys
import time


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
