"""Structured logs, one JSON object a line (Powertools Logger). Never a password, a token or a file's content.

Fields are named by the caller; there is no way here to log a request's body or headers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from slipway import settings


@cache
def _logger() -> Logger:
    return Logger(
        service="slipway",
        level=settings.get("SLIPWAY_LOG_LEVEL"),
        stage=settings.get("SLIPWAY_STAGE"),
        utc=True,
        use_rfc3339=True,
    )


@contextmanager
def request(function: str, request_id: str) -> Iterator[None]:
    """Within, every line of this thread names the function and the request (one machine answers many at once)."""
    logger = _logger()
    logger.thread_safe_append_keys(function=function, request_id=request_id)
    try:
        yield
    finally:
        logger.thread_safe_clear_keys()


def info(message: str, **fields: Any) -> None:
    _logger().info(message, extra=fields)


def warning(message: str, **fields: Any) -> None:
    _logger().warning(message, extra=fields)


def exception(message: str, **fields: Any) -> None:
    """With the traceback of the exception being handled."""
    _logger().exception(message, extra=fields)
