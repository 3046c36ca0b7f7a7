"""Find teams by id, name or an owner's address."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints
from slipway import operators
from slipway.capabilities import DATABASE
from slipway.db import Transaction
from slipway.pages import Cursor, Limit
from slipway.reply import Page
from slipway.route import route
from slipway.texts import PRINTABLE

Query = Annotated[str, StringConstraints(min_length=1, max_length=254, pattern=PRINTABLE)]


@route("GET /v1/operator/teams", allow="operator", uses=(DATABASE,))
def find_teams(
    tx: Transaction, query: Query, limit: Limit = 20, cursor: Cursor | None = None
) -> Page[operators.OperatedTeam]:
    return operators.find_teams(tx, query, limit, cursor)
