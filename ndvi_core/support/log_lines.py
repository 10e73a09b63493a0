"""The lines of a command's log: for people, or JSON for what collects the logs of many."""

import json
import logging
import time
from collections.abc import Mapping

LOG_FORMATS = ("text", "json")

TIME = "%Y-%m-%dT%H:%M:%SZ"
_OF_EVERY_RECORD = {*vars(logging.makeLogRecord({})), "asctime", "message"}


def formatter(log_format: str, about: Mapping[str, str]) -> logging.Formatter:
    """Return what makes the lines.

    Args:
        log_format: one of `LOG_FORMATS`: text for people; json for one object a line.
        about: what all of them are about. Only the objects say so, as they do what was given as `extra` of a call.
    """
    text = "%(asctime)s %(levelname)s %(message)s"
    lines = _JsonLines(about) if log_format == "json" else logging.Formatter(text, TIME)
    lines.converter = time.gmtime
    return lines


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
            **{name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD},
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
