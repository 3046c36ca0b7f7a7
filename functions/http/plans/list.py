"""List the plans: what they cost and what they allow."""

from __future__ import annotations

from slipway import plans
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.reply import Page
from slipway.route import route


@route("GET /v1/plans", allow="public", uses=(DATABASE,))
def list(tx: Transaction) -> Page[plans.Plan]:
    return plans.list(tx)
