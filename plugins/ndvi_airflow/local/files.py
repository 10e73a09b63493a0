"""A file server over HTTP with range requests, which says in a log what was asked for.

`python -m ndvi_airflow.local.files FOLDER --port PORT --log FILE`; `ndvi_airflow.local.services.start_files` starts it.
"""

import argparse
import json
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from ndvi_airflow.local.processes import HOST

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Callable[[], Awaitable[Message]], Send], Awaitable[None]]


def logged(app: App, log: Path) -> App:
    """Return `app` with a line of JSON in `log` for each answer, written before the answer's first byte is sent."""

    async def answer(scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                wanted = dict(scope["headers"]).get(b"range")
                line = {
                    "method": scope["method"],
                    "path": scope["path"],
                    "range": wanted and wanted.decode(),
                    "status": message["status"],
                }
                with log.open("a") as out:
                    out.write(json.dumps(line) + "\n")
            await send(message)

        await app(scope, receive, note)

    return answer


def main() -> None:
    """Serve a folder until the process is stopped."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from starlette.staticfiles import StaticFiles

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", type=Path, required=True)
    wanted = parser.parse_args()
    files = Starlette(routes=[Mount("/", StaticFiles(directory=wanted.folder))])
    app = logged(files, wanted.log)
    uvicorn.run(app, host=wanted.host, port=wanted.port, log_level="warning", access_log=False, lifespan="off")


if __name__ == "__main__":
    main()
