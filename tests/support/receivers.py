"""Those who are told: a mail server and a web server, which keep what they get and may refuse it for a while."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from ndvi_airflow.local.processes import HOST, free_port


@dataclass
class Mails:
    """A mail server."""

    port: int
    away: bool = False
    got: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.away:
            return "451 Try again later"
        assert isinstance(envelope.content, bytes)
        self.got.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"

    def connection(self, **extra: Any) -> str:
        """The connection that leads here, as Airflow takes it from the environment."""
        options = {"disable_ssl": True, "disable_tls": True, "from_email": "ndvi@farm.example", "retry_limit": 1}
        return json.dumps({"conn_type": "smtp", "host": HOST, "port": self.port, "extra": options | extra})


@dataclass
class Posts:
    """A web server that takes posts."""

    port: int = 0
    away: bool = False
    got: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    before_answer: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def connection(self, kind: str, **values: Any) -> str:
        """A connection of this kind that leads here."""
        return json.dumps({"conn_type": kind, "host": f"{self.url}/hook", **values})


@contextmanager
def mail_server() -> Iterator[Mails]:
    mails = Mails(free_port())
    controller = Controller(mails, hostname=HOST, port=mails.port)
    controller.start()
    yield mails
    controller.stop()


@contextmanager
def web_server() -> Iterator[Posts]:
    posts = Posts()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not posts.away:
                posts.got.append(body)
                posts.headers.append(dict(self.headers))
                posts.before_answer()
            self.send_response(503 if posts.away else 200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    posts.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield posts
    server.shutdown()
    server.server_close()
