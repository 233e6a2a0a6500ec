"""Where cached bytes lie: in Redis, single or cluster, or in the memory of the process."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from earshot.core.errors import DependencyError

if TYPE_CHECKING:
    from redis import Redis
    from redis.cluster import RedisCluster

_BATCH = 500
_PATIENCE_S = 3.0


class Store(Protocol):
    """Bytes by key, each with a time to live."""

    name: str

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values, in the order of the keys; None where there is none (any more)."""

    def put_many(self, values: Mapping[str, bytes], ttl_s: int) -> None:
        """Write values that live for so many seconds."""

    def delete(self, keys: Iterable[str]) -> int:
        """Remove values; returns how many there were."""

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin so, in any order."""


class MemoryStore:
    """A store in the memory of the process, for threads.

    Args:
        largest: Values that are kept; the ones used longest ago go first.
        clock: Seconds that never go back.
    """

    name = "in process"

    def __init__(self, largest: int = 1_000_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._largest = largest
        self._clock = clock
        self._lock = threading.Lock()
        self._values: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values, in the order of the keys; None where there is none (any more)."""
        with self._lock:
            return [self._get(key) for key in keys]

    def put_many(self, values: Mapping[str, bytes], ttl_s: int) -> None:
        """Write values that live for so many seconds."""
        with self._lock:
            until = self._clock() + ttl_s
            for key, value in values.items():
                self._values[key] = (until, value)
                self._values.move_to_end(key)
            while len(self._values) > self._largest:
                self._values.popitem(last=False)

    def delete(self, keys: Iterable[str]) -> int:
        """Remove values; returns how many there were."""
        with self._lock:
            return sum(self._get(key) is not None and self._values.pop(key, None) is not None for key in keys)

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin so, in any order."""
        with self._lock:
            named = [key for key in self._values if key.startswith(prefix)]
            return iter([key for key in named if self._get(key) is not None])

    def _get(self, key: str) -> bytes | None:
        until, value = self._values.get(key, (0.0, None))
        if value is None:
            return None
        if self._clock() >= until:
            del self._values[key]
            return None
        self._values.move_to_end(key)
        return value


class RedisStore:
    """A store in Redis.

    Args:
        client: A connected client, of a single server or of a cluster.
        address: What errors name; without user and password.
        is_cluster: Whether the client is a cluster's.
    """

    def __init__(self, client: Redis | RedisCluster, address: str, *, is_cluster: bool) -> None:
        # The client's own annotations mix its synchronous and asynchronous answers.
        self._client: Any = client
        self._address = address
        self.name = "Redis cluster" if is_cluster else "Redis"
        self._is_cluster = is_cluster

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values, in the order of the keys; None where there is none (any more)."""
        values: list[bytes | None] = []
        with self._named_errors():
            for batch in _batches(keys):
                values += self._client.mget_nonatomic(batch) if self._is_cluster else self._client.mget(batch)
        return values

    def put_many(self, values: Mapping[str, bytes], ttl_s: int) -> None:
        """Write values that live for so many seconds."""
        with self._named_errors():
            for batch in _batches(values):
                pipeline = self._client.pipeline() if self._is_cluster else self._client.pipeline(transaction=False)
                for key in batch:
                    pipeline.set(key, values[key], ex=ttl_s)
                pipeline.execute()

    def delete(self, keys: Iterable[str]) -> int:
        """Remove values; returns how many there were."""
        with self._named_errors():
            return sum(int(self._client.unlink(*batch)) for batch in _batches(keys))

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys that begin so, in any order."""
        pattern = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in prefix) + "*"
        with self._named_errors():
            for key in self._client.scan_iter(match=pattern, count=1000):
                yield key.decode()

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        from redis.exceptions import RedisError  # noqa: PLC0415 (an extra)

        try:
            yield
        except (RedisError, OSError) as error:
            raise _unreachable(self._address, error) from None


_OF_THIS_PROCESS = MemoryStore()


def open_store(redis_url: str | None, *, cluster: bool = True) -> Store:
    """The store at this address; the one of this process where there is no address.

    Args:
        redis_url: `redis://`, `rediss://` or `unix://`; of a cluster, any of its nodes.
        cluster: Whether a cluster is used as such. The server is asked what it is.

    Raises:
        DependencyError: Redis does not answer, or its client is not installed.
    """
    if not redis_url:
        return _OF_THIS_PROCESS
    address = _without_secrets(redis_url)
    try:
        from redis import Redis  # noqa: PLC0415 (an extra)
        from redis.cluster import RedisCluster  # noqa: PLC0415
        from redis.exceptions import RedisError  # noqa: PLC0415
    except ModuleNotFoundError:
        raise DependencyError(
            "The Redis client is not installed.", where=address, remedy="Install earshot[redis]."
        ) from None
    patience = {"socket_connect_timeout": _PATIENCE_S, "socket_timeout": 4 * _PATIENCE_S}
    try:
        single = Redis.from_url(redis_url, **patience)
        single.ping()
        if cluster and dict(single.info("cluster")).get("cluster_enabled"):
            single.close()
            return RedisStore(RedisCluster.from_url(redis_url, **patience), address, is_cluster=True)
        return RedisStore(single, address, is_cluster=False)
    except (RedisError, OSError, ValueError) as error:
        raise _unreachable(address, error) from None


def _unreachable(address: str, error: Exception) -> DependencyError:
    return DependencyError(
        f"Redis does not answer as it should ({type(error).__name__}).",
        where=address,
        remedy="Start it, mend cache.redis_url, or unset it to cache in the process.",
    )


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _batches(keys: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(keys)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
