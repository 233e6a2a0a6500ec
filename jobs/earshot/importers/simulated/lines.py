"""Plays as JSON lines, column by column: a line is a dozen ready-made fragments put side by side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.importers.simulated.catalogue import Catalogue
from earshot.importers.simulated.geography import CDNS, COUNTRY_CODES, DAY_MS, ZONES
from earshot.importers.simulated.plays import CONTEXTS, REASONS, Plays
from earshot.importers.simulated.population import APP_VERSIONS, DEVICES, PLATFORM_NAMES, TIERS, Clients
from earshot.importers.simulated.quality import MAX_REBUFFER_MS, MAX_REBUFFERS, MAX_STARTUP_MS

ROWS_AT_ONCE: Final = 200_000
_MINUTE_MS: Final = 60_000
_MAX_KBPS: Final = 400


class LineWriter:
    """Turns plays into lines of the canonical play event, each with its line feed.

    Args:
        names: Raw identity of every account.
        clients: All clients.
        catalogue: The tracks.
        device: Index of the device whose clients send `extra` too, or -1.
        extra: A ready key and value, such as `"audio_codec":"opus"`.
    """

    def __init__(
        self, names: Sequence[str], clients: Clients, catalogue: Catalogue, device: int = -1, extra: str = ""
    ) -> None:
        self._clients = clients
        self._heads = _strings(f'{{"listener":{json.dumps(name)},"event_id":"e-' for name in names)
        milliseconds = _around(".", [f"{ms:03d}" for ms in range(1000)], 'Z","played_ms":')
        self._seconds = _crossed(_strings(f"{second:02d}" for second in range(60)), milliseconds)
        self._tracks = _strings(_track_fragment(catalogue, track) for track in range(len(catalogue)))
        self._client_fragments = _client_fragments(clients)
        self._states = _states()
        startups = _around('"start_failed":false,"startup_ms":', range(MAX_STARTUP_MS + 1), "")
        self._startups = pa.concat_arrays([_strings(['"start_failed":true', '"start_failed":false']), startups])
        self._rebuffers = _strings(  # at every stall a player steps down to a lower bitrate
            f',"rebuffer_count":{n},"bitrate_switches":{n},"rebuffer_ms":' for n in range(MAX_REBUFFERS + 1)
        )
        self._stalls = _around("", range(MAX_REBUFFER_MS + 1), ',"bitrate_kbps":')
        self._tail = _around("", range(_MAX_KBPS), "}\n")
        self._tails = pa.concat_arrays([self._tail, _around("", range(_MAX_KBPS), f",{extra}}}\n")])
        self._drifting = device

    def drifts(self, plays: Plays) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which plays come from clients that send the extra key."""
        return np.asarray(self._clients.device[plays.client] == self._drifting)

    def render(self, plays: Plays, day: str, midnight: int, first_event: int, *, drifted: bool) -> pa.Array:
        """The lines of plays of one UTC day.

        Args:
            plays: All started on the day.
            day: ISO date.
            midnight: Its beginning, epoch ms.
            first_event: Number of the first event id.
            drifted: Whether the extra key is sent.

        Returns:
            A string array, a line a play.
        """
        minutes = _strings(f'","started_at":"{day}T{h:02d}:{m:02d}:' for h in range(24) for m in range(60))
        clock = plays.start - midnight
        if len(plays) and (clock.min() < 0 or clock.max() >= DAY_MS):
            raise ValueError(f"plays outside {day}")
        numbers = pa.array(first_event + np.arange(len(plays))).cast(pa.string())
        lines = [
            self._heads.take(_indices(self._clients.account[plays.client])),
            numbers,
            minutes.take(_indices(clock // _MINUTE_MS)),
            self._seconds.take(_indices(clock % _MINUTE_MS)),
            pa.array(plays.played).cast(pa.string()),
            self._tracks.take(_indices(plays.track)),
            self._client_fragments.take(_indices(plays.client)),
            self._states.take(_indices(_state_codes(plays))),
            self._startups.take(_indices(np.where(plays.failed, 0, plays.startup + 2))),
            self._rebuffers.take(_indices(plays.rebuffers)),
            self._stalls.take(_indices(plays.rebuffer_ms)),
        ]
        if drifted and self._drifting >= 0:
            lines.append(self._tails.take(_indices(plays.bitrate + _MAX_KBPS * self.drifts(plays))))
        else:
            lines.append(self._tail.take(_indices(plays.bitrate)))
        return pc.binary_join_element_wise(*lines, "")


def line_bytes(lines: pa.Array) -> tuple[memoryview, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The bytes of all lines without a copy, and the N + 1 offsets of the lines in them."""
    _, offsets, data = lines.buffers()
    found = np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1]
    return memoryview(data), found.astype(np.int64)


def _strings(values: Iterable[str]) -> pa.Array:
    return pa.array(list(values), pa.string())


def _around(before: str, values: Sequence[object], after: str) -> pa.Array:
    """Each value as text, with the same text before and after it."""
    texts = pa.array(list(values)).cast(pa.string())
    return pc.binary_join_element_wise(before, texts, after, "")


def _crossed(first: pa.Array, second: pa.Array) -> pa.Array:
    """Every text of the first followed by every one of the second, in the order of (first, second)."""
    left = first.take(pa.array(np.repeat(np.arange(len(first)), len(second))))
    right = second.take(pa.array(np.tile(np.arange(len(second)), len(first))))
    return pc.binary_join_element_wise(left, right, "")


def _indices(values: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pa.Array:
    return pa.array(values.astype(np.int32))


def _track_fragment(catalogue: Catalogue, track: int) -> str:
    values = {
        "duration_ms": int(catalogue.duration_ms[track]),
        "track_id": f"trk:{track}",
        "track_title": catalogue.titles[track],
        "artist_id": catalogue.artist_ids[track],
        "artist_name": catalogue.artist_names[track],
        "album_title": catalogue.album_titles[track],
        "isrc": catalogue.isrcs[track],
    }
    return "," + json.dumps(values, ensure_ascii=False, separators=(",", ":"))[1:-1] + ","


def _client_fragments(clients: Clients) -> pa.Array:
    """Country to IP address; the device id is 16 hexadecimal digits."""
    networks = clients.network
    octets = (networks >> 24 & 127, networks >> 16 & 255, networks >> 8 & 255, networks & 255)
    return _strings(
        f'"country":"{COUNTRY_CODES[country]}","time_zone":"{ZONES[zone]}","device":"{DEVICES[device]}",'
        f'"platform":"{PLATFORM_NAMES[platform]}","app_version":"{APP_VERSIONS[version]}","tier":"{TIERS[tier]}",'
        f'"device_id":"{number:016x}","ip":"{a + 11}.{b}.{c}.{d}",'
        for country, zone, device, platform, version, tier, number, a, b, c, d in zip(
            clients.country.tolist(),
            clients.zone.tolist(),
            clients.device.tolist(),
            clients.platform.tolist(),
            clients.version.tolist(),
            clients.tier.tolist(),
            clients.device_number.tolist(),
            *(octet.tolist() for octet in octets),
            strict=True,
        )
    )


def _states() -> pa.Array:
    words = ("false", "true")
    return _strings(
        f'"context":"{context}","reason_start":"{start}","reason_end":"{end}","skipped":{words[skipped]},'
        f'"shuffle":{words[shuffle]},"offline":{words[offline]},' + (f'"cdn":"{CDNS[cdn]}",' if cdn < len(CDNS) else "")
        for context, start, end, skipped, shuffle, offline, cdn in product(
            CONTEXTS, REASONS, REASONS, (0, 1), (0, 1), (0, 1), range(len(CDNS) + 1)
        )
    )


def _state_codes(plays: Plays) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    code = (plays.context * len(REASONS) + plays.reason_start) * len(REASONS) + plays.reason_end
    code = ((code * 2 + plays.skipped) * 2 + plays.shuffle) * 2 + plays.offline
    return np.asarray(code * (len(CDNS) + 1) + plays.cdn, np.int64)
