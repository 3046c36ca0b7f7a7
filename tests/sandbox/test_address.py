from __future__ import annotations

import pytest
from slipway_sandbox.address import BadAddress, parse


def test_an_address_is_taken_as_it_is() -> None:
    assert parse("127.0.0.1:0") == ("127.0.0.1", 0)
    assert parse("10.0.1.7:9000") == ("10.0.1.7", 9000)


@pytest.mark.parametrize("bind", ["0.0.0.0:9000", "localhost:80", "127.0.0.1:x", "127.0.0.1:70000", ":80", ""])
def test_everywhere_nowhere_and_names_are_refused(bind: str) -> None:
    with pytest.raises(BadAddress):
        parse(bind)


def test_auto_needs_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ECS_CONTAINER_METADATA_URI_V4", raising=False)
    with pytest.raises(BadAddress, match="ECS"):
        parse("auto:9000")
    monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", "http://attacker.example/")
    with pytest.raises(BadAddress):
        parse("auto")
