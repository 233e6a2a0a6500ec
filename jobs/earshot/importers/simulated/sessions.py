"""A UTC day of ordinary listening: sessions by rhythm and activity, tracks by taste, times that never overlap."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earshot.importers.simulated import plays as p
from earshot.importers.simulated.catalogue import Catalogue
from earshot.importers.simulated.geography import moments, rhythm, zone_offsets_ms
from earshot.importers.simulated.plays import KINDS, Plays
from earshot.importers.simulated.population import CAR, CLIENTS_A_PERSON, SPEAKER, TV, Clients, People
from earshot.importers.simulated.quality import measure
from earshot.importers.simulated.tastes import Shelf, Tastes, draw_tracks

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_CONTEXT_SHARES: Final = (0.34, 0.16, 0.08, 0.14, 0.07, 0.19, 0.02)
_CLIENT_SHARES: Final = (0.55, 0.2, 0.25)
_SESSION_LOG_MEAN, _SESSION_LOG_SD, _LONGEST = 1.45, 0.75, 40
_GOLDEN: Final = 0.6180339887498949
_SKIP_BY_CHOICE: Final = np.array([0.20, 0.06, 0.55])
_SKIP_BY_CONTEXT: Final = np.array([1.0, 0.5, 0.9, 1.4, 0.6, 0.9, 1.0])
_EXIT_BEFORE_START: Final = 0.004
_OFFLINE_SHARE: Final = 0.05
_STOPS_LAST, _FORWARD, _QUIET_END, _SHUFFLED, _CLICKED = 0.5, 0.93, 0.9, 0.3, 0.7


@dataclass
class Listening:
    """Everything that ordinary listening depends on, and where each person's last play ended."""

    people: People
    tastes: Tastes
    catalogue: Catalogue
    clients: Clients
    busy_until: Ints

    def weight(self, day: date) -> float:
        """How much is played on a day, relative."""
        activity = np.bincount(self.people.row, weights=self.people.activity, minlength=len(rhythm(day)))
        return float(activity @ rhythm(day).sum(axis=1))

    def day(self, day: date, number: int, midnight: int, count: int, rng: np.random.Generator) -> Plays:
        """Exactly `count` plays of sessions that begin on a day; the last ones may run into the next.

        Args:
            day: The UTC day.
            number: Counted from the first simulated day.
            midnight: Its beginning, epoch ms.
            count: How many plays.
            rng: Source of chance.
        """
        if count <= 0:
            return Plays.none()
        rows = rhythm(day)
        lengths = _session_lengths(count, rng)
        sessions = len(lengths)
        weight = np.cumsum(self.people.activity * rows.sum(axis=1)[self.people.row])
        picks = (np.arange(sessions) + rng.random(sessions)) / sessions
        person = np.minimum(np.searchsorted(weight, picks * weight[-1], side="right"), len(weight) - 1)
        spread: Floats = np.mod(rng.random() + np.arange(sessions) * _GOLDEN, 1.0).astype(np.float64)
        begins = midnight + moments(rows, self.people.row[person], spread) + rng.integers(0, 60_000, sessions)
        order = np.lexsort((begins, person))
        person, begins = person[order], begins[order]
        lengths = lengths[rng.permutation(sessions)]
        return self._plays(day, number, person, begins, lengths, rng)

    def _plays(
        self, day: date, number: int, person: Ints, begins: Ints, lengths: Ints, rng: np.random.Generator
    ) -> Plays:
        sessions, count = len(person), int(lengths.sum())
        session = np.repeat(np.arange(sessions), lengths)
        position = np.arange(count) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        context = rng.choice(len(p.CONTEXTS), sessions, p=_CONTEXT_SHARES)
        slot = rng.choice(CLIENTS_A_PERSON, sessions, p=_CLIENT_SHARES)
        client = (person * CLIENTS_A_PERSON + slot)[session]
        shelf = Shelf.of(self.catalogue, number)
        track, choice = draw_tracks(
            self.tastes, shelf, self.catalogue, number, (person, context), (session, position), rng
        )
        last = np.append(session[1:] != session[:-1], True)
        device = self.clients.device[client]
        passive = (device == TV) | (device == SPEAKER) | (device == CAR)
        skip_chance = _SKIP_BY_CHOICE[choice] * _SKIP_BY_CONTEXT[context[session]] * np.where(passive, 0.6, 1.0)
        skipped = rng.random(count) < skip_chance
        ended = ~skipped & last & (rng.random(count) < _STOPS_LAST)
        duration = self.catalogue.duration_ms[track]
        share = np.where(skipped, rng.random(count) ** 2.2, rng.random(count))
        partly = np.maximum((share * duration * 0.95).astype(np.int64), 1_500)
        played = np.where(skipped | ended, partly, duration)
        reason_end = np.where(skipped, np.where(rng.random(count) < _FORWARD, p.FWDBTN, p.BACKBTN), p.TRACKDONE)
        reason_end = np.where(ended, np.where(rng.random(count) < _QUIET_END, p.ENDPLAY, p.LOGOUT), reason_end)
        start = self._timeline(person, session, position, begins, played, rng)
        offline = (rng.random(sessions) < _OFFLINE_SHARE)[session] & ~passive
        shuffle = ((rng.random(sessions) < _SHUFFLED) & (context != p.ALBUM))[session]
        quality = measure(self.clients, client, start, offline, zone_offsets_ms(day), rng)
        quit_early = ~quality.failed & skipped & (rng.random(count) < _EXIT_BEFORE_START / 0.2)
        played = np.where(quality.failed | quit_early, 0, played)
        quality.startup[quit_early] = p.NEVER_STARTED
        reason_end = np.where(quality.failed, p.TRACKERROR, reason_end)
        skipped = skipped & ~quality.failed
        reason_start = np.roll(reason_end, 1)
        reason_start = np.where(reason_start <= p.BACKBTN, reason_start, p.PLAYBTN)
        reason_start = np.where(
            position == 0, np.where(rng.random(count) < _CLICKED, p.CLICKROW, p.PLAYBTN), reason_start
        )
        kind = np.where(self.people.shared[person], KINDS.index("family_account"), 0)[session]
        return Plays(
            client=client,
            start=start,
            played=played,
            track=track,
            context=context[session],
            reason_start=reason_start,
            reason_end=reason_end,
            skipped=skipped,
            shuffle=shuffle,
            offline=offline,
            failed=quality.failed,
            cdn=quality.cdn,
            startup=quality.startup,
            rebuffers=quality.rebuffers,
            rebuffer_ms=quality.rebuffer_ms,
            bitrate=quality.bitrate,
            kind=kind,
            ring=np.zeros(count, np.int64),
        )

    def _timeline(
        self, person: Ints, session: Ints, position: Ints, begins: Ints, played: Ints, rng: np.random.Generator
    ) -> Ints:
        """Starts such that no play of a person begins before the one before it has ended.

        A play ends at S_i + max over j <= i of (wish_j - S_(j-1)), S being the running sum of lengths: the
        recurrence end_i = max(wish_i, end_(i-1)) + length_i, unrolled; the maximum is kept within persons.
        """
        length = played + rng.integers(1_000, 4_000, played.size)
        who = person[session]
        first = np.append(True, who[1:] != who[:-1])
        origin = int(begins.min())
        wish = np.where(first, np.maximum(begins[session], self.busy_until[who]), begins[session]) - origin
        before = np.cumsum(length) - length
        before -= before[first][np.cumsum(first) - 1]
        # Times of one person span less than 2**36 ms, so the lift keeps the maximum within persons.
        lift = np.cumsum(first).astype(np.int64) << 36
        slack = np.where(position == 0, wish - before + lift, 0)
        start = before + np.maximum.accumulate(slack) - lift
        final = np.append(first[1:], True)
        self.busy_until[who[final]] = (start + length)[final] + origin
        return np.asarray(start + origin, np.int64)


def _session_lengths(count: int, rng: np.random.Generator) -> Ints:
    """Lengths of sessions, long-tailed, that sum to `count`."""
    mean = 1 + np.exp(_SESSION_LOG_MEAN + _SESSION_LOG_SD**2 / 2)
    drawn = 1 + rng.lognormal(_SESSION_LOG_MEAN, _SESSION_LOG_SD, int(count / mean * 1.5) + 20).astype(np.int64)
    ends = np.cumsum(np.minimum(drawn, _LONGEST))
    while ends[-1] < count:
        ends = np.append(ends, ends[-1] + np.cumsum(np.minimum(drawn, _LONGEST)))
    last = int(np.searchsorted(ends, count))
    ends = ends[: last + 1]
    ends[-1] = count
    return np.asarray(np.diff(ends, prepend=0), np.int64)


def capacity(days: int, listeners: int) -> int:
    """How many plays people can find the time for: 120 a day each."""
    return 120 * days * listeners
