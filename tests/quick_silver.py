"""silver.listens of any size in seconds: whole columns at once, as Delta files, without the way through ingest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.core.commits import DeltaLog

COUNTRIES = ("DE", "US", "BR", "JP", "GB", "FR", "SE", "IN")
TIERS = ("premium", "free", "family", "student")
DEVICES = ("ios", "android", "web", "desktop", "speaker")
_ROWS_OF_A_FILE = 500_000
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class QuickSilver:
    """Listeners with a home and a tier, tracks with a long tail; as many a day as one likes.

    Attributes:
        root: Root of the lake.
        listeners: Different listeners.
        tracks: Different tracks; seven of them are an artist's, ten an album's.
        batch: Tells apart plays of the same days that are added one after the other.
    """

    root: str
    listeners: int
    tracks: int
    batch: str = ""

    def append(self, days: Mapping[date, int]) -> None:
        """Add so many plays of each day, in one commit."""
        log = DeltaLog(self.root, "silver.listens")
        log.create()
        stage = log.stage("quick")
        files = [file for day, plays in days.items() for part in self._parts(day, plays) for file in stage.write(part)]
        named = f"{min(days)}..{max(days)}{self.batch}"
        told = [day.isoformat() for day in days]
        log.add(files, app_id=f"quick-{named}", metadata={"batch_id": named, "touched_days": told})

    @cached_property
    def _pseudonyms(self) -> pa.Array:
        return pa.array([f"v1:{hashlib.sha256(str(n).encode()).hexdigest()}" for n in range(self.listeners)])

    @cached_property
    def _names(self) -> dict[str, pa.Array]:
        artists, albums = self.tracks // 7 + 1, self.tracks // 10 + 1
        return {
            "track_id": pa.array([f"trk:{n:08}" for n in range(self.tracks)]),
            "track_title": pa.array([f"The song that has number {n}" for n in range(self.tracks)]),
            "artist_id": pa.array([f"art:{n:07}" for n in range(artists)]),
            "artist_name": pa.array([f"Artist number {n}" for n in range(artists)]),
            "album_title": pa.array([f"Album number {n}" for n in range(albums)]),
        }

    def _parts(self, day: date, plays: int) -> list[pa.Table]:
        sizes = [min(_ROWS_OF_A_FILE, plays - first) for first in range(0, plays, _ROWS_OF_A_FILE)]
        return [self._plays(day, size, np.random.default_rng([day.toordinal(), n])) for n, size in enumerate(sizes)]

    def _plays(self, day: date, n: int, rng: np.random.Generator) -> pa.Table:
        listener = rng.integers(0, self.listeners, n)
        track = (self.tracks * rng.random(n) ** 2.5).astype(np.int64)
        device = rng.integers(0, len(DEVICES), n)
        at = rng.integers(0, _DAY_MS, n)
        duration = 120_000 + track * 7_919 % 180_000
        is_whole = rng.random(n) < 0.7
        failed = rng.random(n) < 0.01
        heard = np.where(failed, 0, np.where(is_whole, duration, (duration * rng.random(n)).astype(np.int64)))
        stalled = (rng.random(n) < 0.1) & ~failed
        midnight = (day.toordinal() - date(1970, 1, 1).toordinal()) * _DAY_MS

        def moment(ms: Any) -> pa.Array:
            return pa.array((midnight + ms) * 1_000).cast(pa.timestamp("us", "UTC"))

        def named(codes: Any, names: Any) -> pa.Array:
            names = names if isinstance(names, pa.Array) else pa.array(list(names))
            return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), names)

        number = pa.array(rng.integers(10**15, 10**16, n)).cast(pa.string())
        columns: dict[str, Any] = {
            "listen_id": pc.binary_join_element_wise(number, f"{day:%Y%m%d}0000000a", ""),
            "listener_id": named(listener, self._pseudonyms),
            "started_at": moment(at),
            "ended_at": moment(at + heard),
            "played_ms": heard,
            "duration_ms": duration,
            "listen_date": pa.repeat(pa.scalar(day, pa.date32()), n),
            "country": named(listener % len(COUNTRIES), COUNTRIES),
            "time_zone": named(listener % 3, ("Europe/Berlin", "America/New_York", "Asia/Kolkata")),
            "device": named(device, DEVICES),
            "platform": named(device, ("iOS", "Android", "Linux", "macOS", "embedded")),
            "app_version": named(rng.integers(0, 4, n), ("8.1", "8.2", "8.3", "9.0")),
            "tier": named(listener // len(COUNTRIES) % len(TIERS), TIERS),
            "context": named(rng.integers(0, 4, n), ("playlist", "album", "radio", "search")),
            "reason_start": named(rng.integers(0, 2, n), ("clickrow", "trackdone")),
            "reason_end": named(is_whole.astype(np.int32), ("fwdbtn", "trackdone")),
            "skipped": ~is_whole,
            "startup_ms": pa.array(rng.gamma(2, 300, n).astype(np.int64), mask=failed),
            "rebuffer_count": stalled.astype(np.int32),
            "rebuffer_ms": stalled * rng.integers(1, 9_000, n),
            "bitrate_kbps": rng.choice([96, 160, 320], n).astype(np.int32),
            "start_failed": failed,
            "cdn": named(rng.integers(0, 3, n), ("alpha", "beta", "gamma")),
            "source": named(np.zeros(n), ("canonical",)),
        }
        of_track = {"track_id": track, "track_title": track, "artist_id": track // 7, "artist_name": track // 7}
        of_track["album_title"] = track // 10
        columns |= {name: named(codes, self._names[name]) for name, codes in of_track.items()}
        schema = DeltaLog(self.root, "silver.listens").stage("quick").schema
        whole = {
            field.name: columns[field.name] if field.name in columns else pa.nulls(n, field.type) for field in schema
        }
        return pa.table(whole)
