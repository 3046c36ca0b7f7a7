from __future__ import annotations

import pytest
from slipway import networks


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:22ff::1", "2001:db8:1:2200::/56"),
        ("", ""),
        ("...", ""),
        ("300.1.1.1", ""),
    ],
)
def test_an_address_stands_for_its_network(address: str, network: str) -> None:
    assert networks.of(address) == network


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("192.0.2.77", "192.0.2.77"),
        ("::ffff:192.0.2.77", "192.0.2.77"),
        ("2001:db8:1:22ff:8000::1", "2001:db8:1:22ff::/64"),
        ("", ""),
        ("::::", ""),
    ],
)
def test_a_machine_counts_once_however_many_addresses_it_has(address: str, host: str) -> None:
    assert networks.host(address) == host
