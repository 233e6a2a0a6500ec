"""Listeners who come by chance, grow quiet and leave: days of sessions with a truth that is known."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from earshot.analytics.churn.features import ListenerDays

FIRST_DAY = 20_500


def leaving(seed: int, *, days: int = 120, listeners: int = 1_500, quieter: bool = True) -> ListenerDays:
    """Each has their own rate; some leave for good on a day of their own, and most of these grow quiet before."""
    rng = np.random.default_rng(seed)
    rate = np.clip(rng.gamma(1.2, 0.35, listeners), 0.03, 0.97)
    leaves = np.where(rng.random(listeners) < 0.6, rng.integers(20, days + 40, listeners), 10 * days)
    day = np.arange(days)
    chance = np.repeat(rate[:, None], days, axis=1)
    if quieter:
        chance *= np.clip((leaves[:, None] - day) / 18, 0.0, 1.0)
    chance *= day < leaves[:, None]
    return days_of(rng.random((listeners, days)) < chance, rng)


def alike(seed: int, *, days: int = 120, listeners: int = 1_500) -> ListenerDays:
    """Everybody comes by the same coin: there is nothing to tell apart."""
    rng = np.random.default_rng(seed)
    return days_of(rng.random((listeners, days)) < 0.06, rng)


def days_of(active: np.ndarray, rng: np.random.Generator) -> ListenerDays:
    """From a matrix listeners x days; who never comes is no listener."""
    active = active[active.any(1)]
    listener, day = np.nonzero(active)
    sessions = 1.0 + rng.poisson(0.5, len(day))
    plays = sessions * rng.integers(2, 15, len(day))
    names = pa.array([f"v1:{n:05}" for n in range(len(active))])
    minutes = plays * rng.uniform(1, 4, len(day))
    skips = rng.binomial(plays.astype(int), 0.2).astype(float)
    return ListenerDays(names, listener.astype(np.int64), FIRST_DAY + day, sessions, minutes, plays, skips)
