"""A file server with range requests, a delay before each answer's first byte, and a count of what was asked for.

`python -m benchmarks.server FOLDER PORT DELAY`: it logs a line of JSON an answer on standard output. Bytes go from file
to socket in the kernel, so that it takes little of the cores that are measured.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body may wait for the headers' acknowledgement
    folder: Path
    delay: float

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        time.sleep(self.delay)
        path = self.folder / self.path.lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        size = path.stat().st_size
        first, last, status = 0, size - 1, 200
        if wanted := self.headers.get("Range"):
            begin, _, end = wanted.removeprefix("bytes=").partition("-")
            first, last, status = int(begin), min(int(end or size - 1), size - 1), 206
        self.send_response(status)
        self.send_header("Content-Type", "image/tiff")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last - first + 1))
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        sent = 0
        if body:
            with path.open("rb") as file:
                sent = self.connection.sendfile(file, first, last - first + 1)
        sys.stdout.write(json.dumps({"method": self.command, "path": self.path, "bytes": sent}) + "\n")
        sys.stdout.flush()


def main() -> None:
    folder, port, delay = sys.argv[1:]
    handler = type("FolderHandler", (Handler,), {"folder": Path(folder), "delay": float(delay)})
    with ThreadingHTTPServer(("127.0.0.1", int(port)), handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
