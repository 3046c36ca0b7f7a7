"""Keep the connection from falling idle."""

from __future__ import annotations

from slipway.frames import Message
from slipway.socket import socket


@socket("ping")
def ping(message: Message) -> str:
    return "pong"
