"""What is counted through Airflow's metrics, as a backend of these gets it."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from socket import AF_INET, SOCK_DGRAM, socket
from threading import Thread
from typing import Any

from ndvi_airflow.local.processes import HOST


class Counted:
    """A backend of Airflow's metrics that keeps what it gets."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = defaultdict(int)
        self.gauges: dict[str, float] = {}
        self.timings: dict[str, list[timedelta]] = defaultdict(list)

    def incr(self, stat: str, count: int = 1, **_: Any) -> None:
        self.counts[stat] += count

    def gauge(self, stat: str, value: float, **_: Any) -> None:
        self.gauges[stat] = value

    def timing(self, stat: str, dt: timedelta, **_: Any) -> None:
        self.timings[stat].append(dt)

    @property
    def happened(self) -> dict[str, int]:
        """What was counted more than zero times."""
        return {name: number for name, number in self.counts.items() if number}


class Statsd:
    """A statsd server, as far as it takes one to know what it was sent."""

    def __init__(self, own: socket) -> None:
        self._own = own
        self.lines: list[str] = []

    @property
    def variables(self) -> dict[str, str]:
        """What makes an Airflow report here."""
        host, port = self._own.getsockname()
        options = {"STATSD_ON": "True", "STATSD_HOST": host, "STATSD_PORT": str(port), "STATSD_PREFIX": "airflow"}
        return {f"AIRFLOW__METRICS__{name}": value for name, value in options.items()}

    def total(self, name: str) -> int | None:
        """The sum of a counter, None if nobody ever counted it."""
        found = [int(value) for value in self._values(name, "c")]
        return sum(found) if found else None

    def gauge(self, name: str) -> float | None:
        """The last value of a gauge."""
        found = self._values(name, "g")
        return float(found[-1]) if found else None

    def milliseconds(self, name: str) -> list[float]:
        """All values of a timer."""
        return [float(value) for value in self._values(name, "ms")]

    def _values(self, name: str, kind: str) -> list[str]:
        parts = (line.rpartition(":") for line in list(self.lines))
        return [value.split("|")[0] for found, _, value in parts if found == name and value.split("|")[1] == kind]

    def receive(self) -> None:
        while data := self._own.recv(65536):
            self.lines += data.decode().splitlines()


@contextmanager
def statsd_server() -> Iterator[Statsd]:
    with socket(AF_INET, SOCK_DGRAM) as own:
        own.bind((HOST, 0))
        server = Statsd(own)
        thread = Thread(target=server.receive, daemon=True)
        thread.start()
        yield server
        own.sendto(b"", own.getsockname())  # an empty datagram ends it
        thread.join()
