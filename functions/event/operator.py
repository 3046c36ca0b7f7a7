"""Make somebody an operator, or no longer.

For `aws lambda invoke` with {"id": "1", "detail": {"email": "…", "operator": true}}. Connects as the schema's owner, whose
password a deploy hands over and RDS replaces every seven days: deploy first.
"""

from __future__ import annotations

from slipway import platform
from slipway.capabilities import MIGRATIONS
from slipway.event import event


@event("slipway.operator", "Name", uses=(MIGRATIONS,))
def operator(naming: platform.Naming) -> None:
    platform.name_operator(naming)
