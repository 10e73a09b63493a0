"""The lines of a command's log: for people, or JSON for what collects the logs of many."""

import json
import logging
import time
from collections.abc import Mapping

LOG_FORMATS = ("text", "json")

TIME = "%Y-%m-%dT%H:%M:%SZ"
_ATTRIBUTES = ("field", "day", "failed")
"""What a line may be about besides, as `extra` of the call that logs it."""


def formatter(log_format: str, about: Mapping[str, str]) -> logging.Formatter:
    """Return what makes the lines.

    Args:
        log_format: one of `LOG_FORMATS`: text for people; json for one object a line.
        about: what all of them are about, which only the objects say.
    """
    text = "%(asctime)s %(levelname)s %(message)s"
    lines = _JsonLines(about) if log_format == "json" else logging.Formatter(text, TIME)
    lines.converter = time.gmtime
    return lines


def about_order(uri: str) -> dict[str, str]:
    """Return what the log of an order's command is about: the order, and the run in whose folder it is."""
    *folder, _ = uri.split("/")
    if folder[-1:] == ["orders"]:
        folder.pop()
    return {"run": "/".join(folder[-2:]), "order": uri}


class _JsonLines(logging.Formatter):
    def __init__(self, about: Mapping[str, str]) -> None:
        super().__init__(datefmt=TIME)
        self._about = dict(about)

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, self.datefmt),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self._about,
            **{name: getattr(record, name) for name in _ATTRIBUTES if hasattr(record, name)},
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
