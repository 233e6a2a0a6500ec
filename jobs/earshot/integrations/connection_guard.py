"""The address guard for code that makes its own connections: each one is judged at the moment it is made.

Libraries resolve names and follow redirects by themselves, so an address that was judged before says little. Python
tells its audit hooks of every connection, with the number to which it goes, before it goes there (PEP 578).
"""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies

from earshot.core.settings import AlertSettings
from earshot.integrations.address_guard import AddressGuard

_HERE = threading.local()
_PROXY_PORTS: Final = {"http": 80, "https": 443}
_TO_SERVERS_OF_OURS: Final = frozenset({"email"})
_WITHOUT_ADDRESS: Final = frozenset({"sns"})


class ActionGuard:
    """Watches over the connections of the gate's actions, by the type of the action.

    Messages go to public addresses and to `alerts.allow_networks`; mail also to servers on private networks, never to
    metadata services. An own class is trusted, and so is SNS, whose address is Amazon's and whose credentials may come
    from a metadata service.

    Args:
        alerts: Names the networks.
    """

    def __init__(self, alerts: AlertSettings) -> None:
        self._allowed = alerts.allow_networks

    @contextmanager
    def __call__(self, kind: str) -> Iterator[None]:
        """Judge the connections that this thread makes while the block runs.

        Args:
            kind: As in `quality.actions`.
        """
        if kind in _WITHOUT_ADDRESS or ":" in kind:
            yield
            return
        with guarded(AddressGuard(self._allowed, private=kind in _TO_SERVERS_OF_OURS)):
            yield


@contextmanager
def guarded(guard: AddressGuard) -> Iterator[None]:
    """Refuse connections of this thread to addresses that the guard does not allow, while the block runs.

    A proxy that is set in the environment is trusted to do its own filtering.

    Raises:
        HttpError: In the place of the connection.
    """
    _install()
    _HERE.guard, _HERE.proxies = guard, _proxies()
    try:
        yield
    finally:
        _HERE.guard = None


@cache
def _install() -> None:
    sys.addaudithook(_judge)


def _judge(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    guard: AddressGuard | None = getattr(_HERE, "guard", None)
    connection, address = arguments
    if guard is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    host, port = str(address[0]).partition("%")[0], address[1]
    if (host, port) not in _HERE.proxies:
        guard.check(ip_address(host), where=f"{host}:{port}")


def _proxies() -> frozenset[tuple[str, int]]:
    found = set()
    for url in getproxies().values():
        parts = urlsplit(url if "://" in url else f"http://{url}")
        with suppress(OSError, UnicodeError, ValueError):
            port = parts.port or _PROXY_PORTS.get(parts.scheme, 80)
            found |= {(str(entry[4][0]), port) for entry in socket.getaddrinfo(parts.hostname, port)}
    return frozenset(found)
