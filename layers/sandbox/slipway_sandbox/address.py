"""Where a worker listens: loopback on one machine, the task's own private address on ECS; never every interface."""

from __future__ import annotations

import ipaddress
import json
import os


class BadAddress(ValueError):
    """The worker cannot listen there."""


def parse(bind: str) -> tuple[str, int]:
    """(host, port) of `127.0.0.1:0`, `auto` or `auto:9000`; port 0 is any free one. Raises BadAddress."""
    host, _, port = bind.rpartition(":") if ":" in bind else (bind, "", "0")
    if not port.isdecimal() or int(port) > 65535:
        raise BadAddress(f"{bind!r} has no usable port: write 127.0.0.1:0 or auto:9000")
    if host == "auto":
        host = _own()
    try:
        if ipaddress.ip_address(host).is_unspecified:
            raise BadAddress(f"{bind!r} would listen on every interface: name one")
    except ValueError as error:
        if isinstance(error, BadAddress):
            raise
        raise BadAddress(f"{bind!r} does not begin with an IP address or auto") from None
    return host, int(port)


def _own() -> str:
    """This ECS task's private IPv4 address, from its metadata endpoint."""
    url = os.environ.get("ECS_CONTAINER_METADATA_URI_V4", "")
    if not url.startswith("http://169.254."):
        raise BadAddress("auto needs an ECS task (ECS_CONTAINER_METADATA_URI_V4): elsewhere bind 127.0.0.1:0")
    import urllib.request  # 40 ms, and needed on ECS only

    with urllib.request.urlopen(url, timeout=5) as response:
        networks = json.load(response)["Networks"]
    return str(next(address for network in networks for address in network["IPv4Addresses"]))
