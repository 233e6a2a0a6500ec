"""Where webhooks may not lead: private, local and metadata addresses, however the name is written or resolves.

The name is resolved once, every address that it has is judged, and the connection goes to one that was:
a name that points elsewhere a moment later (DNS rebinding) gains nothing. OWASP, Server-Side Request
Forgery Prevention Cheat Sheet.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import httpx

from earshot.integrations.http import HttpError, masked

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

_NAT64 = ip_network("64:ff9b::/96")
_PRIVATE = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1/128", "fc00::/7"))
)
_METADATA = tuple(map(ip_network, ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32")))
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Pinned:
    """An address whose host is an IP address, and what keeps the name in the call."""

    url: httpx.URL
    headers: Mapping[str, str] = field(default_factory=dict)
    extensions: dict[str, Any] = field(default_factory=dict)


class AddressGuard:
    """Judges the addresses of webhooks.

    Args:
        allowed: Networks that may be called although they are not public.
        private: Whether private and loopback networks are, too: for what runs beside us. Metadata services never are.
        resolve: The IP addresses of a host and port.
    """

    def __init__(self, allowed: Sequence[str] = (), *, private: bool = False, resolve: Resolve | None = None) -> None:
        self._allowed = tuple(map(ip_network, allowed))
        self._private = private
        self._resolve = resolve or _resolved

    def pinned(self, url: str) -> Pinned:
        """The address with its name resolved, once, to an IP address that may be called.

        Raises:
            HttpError: It may not, or does not resolve.
        """
        where = masked(url)
        parsed = httpx.URL(url)
        if parsed.scheme not in _PORTS or not parsed.host:
            raise HttpError("The address needs http:// or https://.", where=where, remedy="Mend the address.")
        port = parsed.port or _PORTS[parsed.scheme]
        try:
            found = [ip_address(text.partition("%")[0]) for text in self._resolve(parsed.host, port)]
        except (OSError, UnicodeError):
            found = []
        if not found:
            raise HttpError(
                "No answer: the name does not resolve.", where=where, remedy="Check the address and the network."
            )
        for address in found:
            self.check(address, where=where)
        host = parsed.netloc.decode("ascii").rpartition("@")[2]
        extensions = {"sni_hostname": parsed.host} if parsed.scheme == "https" else {}
        return Pinned(parsed.copy_with(host=str(found[0])), {"Host": host}, extensions)

    def check(self, address: Address, *, where: str) -> None:
        """Let an address pass.

        Raises:
            HttpError: It may not be called.
        """
        if not self.allows(address):
            raise HttpError(
                f"{address} is a private, local or metadata address; it is not called.",
                where=where,
                remedy=f'If it is meant, name its network: alerts.allow_networks = ["{_network(address)}"].',
            )

    def allows(self, address: Address) -> bool:
        """Whether the address may be called."""
        inner = _inner(address)
        if inner is not None:
            return self.allows(inner)
        if any(address in network for network in self._allowed):
            return True
        if any(address in network for network in _METADATA):
            return False
        if self._private and any(address in network for network in _PRIVATE):
            return True
        return address.is_global and not address.is_multicast


def _inner(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for; None where it stands for none."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _network(address: Address) -> str:
    return f"{address}/{address.max_prefixlen}"


def _resolved(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
