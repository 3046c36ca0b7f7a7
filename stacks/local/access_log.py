"""The access log: one JSON line a request on stderr, through the standard logging module; never a header or a body.

Lines are collected and written together a few times a second, because a write for each costs as much as the rest of
the gateway; warnings and errors are written at once, after what was waiting before them.
"""

from __future__ import annotations

import json
import logging
import sys
from logging.handlers import BufferingHandler
from typing import TextIO

from stacks.local.http_event import clf_time

FLUSH_SECONDS = 0.2
_CAPACITY = 1000
log = logging.getLogger("slipway.gateway")
_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


class JsonLines(logging.Formatter):
    """`extra={"fields": {…}}` become the line's fields, after time, level and message."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": clf_time(int(record.created)),
            "level": record.levelname,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line)


class TogetherHandler(BufferingHandler):
    """Writes what it holds in one write."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(_CAPACITY)
        self._stream = stream
        self.setFormatter(JsonLines())

    def shouldFlush(self, record: logging.LogRecord) -> bool:  # noqa: N802 - the base class's name
        return record.levelno >= logging.WARNING or super().shouldFlush(record)

    def flush(self) -> None:
        self.acquire()
        try:
            records, self.buffer = self.buffer, []
            if records:
                self._stream.write("".join(f"{self.format(record)}\n" for record in records))
                self._stream.flush()
        finally:
            self.release()


def start() -> TogetherHandler:
    """Send the gateway's log to stderr; whoever starts it flushes every FLUSH_SECONDS and at the end."""
    # No line shows the process or the thread, and asking for them is a system call a line.
    logging.logProcesses = logging.logThreads = logging.logMultiprocessing = False
    handler = TogetherHandler(sys.stderr)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    return handler


def access(method: str, route: str, status: int, seconds: float, request_id: str) -> None:
    """One request, or one WebSocket event: `route` is the route key, never the path with its ids."""
    if log.isEnabledFor(logging.INFO):
        ms = round(seconds * 1000, 2)
        fields = {"method": method, "route": route, "status": status, "ms": ms, "request_id": request_id}
        # Not log.info: that walks the stack for the caller's line, which no line shows.
        log.handle(log.makeRecord(log.name, logging.INFO, "", 0, "request", (), None, extra={"fields": fields}))


def failure(function: str, request_id: str, error: BaseException) -> None:
    """A function failed; on AWS this is what its own log group shows."""
    log.error("function failed", exc_info=error, extra={"fields": {"function": function, "request_id": request_id}})
