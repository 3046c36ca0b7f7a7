from __future__ import annotations

from typing import Any

import psycopg
import pytest
from slipway import capabilities, connections, credentials
from slipway.capabilities import CONNECTIONS
from slipway.rooms import Broadcast

from stacks.local.capabilities import provider
from stacks.local.machine import Machine
from tests.api import Api
from tests.core.backstage import consume, deliver, say, sent, tick

pytestmark = pytest.mark.usefixtures("granted")


class Sockets:
    """The @connections API with some open connections; the real one has its own tests beside the gateway."""

    def __init__(self, *open: str) -> None:
        self.open = set(open)
        self.got: list[tuple[str, bytes]] = []

    def post(self, connection_id: str, data: bytes) -> bool:
        if connection_id == "broken":
            raise OSError("the API is away")
        if connection_id in self.open:
            self.got.append((connection_id, data))
        return connection_id in self.open

    def close(self, connection_id: str) -> None:
        self.open.discard(connection_id)


@pytest.fixture
def sockets(machine: Machine) -> Sockets:
    made, local = Sockets("c1", "c2"), provider(machine)
    capabilities.provide(lambda c: made if c is CONNECTIONS else local(c))
    return made


def rows(everything: psycopg.Connection) -> list[str]:
    return [id for (id,) in everything.execute("select id from connections order by id")]


def test_a_ticket_names_the_socket_s_address(api: Api, machine: Machine) -> None:
    answer = api.call("POST /v1/socket/tickets", by=api.register())
    assert answer.status == 201
    assert answer.json["url"] == f"{machine.socket_url}/?ticket={answer.json['ticket']}"
    assert answer.json["expires_in"] == 60


def test_a_ticket_is_kept_as_a_hash_only(api: Api, everything: psycopg.Connection) -> None:
    ticket = api.call("POST /v1/socket/tickets", by=api.register()).json["ticket"]
    assert ticket not in str(everything.execute("select t::text from socket_tickets t").fetchall())


def test_a_connection_is_noted_and_forgotten(api: Api, everything: psycopg.Connection) -> None:
    ann = api.project()
    assert say("$connect", ann, "c1", kind="CONNECT") == {"statusCode": 200}
    assert rows(everything) == ["c1"]
    say("room.subscribe", ann, "c1", room=ann.project["id"])
    assert say("$disconnect", ann, "c1", kind="DISCONNECT") == {"statusCode": 200}
    assert rows(everything) == []
    assert everything.execute("select count(*) from subscriptions").fetchone() == (0,)


def test_nobody_ends_another_s_connection(api: Api, everything: psycopg.Connection) -> None:
    ann, bob = api.register(), api.register("Bob")
    say("$connect", ann, "c1", kind="CONNECT")
    say("$disconnect", bob, "c1", kind="DISCONNECT")
    assert rows(everything) == ["c1"]


def test_each_frame_goes_to_each_connection_in_order(sockets: Sockets) -> None:
    connections.broadcast(Broadcast(connections=["c1", "c2"], frames=["1", "2"]))
    assert sockets.got == [("c1", b"1"), ("c1", b"2"), ("c2", b"1"), ("c2", b"2")]


def test_a_connection_that_is_gone_is_reported_and_dropped(
    api: Api, sockets: Sockets, everything: psycopg.Connection
) -> None:
    ann = api.register()
    for connection in ("c1", "gone"):
        say("$connect", ann, connection, kind="CONNECT")
    assert deliver("broadcast", {"connections": ["gone", "c1"], "frames": ["x"]}) == []
    assert sockets.got == [("c1", b"x")]
    assert sent(everything, "gone") == [{"connections": ["gone"]}]
    assert consume(everything, "gone") == 1
    assert rows(everything) == ["c1"]


def test_an_api_that_is_away_sends_the_message_back_to_the_queue(sockets: Sockets) -> None:
    good: Any = {"connections": ["c1"], "frames": ["x"]}
    assert deliver("broadcast", {"connections": ["broken"], "frames": ["x"]}, good) == ["0"]
    assert sockets.got == [("c1", b"x")]


def test_connections_older_than_any_can_be_are_swept(api: Api, everything: psycopg.Connection) -> None:
    ann = api.register()
    for connection in ("old", "new"):
        say("$connect", ann, connection, kind="CONNECT")
    everything.execute("update connections set connected_at = now() - interval '2 hours 11 minutes' where id = 'old'")
    everything.execute("update connections set connected_at = now() - interval '2 hours 9 minutes' where id = 'new'")
    tick("expire")
    assert rows(everything) == ["new"]


def test_a_socket_ticket_works_once(api: Api) -> None:
    ann = api.register()
    ticket = api.call("POST /v1/socket/tickets", by=ann).json["ticket"]
    context = connections.admit(ticket)
    assert context and context["kind"] == "user"
    assert connections.admit(ticket) is None


def test_a_late_or_unknown_ticket_is_none(api: Api, everything: psycopg.Connection) -> None:
    ticket = api.call("POST /v1/socket/tickets", by=api.register()).json["ticket"]
    everything.execute("update socket_tickets set expires_at = now() - interval '1 second'")
    assert connections.admit(ticket) is None
    assert connections.admit("slp_wst_guess") is None
    assert connections.admit("") is None


def test_an_access_token_is_no_ticket_and_a_ticket_no_access_token(api: Api) -> None:
    ann = api.register()
    ticket = api.call("POST /v1/socket/tickets", by=ann).json["ticket"]
    assert connections.admit(ann.token) is None
    assert credentials.bearer(f"Bearer {ticket}")["kind"] == "nobody"
