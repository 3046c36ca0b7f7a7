"""Refuse a message whose action nobody knows."""

from __future__ import annotations

from slipway.errors import Error
from slipway.socket import socket


@socket("$default")
def default() -> None:
    raise Error("unknown_action")
