"""Results that services read: published as one generation, read as one generation.

All values of a publication are written under a generation of their own; then one key is set that
names it. A reader never sees half of a publication, in a cluster neither. The generation before
stays for readers that are still on it; the one before that goes, and what a killed publisher left
behind expires.

Keys: NAMESPACE:vFORM:SECTION:GENERATION:KIND[:PART...], and NAMESPACE:vFORM:SECTION:current.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from earshot.caching.encoding import Encoding
from earshot.caching.stores import Store, open_store
from earshot.core.errors import IntegrityError
from earshot.core.settings import Settings

FORM = 1  # changes when the values of a kind change their shape
RECOMMENDATIONS = "recommendations"
SESSIONS = "sessions"
_LISTENER_KINDS = (RECOMMENDATIONS, SESSIONS)
_WRITE_AT_ONCE = 2_000

Name = tuple[str, ...]


@dataclass(frozen=True)
class Generation:
    """One publication: a consistent view of all that was published together."""

    id: str
    store: Store
    prefix: str

    def get(self, *name: str) -> Any:
        """The value of a kind and its parts; None where it is not there (any more) or damaged."""
        return self.get_many([name])[0]

    def get_many(self, names: Sequence[Name]) -> list[Any]:
        """The values, in the order of the names."""
        found = self.store.get_many([self.prefix + _joined(name) for name in names])
        return [_decoded(content) for content in found]


class PublishedResults:
    """The published results of one lake.

    Args:
        settings: Address, time to live, compression and namespace.
        store: Another store than the configured one.
        section: What is published together; sections have generations of their own.
    """

    def __init__(self, settings: Settings, store: Store | None = None, *, section: str = "gold") -> None:
        cache = settings.cache
        url = cache.redis_url.get_secret_value() if cache.redis_url else None
        self.store = store or open_store(url)
        self._ttl_s = cache.ttl_s
        self._encoding = Encoding(cache.serialization, cache.compression)
        self._every_section = f"{cache.namespace}:v{FORM}:"
        self._root = f"{self._every_section}{section}:"

    def publish(self, values: Iterable[tuple[Name, object]]) -> int:
        """Write a new generation and make it the current one; returns the number of values.

        Args:
            values: Name (kind and parts) and value; read once, written in batches.

        Raises:
            DependencyError: The store does not answer; the generation before stays current.
        """
        generation = secrets.token_hex(8)
        prefix = f"{self._root}{generation}:"
        count, batch = 0, dict[str, bytes]()
        for name, value in values:
            batch[prefix + _joined(name)] = self._encoding.encode(value)
            count += 1
            if len(batch) >= _WRITE_AT_ONCE:
                self.store.put_many(batch, self._ttl_s)
                batch = {}
        self.store.put_many(batch, self._ttl_s)
        before = self._pointer()
        pointer = {"generation": generation, "previous": before.get("generation")}
        self.store.put_many({f"{self._root}current": self._encoding.encode(pointer)}, self._ttl_s)
        if before.get("previous"):
            self.store.delete(self.store.keys(f"{self._root}{before['previous']}:"))
        return count

    def current(self) -> Generation | None:
        """The generation that is current now; None where nothing is published (any more)."""
        generation = self._pointer().get("generation")
        return Generation(generation, self.store, f"{self._root}{generation}:") if generation else None

    def get(self, *name: str) -> Any:
        """One value of the current generation."""
        current = self.current()
        return current.get(*name) if current else None

    def forget(self, *listeners: str) -> int:
        """Remove what any generation of any section holds of listeners; returns the number of values."""
        ends = tuple(":" + _joined((kind, listener)) for kind in _LISTENER_KINDS for listener in listeners)
        return self.store.delete([key for key in self.store.keys(self._every_section) if key.endswith(ends)])

    def _pointer(self) -> Mapping[str, Any]:
        pointer = _decoded(self.store.get_many([f"{self._root}current"])[0])
        return pointer if isinstance(pointer, dict) else {}


def _joined(name: Name) -> str:
    return ":".join(part.replace("%", "%25").replace(":", "%3A") for part in name)


def _decoded(content: bytes | None) -> Any:
    if content is None:
        return None
    try:
        return Encoding.decode(content)
    except IntegrityError:
        return None
