"""Requests of one session for one track, put together to a play.

CMCD version 1 tells of requests, not of playback; from them follow

- the start: the first request. Time to sound: from it to the first request of media without `su`, which says that the
  player is not starting, seeking or recovering any more; so it is an upper bound, by the time between two requests.
  It is unknown where no request before has `su` (the log begins in the middle, or the track was fetched ahead).
- a start failure: no request without `su`, and no object of media was answered without an error. An exit before start:
  no request without `su`, though media came; unless one request without `nor` fetched the whole track.
- stalls: requests with `bs` after the start; one until the next request without `su`. How long: from when the buffer
  that the request before told of (`bl`) had run empty until that request; without `bl`, from the request before.
- time heard: the durations (`d`) of the objects that came, at most what the clock and the last buffer allow; where `d`
  is not told, the clock. Who leaves with a full buffer has heard less: it is an upper bound.
- bitrate: mean of `br`, weighted by `d`; switches: how often `br` changed from one object to the next of its kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from earshot.core import columns as c
from earshot.importers.cmcd_payload import KEYS
from earshot.importers.cmcd_requests import Request
from earshot.importers.events import extra_of
from earshot.importers.extras import is_private
from earshot.importers.faults import Faults, masked_json
from earshot.importers.rows import Row
from earshot.importers.shape import LISTENER, Limits

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MEDIA: Final = frozenset({None, "a", "v", "av"})
_TOLD_ONCE: Final = ("sf", "st")
_MOST: Final = ("tb", "rtp")


def play_of(requests: Sequence[Request], limits: Limits) -> Row:
    """The play.

    Args:
        requests: At least one; all of one session and one track.
        limits: What its values may be.

    Returns:
        Keys of `shape.PARSED`; its line is that of the first request.
    """
    asked = sorted(requests, key=lambda request: request.place)
    first = asked[0]
    play: Row = {}
    for request in asked:
        for name, value in request.about.items():
            play.setdefault(name, value)
    play.setdefault(LISTENER, f"sid:{first.payload['sid']}")
    play |= {c.TRACK_ID: first.payload["cid"], c.STARTED_AT: _moment(first.at_ms)}
    media = [request for request in asked if request.payload.get("ot") in _MEDIA]
    play |= _heard(asked, media) | _bitrates(media)
    faults = Faults()
    play[c.EXTRA] = extra_of(_extra(asked), limits, faults)
    if faults:
        told = {name: value for name, value in play.items() if name != c.EXTRA}
        play |= faults.marks() | {c.RAW: masked_json(told)}
    return {c.SOURCE_LINE: first.line, **play}


def _heard(asked: Sequence[Request], media: Sequence[Request]) -> Row:
    """Start, stalls and time heard."""
    first, came = asked[0], [request for request in media if not request.failed]
    plays_from = next((n for n, request in enumerate(media) if not _is_urgent(request)), None)
    if plays_from is None or not came:
        return _never_on(asked, media, came)
    sound_ms = media[plays_from].at_ms
    begins = any(_is_urgent(request) for request in asked if request.at_ms <= sound_ms)
    stalls = _stalls(media, plays_from)
    stalled_ms = sum(until - since for since, until in stalls)
    last = media[-1]
    on_the_clock = max(last.at_ms - sound_ms - stalled_ms, 0) + last.payload.get("bl", 0)
    loaded = [request.payload.get("d") for request in came]
    played_ms = on_the_clock
    if all(duration is not None for duration in loaded):
        whole = sum(duration for duration in loaded if duration is not None)
        coming = 0 if last.failed else last.payload.get("d", 0)
        played_ms = min(whole, on_the_clock + coming) if "bl" in last.payload else whole
    return {
        c.STARTUP_MS: sound_ms - first.at_ms if begins else None,
        c.START_FAILED: False,
        c.REBUFFER_COUNT: len(stalls),
        c.REBUFFER_MS: stalled_ms,
        c.PLAYED_MS: played_ms,
        c.ENDED_AT: _moment(sound_ms + played_ms + stalled_ms),
    }


def _never_on(asked: Sequence[Request], media: Sequence[Request], came: Sequence[Request]) -> Row:
    """A play of which no request says that sound was on."""
    only = came[0].payload if len(media) == 1 and came else {}
    if "d" in only and "nor" not in only:
        ended = _moment(asked[-1].at_ms + only["d"])
        return {c.PLAYED_MS: only["d"], c.DURATION_MS: only["d"], c.START_FAILED: False, c.ENDED_AT: ended}
    failed = not came and any(request.failed for request in asked)
    return {c.PLAYED_MS: 0, c.START_FAILED: failed, c.ENDED_AT: _moment(asked[-1].at_ms)}


def _stalls(media: Sequence[Request], plays_from: int) -> list[tuple[int, int]]:
    """When each stall began and ended, epoch ms."""
    found: list[tuple[int, int]] = []
    n = plays_from + 1
    while n < len(media):
        if not media[n].payload.get("bs"):
            n += 1
            continue
        before = media[n - 1]
        end = next((m for m in range(n, len(media)) if not _is_urgent(media[m])), len(media) - 1)
        until = media[end].at_ms
        found.append((min(before.at_ms + before.payload.get("bl", 0), until), until))
        n = end + 1
    return found


def _bitrates(media: Sequence[Request]) -> Row:
    """Mean bitrate, and how often it changed."""
    told = [request for request in media if "br" in request.payload and not request.failed]
    if not told:
        return {}
    weights = [request.payload.get("d", 0) for request in told]
    weights = weights if any(weights) else [1] * len(told)
    mean = sum(r.payload["br"] * w for r, w in zip(told, weights, strict=True)) / sum(weights)
    kinds = {request.payload.get("ot") for request in told}
    of_kind = ([r.payload["br"] for r in told if r.payload.get("ot") == kind] for kind in kinds)
    switches = sum(one != other for rates in of_kind for one, other in pairwise(rates))
    return {c.BITRATE_KBPS: round(mean), c.BITRATE_SWITCHES: switches}


def _extra(asked: Sequence[Request]) -> dict[str, Any]:
    """What has no column: format, stream type, ceilings, mean throughput, and the client's own keys."""
    kept: dict[str, Any] = {}
    for request in asked:
        for key, value in request.payload.items():
            if key in _TOLD_ONCE:
                kept.setdefault(f"cmcd_{key}", value)
            elif key in _MOST:
                kept[f"cmcd_{key}"] = max(kept.get(f"cmcd_{key}", 0), value)
            elif key not in KEYS and not is_private(key.rpartition("-")[2]):
                kept.setdefault(key, value if value is True else str(value))
    if speeds := [request.payload["mtp"] for request in asked if "mtp" in request.payload]:
        kept["cmcd_mtp"] = round(sum(speeds) / len(speeds))
    return kept


def _is_urgent(request: Request) -> bool:
    return request.payload.get("su") is True


def _moment(epoch_ms: int) -> datetime | None:
    try:
        return _EPOCH + timedelta(milliseconds=epoch_ms)
    except OverflowError:
        return None
