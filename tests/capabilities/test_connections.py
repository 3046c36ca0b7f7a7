from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from slipway.capabilities import CONNECTIONS

from stacks.local.capabilities import provider
from stacks.local.machine import Machine
from stacks.local.posts import PostRefused
from tests.capabilities.gateway import Gateway, serving


def test_a_message_reaches_its_connection(side: Any, gateway: Gateway) -> None:
    assert side.provide(CONNECTIONS).post("AbC=", '{"text": "ünï"}'.encode()) is True
    assert gateway.delivered == [("AbC=", '{"text": "ünï"}'.encode())]


@pytest.mark.parametrize("connection", ["a+b/c=", "L0SM9cOFvHcCIhw="])
def test_an_id_with_characters_that_urls_reserve_arrives_whole(side: Any, gateway: Gateway, connection: str) -> None:
    assert side.provide(CONNECTIONS).post(connection, b"x") is True
    assert gateway.delivered == [(connection, b"x")]


def test_a_connection_that_is_gone_is_reported_and_not_raised(side: Any, gateway: Gateway) -> None:
    gateway.gone.add("old=")
    assert side.provide(CONNECTIONS).post("old=", b"x") is False
    assert gateway.delivered == []


def test_closing_closes_and_closing_again_is_harmless(side: Any, gateway: Gateway) -> None:
    connections = side.provide(CONNECTIONS)
    connections.close("AbC=")
    gateway.gone.add("AbC=")
    connections.close("AbC=")
    assert gateway.closed == ["AbC="]


def test_many_messages_share_one_kept_connection(side: Any, gateway: Gateway) -> None:
    connections = side.provide(CONNECTIONS)
    for number in range(5):
        connections.post("AbC=", str(number).encode())
    assert len(gateway.delivered) == 5
    assert len(gateway.peers) == 1


def test_a_gateway_that_was_restarted_is_reached_again(side: Any, home: Machine) -> None:
    connections = side.provide(CONNECTIONS)
    gateway = Gateway(home.access_key, home.secret_key)
    gateway.port = home.port + 2
    for _ in range(2):
        with serving(gateway):
            assert connections.post("AbC=", b"x") is True


def test_a_wrong_key_raises_instead_of_passing_for_gone(machine: Machine, gateway: Gateway) -> None:
    stranger = provider(replace(machine, secret_key="0" * 40))
    with pytest.raises(PostRefused, match="403"):
        stranger(CONNECTIONS).post("AbC=", b"x")
    assert gateway.delivered == []
