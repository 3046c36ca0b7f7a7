"""A provider that listens, configured."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from slipway import capabilities, settings
from slipway.oidc import issuers

from stacks.local.machine import Machine
from tests.api import Api
from tests.core.oidc.issuer import Issuer
from tests.core.oidc.visitor import Visitor


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Set SLIPWAY_OIDC."""

    def configure(text: str) -> None:
        monkeypatch.setenv("SLIPWAY_OIDC", text)
        settings.reset()
        issuers.forget()

    yield configure
    settings.reset()


@pytest.fixture
def issuer(machine: Machine, configure: Callable[[str], None]) -> Iterator[Issuer]:
    issuer = Issuer()
    configure(issuer.setting())
    yield issuer
    issuer.stop()


@pytest.fixture
def visitor(api: Api, issuer: Issuer) -> Visitor:
    return Visitor(api, issuer)


@pytest.fixture
def granted(machine: Machine) -> Iterator[None]:
    """As inside of a function that declares what logins need."""
    with capabilities.granting("test", (capabilities.SIGNING_KEYS, capabilities.OIDC_PROVIDERS)):
        yield
