"""A line of JSON a log record: on stderr, with what a request was about and never what was in it."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

from labcore.texts import json_line

requests = logging.getLogger("labcore.api")


class JsonFormatter(logging.Formatter):
    """``{"time", "level", "logger", "message", …}`` with the fields that were given as ``extra={"facts": {…}}``."""

    def format(self, record: logging.LogRecord) -> str:
        facts = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            facts["traceback"] = self.formatException(record.exc_info)
        return json_line(facts)


def log_as_json() -> None:
    """Send what the service and its server log, and what libraries warn of, to stderr, a line of JSON each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    for name in ("labcore.api", "uvicorn"):
        logging.getLogger(name).setLevel(logging.INFO)
