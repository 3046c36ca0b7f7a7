"""List one's identities at providers, newest first."""

from __future__ import annotations

from slipway.caller import Caller
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.oidc import identities
from slipway.pages import Cursor, Limit
from slipway.reply import Page
from slipway.route import route


@route("GET /v1/me/identities", allow="self", uses=(DATABASE,))
def list(caller: Caller, tx: Transaction, limit: Limit = 20, cursor: Cursor | None = None) -> Page[identities.Identity]:
    return identities.list(tx, caller, limit, cursor)
