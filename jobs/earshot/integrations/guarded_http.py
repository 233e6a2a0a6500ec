"""The HTTP client for addresses that people configure: every call passes the address guard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from earshot.core.settings import HttpSettings
from earshot.integrations.address_guard import AddressGuard
from earshot.integrations.http import HttpClient


class GuardedClient(HttpClient):
    """Calls only what the guard lets through; each try is resolved and judged anew.

    Args:
        settings: Time-out, tries, rate and burst.
        guard: The judge.
        options: As of HttpClient.
    """

    def __init__(self, settings: HttpSettings, guard: AddressGuard, **options: Any) -> None:
        super().__init__(settings, **options)
        self._guard = guard

    def _target(self, url: str) -> tuple[str | httpx.URL, Mapping[str, str], dict[str, Any]]:
        pinned = self._guard.pinned(url)
        return pinned.url, pinned.headers, pinned.extensions
