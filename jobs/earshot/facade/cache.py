"""MusicStreamingCacheManager: processed results in Redis, or in the process where no Redis answers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pyspark.sql import DataFrame

from earshot.caching.published import SESSIONS, Name, PublishedResults
from earshot.caching.stores import Store, open_store
from earshot.core.columns import LISTENER_ID, STARTED_AT
from earshot.core.config import load_settings
from earshot.core.errors import DependencyError, SettingsError
from earshot.core.settings import CacheSettings, Settings
from earshot.facade.options import CACHE_CONFIG, Options, read_options
from earshot.facade.processor import ProcessedMusic

_ROWS_A_VALUE = 1_000


class MusicStreamingCacheManager:
    """Stores what `MusicDataProcessor` made, as one generation, and reads it back.

    Args:
        config: Options of `CACHE_CONFIG`: redis_cluster (use a cluster as such), ttl_default
            (seconds), compression, serialization (`msgpack` or `json`).
        settings: cache.redis_url is the address; loaded as the commands do, if not given.

    Raises:
        SettingsError: An option is unknown or of another kind.
    """

    def __init__(self, config: Options | None = None, settings: Settings | None = None) -> None:
        options = read_options(config, CACHE_CONFIG, "CACHE_CONFIG")
        configured = settings or load_settings()
        url = configured.cache.redis_url
        cache = _cache_settings(configured.cache, options)
        store = _reachable(url.get_secret_value() if url else None, cluster=bool(options["redis_cluster"]))
        self._results = PublishedResults(configured.model_copy(update={"cache": cache}), store, section="processed")

    @property
    def store_name(self) -> str:
        """`Redis`, `Redis cluster` or `in process`."""
        return self._results.store.name

    def store(self, processed: ProcessedMusic) -> int:
        """Store all parts; readers see them together. Returns the number of rows."""
        counts: list[int] = []
        self._results.publish(_values(processed, counts))
        return sum(counts)

    def load(self, part: str) -> list[dict[str, Any]] | None:
        """The rows of a part that is no listener's: `behaviour`, `audio_quality`, `revenue`; None if it is gone."""
        current = self._results.current()
        pieces = current.get(part) if current else None
        if current is None or pieces is None:
            return None
        found = current.get_many([(part, str(piece)) for piece in range(pieces)])
        return None if None in found else [row for rows in found for row in rows]

    def sessions_of(self, listener_id: str) -> list[dict[str, Any]]:
        """The sessions of one listener, oldest first."""
        sessions: list[dict[str, Any]] = self._results.get(SESSIONS, listener_id) or []
        return sessions

    def forget(self, listener_id: str) -> int:
        """Remove what is stored of a listener; returns the number of values."""
        return self._results.forget(listener_id)


def _cache_settings(configured: CacheSettings, options: Options) -> CacheSettings:
    given = {"ttl_s": "ttl_default", "compression": "compression", "serialization": "serialization"}
    try:
        return CacheSettings.model_validate(
            {**dict(configured), **{setting: options[option] for setting, option in given.items()}}
        )
    except ValidationError as error:
        first = error.errors()[0]
        option = given[str(first["loc"][0])]
        raise SettingsError(
            f"{option} is {first['input']!r}; expected: {first['msg']}.",
            where=f"CACHE_CONFIG[{option!r}]",
            remedy=f"Leave it out, and it is {CACHE_CONFIG[option]!r}.",
        ) from None


def _values(processed: ProcessedMusic, counts: list[int]) -> Iterator[tuple[Name, object]]:
    for part, frame in processed:
        rows = _plain(frame, counts)
        if part == SESSIONS:
            by_listener: dict[str, list[dict[str, Any]]] = {}
            for row in sorted(rows, key=lambda row: row[STARTED_AT]):
                by_listener.setdefault(row[LISTENER_ID], []).append(row)
            yield from (((SESSIONS, listener), theirs) for listener, theirs in by_listener.items())
        else:
            pieces = [rows[start : start + _ROWS_A_VALUE] for start in range(0, len(rows), _ROWS_A_VALUE)]
            yield from (((part, str(number)), piece) for number, piece in enumerate(pieces))
            yield (part,), len(pieces)


def _plain(frame: DataFrame, counts: list[int]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = frame.toArrow().to_pylist()
    counts.append(len(rows))
    return rows


def _reachable(url: str | None, *, cluster: bool) -> Store:
    try:
        return open_store(url, cluster=cluster)
    except DependencyError as error:
        warnings.warn(f"{error.what} Results stay in this process.", RuntimeWarning, stacklevel=3)
        return open_store(None)
