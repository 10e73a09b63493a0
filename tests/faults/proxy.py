"""An HTTP proxy between the product and a server, which does to chosen requests what networks and servers do."""

import json
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

from faults.schedule import Fault, Kind, Server

from ndvi_airflow.local.processes import HOST

SLOWLY = 0.3
"""Seconds that a slow answer takes."""
_CONTENTS = re.compile(rb"<Contents>.*</Contents>", re.DOTALL)
"""The objects of a listing."""
_OF_ONE_CONNECTION = {"connection", "keep-alive", "transfer-encoding"}


@dataclass
class Answer:
    """What a server answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


_FULL = Answer(
    507,
    [("Content-Type", "application/xml")],
    b"<Error><Code>XMinioStorageFull</Code>"
    b"<Message>Storage backend has reached its minimum free drive threshold.</Message></Error>",
)
"""A server's answer to a write for which it has no space."""


@dataclass
class Proxy:
    """A proxy of one server, for one process at a time."""

    server: Server
    target: str
    do: Callable[[Fault], None]
    """Does what is not a matter of the answer: ends the process, restarts the database."""
    url: str = ""
    requests: int = 0
    """Since the last `arm`."""
    fired: list[Fault] = field(default_factory=list)
    """Likewise."""
    _left: dict[Fault, int] = field(default_factory=dict)
    _listings: dict[str, list[Answer]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def arm(self, faults: Iterable[Fault]) -> None:
        """Let faults happen from now on; count requests anew."""
        with self._lock:
            self.requests, self.fired = 0, []
            self._left = {fault: fault.times for fault in faults if fault.server == self.server}

    def next_fault(self, method: str, path: str) -> Fault | None:
        """Count a request, and return what has to happen to it."""
        with self._lock:
            self.requests += 1
            for fault, times in self._left.items():
                if self.requests < fault.at or not _concerns(fault.kind, method, path):
                    continue
                self._left[fault] = times - 1
                if times == 1:
                    del self._left[fault]
                if fault not in self.fired:
                    self.fired.append(fault)
                return fault
        return None

    def stale(self, path: str, answer: Answer) -> Answer:
        """Return what a listing said before it last changed: as it was asked for earlier, else without an object."""
        earlier = [one for one in self._listings.get(path, ()) if one.body != answer.body]
        return earlier[-1] if earlier else Answer(answer.status, answer.headers, _CONTENTS.sub(b"", answer.body))

    def note_listing(self, path: str, answer: Answer) -> None:
        """Keep what a listing has said."""
        self._listings.setdefault(path, []).append(answer)


@contextmanager
def serve(proxy: Proxy) -> Iterator[Proxy]:
    """Serve a proxy while the context lasts."""

    class Handler(_Handler):
        between = proxy

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    proxy.url = f"http://{HOST}:{server.server_address[1]}"
    Thread(target=server.serve_forever, daemon=True).start()
    yield proxy
    server.shutdown()
    server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    between: Proxy

    def answer(self) -> None:
        fault = self.between.next_fault(self.command, self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = fault.kind if fault else None
        if kind in ("killed_before", "database_restarts", "held", "waits"):
            assert fault is not None
            self.between.do(fault)
        if kind in ("killed_before", "cut"):
            return self._hang_up()
        if kind in ("error_500", "error_503"):
            return self._send(_refusal(int(kind[-3:])))
        if kind == "storage_full":
            return self._send(_FULL)
        if kind == "slow":
            time.sleep(SLOWLY)
        answer = self._forward(body)
        if kind == "killed_after":
            assert fault is not None
            self.between.do(fault)
        if kind in ("killed_after", "answer_lost"):
            return self._hang_up()
        if _is_listing(self.path):
            said = answer
            answer = self.between.stale(self.path, said) if kind == "stale_listing" else said
            self.between.note_listing(self.path, said)
        if kind in _OTHER_PAGES:
            answer = Answer(answer.status, answer.headers, _OTHER_PAGES[kind](answer.body))
        return self._send(answer, truncated=kind == "truncated")

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815  the names that the server looks for

    def _forward(self, body: bytes) -> Answer:
        target = urlsplit(self.between.target)
        connection = HTTPConnection(str(target.hostname), target.port, timeout=60)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():  # with the host that the client has signed
            if name.lower() not in _OF_ONE_CONNECTION:
                connection.putheader(name, value)
        connection.endheaders(body or None)
        answer = connection.getresponse()
        body, leads_here = answer.read(), self.between.server == "stac"  # whose links would lead past this proxy
        connection.close()
        body = body.replace(self.between.target.encode(), self.between.url.encode()) if leads_here else body
        return Answer(answer.status, answer.getheaders(), body)

    def _send(self, answer: Answer, truncated: bool = False) -> None:
        self.send_response_only(answer.status)
        length: Any = len(answer.body)
        for name, value in answer.headers:
            if name.lower() == "content-length":
                length = value if self.command == "HEAD" else length
            elif name.lower() not in _OF_ONE_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) // 2] if truncated else answer.body)
        if truncated:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:  # the client was killed
            self.close_connection = True

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _concerns(kind: Kind, method: str, path: str) -> bool:
    """Whether something can go wrong with a request."""
    if kind == "storage_full":
        return method == "PUT"
    if kind == "stale_listing":
        return _is_listing(path)
    return kind not in _OTHER_PAGES or urlsplit(path).path.endswith("/search")


def _is_listing(path: str) -> bool:
    return "list-type=2" in urlsplit(path).query


def _refusal(status: int) -> Answer:
    return Answer(status, [("Content-Type", "text/plain")], b"out of order")


def _pages(change: Callable[[list[Any]], list[Any]]) -> Callable[[bytes], bytes]:
    def changed(body: bytes) -> bytes:
        page = json.loads(body)
        features = change(page["features"])
        counts = {name: len(features) for name in ("numberMatched", "numberReturned") if name in page}
        links = [link for link in page.get("links", ()) if link.get("rel") != "next"]
        return json.dumps({**page, **counts, "features": features, "links": links}).encode()

    return changed


_OTHER_PAGES: Mapping[str, Callable[[bytes], bytes]] = {
    "empty": _pages(lambda features: []),
    "half": _pages(lambda features: features[::2]),
    "wrong": lambda body: b"<html>The catalogue is being maintained.</html>",
}
