"""Isolation forest on features of the last rows (Liu, Ting and Zhou, ICDM 2008), learnt from the past alone."""

from __future__ import annotations

from typing import Final

import numpy as np

from earshot.detectors.series import Floats
from earshot.detectors.univariate import rolling
from earshot.detectors.univariate.checkpoints import checkpoints
from earshot.detectors.univariate.signal import Signal

_WINDOWS: Final = (4, 16, 64)
_TREES: Final = 50
_MEMORY: Final = 10_000
_SEED: Final = 0


def isolation_forest(signal: Signal) -> Floats:
    """How few cuts isolate the value, its step, and means and roughness of several windows."""
    from sklearn.ensemble import IsolationForest  # noqa: PLC0415 (keeps `import earshot.detectors` light)

    features = _features(signal.tame)
    out = np.full(len(signal), np.nan)
    for begin, end in checkpoints(len(signal)):
        past = features[max(begin - _MEMORY, _WINDOWS[-1]) : begin]
        # A tree compares in 32 bits, so the features are brought near one.
        middle, spread = np.median(past, axis=0), np.abs(past - np.median(past, axis=0)).max(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        forest = IsolationForest(n_estimators=_TREES, random_state=_SEED).fit((past - middle) / spread)
        with np.errstate(over="ignore"):
            here = np.clip((features[begin:end] - middle) / spread, -1e6, 1e6)
        out[begin:end] = -forest.score_samples(here)
    return out


def _features(tame: Floats) -> Floats:
    steps = np.diff(tame, prepend=tame[0])
    means = [rolling.trailing_mean(tame, rows) for rows in _WINDOWS]
    rough = [rolling.trailing_mean(np.abs(steps), rows) for rows in _WINDOWS]
    return np.column_stack([tame, steps, *means, *rough])
