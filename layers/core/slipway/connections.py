"""Open WebSocket connections: rows, because no process may remember them."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel

from slipway import db, settings, tokens
from slipway.caller import Caller
from slipway.capabilities import CONNECTIONS, GONE_QUEUE, use
from slipway.db import Transaction, sql
from slipway.frames import Connection
from slipway.rooms import Broadcast

TICKET_SECONDS = 60


class Ticket(BaseModel):
    """Connect to `url` within `expires_in` seconds; it works once."""

    ticket: str
    url: str
    expires_in: int = TICKET_SECONDS


class Gone(BaseModel):
    """A message of the `gone` queue."""

    connections: list[str]


INSERT_TICKET = sql(
    """insert into socket_tickets (token_hash, user_id, session_id, key_id, expires_at)
       values (%(token_hash)s, %(user_id)s, %(session_id)s, %(key_id)s, now() + make_interval(secs => %(seconds)s))"""
)
TAKE_TICKET = sql("select user_id, session_id, key_id from app.redeem_ticket(%(token_hash)s)")
CONNECT = sql(
    """insert into connections (id, user_id, session_id, key_id)
       values (%(id)s, %(user_id)s, %(session_id)s, %(key_id)s)"""
)
DISCONNECT = sql("delete from connections where id = %(id)s and user_id = %(user_id)s")
DROP = sql("select app.drop_connections(%(ids)s)")


def ticket(tx: Transaction, caller: Caller) -> Ticket:
    """A browser cannot send a header with its WebSocket handshake, and an access token does not belong into a URL."""
    token = tokens.opaque("slp_wst_")
    tx.run(
        INSERT_TICKET,
        token_hash=tokens.hashed(token),
        user_id=caller.user_id,
        seconds=TICKET_SECONDS,
        **_credential(caller),
    )
    return Ticket(ticket=token, url=f"{settings.get('SLIPWAY_SOCKET_URL')}/?ticket={token}")


def admit(token: str) -> dict[str, str] | None:
    """Who may connect with this ticket, which is used up by this; None when it is unknown, used or late."""
    with db.for_platform() as tx:
        row = tx.one(TAKE_TICKET, token_hash=tokens.hashed(token))
    if row is None:
        return None
    credential = "key_id" if row["key_id"] else "session_id"
    return {"kind": "user", "user_id": str(row["user_id"]), credential: str(row[credential])}


def connect(tx: Transaction, caller: Caller, connection: Connection) -> None:
    """With the credential, so that the connection falls silent when that ends."""
    tx.run(CONNECT, id=str(connection), user_id=caller.user_id, **_credential(caller))


def _credential(caller: Caller) -> dict[str, UUID | None]:
    return {"session_id": None if caller.key_id else caller.session_id, "key_id": caller.key_id}


def disconnect(tx: Transaction, caller: Caller, connection: Connection) -> None:
    tx.run(DISCONNECT, id=str(connection), user_id=caller.user_id)


def broadcast(message: Broadcast) -> None:
    """Post each frame to each connection; those that are gone are reported, not mourned."""
    api = use(CONNECTIONS)
    frames = [frame.encode() for frame in message.frames]
    gone = [id for id in message.connections if not all(api.post(id, frame) for frame in frames)]
    if gone:
        use(GONE_QUEUE).send([Gone(connections=gone).model_dump_json()])


def drop(message: Gone) -> None:
    with db.for_platform() as tx:
        tx.run(DROP, ids=message.connections)
