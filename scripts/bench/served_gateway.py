"""`python -m scripts.bench.served_gateway <data folder> <processes> [uncounted]`: one HTTP process of a gateway of so many,
with the routes' throttles raised, and where asked for without rate limits.

Throttles are a fuse against floods, which this is; here the point is what comes behind it.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from slipway import discover
from slipway.route import Route

from stacks.local import gateway

if __name__ == "__main__":
    folder, processes, *uncounted = sys.argv[1:]
    lifted: dict[str, Any] = {"throttle": 10**9} | ({"rate": ""} if uncounted else {})
    routes = [Route(replace(route.spec, **lifted), route.body) for route in discover.routes()]
    with patch.object(discover, "routes", lambda: routes):
        gateway.main([gateway.HTTP, folder, "--processes", processes])
