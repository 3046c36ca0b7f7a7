"""`python -m scripts.bench.served_gateway <data folder>`: the gateway's own process, with the routes' throttles raised.

They are a fuse of 100 requests a second and route; here the point is what comes behind it.
"""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

from slipway import discover
from slipway.route import Route

from stacks.local import gateway

if __name__ == "__main__":
    routes = [Route(replace(route.spec, throttle=10**9), route.body) for route in discover.routes()]
    with patch.object(discover, "routes", lambda: routes):
        gateway.main()
