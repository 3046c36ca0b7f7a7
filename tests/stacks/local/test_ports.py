"""Who gets a port, with real sockets."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from stacks.local import ports
from stacks.local.ports import PortTaken
from tests.stacks.local.declared import free_ports


def test_what_is_shared_is_shared_with_what_is_shared_and_with_nothing_else() -> None:
    port = free_ports()
    with closing(ports.listen(port, shared=True)), closing(ports.listen(port, shared=True)):
        assert ports.listening(port) == 2
        with pytest.raises(PortTaken, match=f"port {port} cannot be had"):
            ports.listen(port)
    with closing(ports.listen(port)), pytest.raises(PortTaken):
        ports.listen(port, shared=True)
    assert ports.listening(port) == 0


@pytest.mark.parametrize("offset", [0, 1, 2])
@pytest.mark.parametrize("shared", [False, True])
def test_a_port_that_anybody_has_is_named_and_none_of_the_others_kept(offset: int, shared: bool) -> None:
    port = free_ports()
    with (
        closing(ports.listen(port + offset, shared=shared)),
        pytest.raises(PortTaken, match=rf"port {port + offset} cannot be had \(address already in use\): .*PORT="),
    ):
        ports.take(port)
    assert [ports.listening(number) for number in ports.around(port)] == [0, 0, 0]


def test_a_second_platform_gets_nothing_wherever_its_ports_overlap() -> None:
    port = free_ports()
    first, second = ports.take(port)
    with closing(first), closing(second), closing(ports.listen(port, shared=True)):
        for overlapping in range(port - 2, port + 3):
            with pytest.raises(PortTaken):
                ports.take(overlapping)


def test_connections_that_are_closing_are_no_obstacle() -> None:
    port = free_ports()
    with closing(ports.listen(port)) as listener:
        listener.setblocking(True)
        client = socket.create_connection((ports.HOST, port))
        answering, _ = listener.accept()
        answering.close()  # first, so that TIME_WAIT is on this side
        client.close()
    ports.listen(port).close()


def test_it_listens_on_the_loopback_address_only() -> None:
    for shared in (False, True):
        with closing(ports.listen(0, shared=shared)) as listener:
            assert listener.getsockname()[0] == "127.0.0.1"
