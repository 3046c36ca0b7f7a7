"""`python -m scripts.bench.served_unguarded <data folder>`: the gateway with one route that lets everybody read everything.

The same query through the same shell and gateway, without the authorizer, the rate limit, and row-level security: what
is left is what a read costs without them. The machine of the folder connects as a role that row-level security spares.
"""

from __future__ import annotations

import sys
from unittest.mock import patch

from slipway import discover

from scripts.bench.unguarded_route import get
from stacks.local import gateway

if __name__ == "__main__":
    with patch.object(discover, "routes", lambda: [get]):
        gateway.main([gateway.HTTP, sys.argv[1]])
