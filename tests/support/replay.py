"""A real HTTP server on the loopback that answers as a test defines and records its requests."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

SELF = "http://self.invalid"
"""Stands for the server's own address in the bodies of its answers."""


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    path: str
    body: Any = None


@dataclass(frozen=True)
class Answer:
    """A response; `body` is sent as JSON unless it is text."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Responder = Callable[[Asked], Answer]


@dataclass
class Replay:
    """A running server."""

    url: str
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def replay(respond: Responder) -> Iterator[Replay]:
    """Serve `respond` until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Asked(self.command, self.path, json.loads(sent) if sent else None)
            running.asked.append(request)
            answer = respond(request)
            text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            body = text.replace(SELF, running.url).encode()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = _answer  # noqa: N815  the names that http.server looks for

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = Replay(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
