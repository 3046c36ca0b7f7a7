"""The network that an IP address stands for: what one customer of a provider has, so that no counter is per address."""

from __future__ import annotations


def of(address: str) -> str:
    """`192.0.2.0/24`, `2001:db8:0:1200::/56`, or "" for what is no address. IPv4 inside IPv6 is IPv4."""
    import ipaddress

    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    prefix = 24 if found.version == 4 else 56
    return str(ipaddress.ip_network((found, prefix), strict=False))


def host(address: str) -> str:
    """What one machine has: an IPv4 address, or the /64 of an IPv6 one, of which it may use any; "" for no address."""
    if ":" not in address:
        return address
    import ipaddress

    try:
        found = ipaddress.IPv6Address(address)
    except ValueError:
        return ""
    return str(found.ipv4_mapped or ipaddress.IPv6Network((found, 64), strict=False))
