"""Medians and quantiles of figures of which some are missing (nan), by one sort: NumPy's own go row by row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from earshot.detectors.series import Floats


def nanmedian(values: Floats, axis: int | tuple[int, ...]) -> Floats:
    """The median of what is there; nan where nothing is."""
    axes = (axis,) if isinstance(axis, int) else axis
    last = np.moveaxis(values, axes, range(-len(axes), 0))
    ordered = np.sort(last.reshape(*last.shape[: -len(axes)], -1), axis=-1)  # nan comes last
    there = ordered.shape[-1] - np.isnan(ordered).sum(axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(there - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(there // 2, ordered.shape[-1] - 1), axis=-1)
    return np.asarray(((low + high) / 2)[..., 0])


def nanquantiles(values: Floats, shares: Sequence[float]) -> list[Floats]:
    """Of each row of S x N its quantiles, by linear interpolation between neighbours; nan where nothing is there."""
    ordered = np.sort(values, axis=1)
    last = np.maximum(ordered.shape[1] - 1 - np.isnan(ordered).sum(axis=1, keepdims=True), 0)
    found = []
    for share in shares:
        place = share * last
        before = np.floor(place).astype(np.int64)
        low = np.take_along_axis(ordered, before, axis=1)
        high = np.take_along_axis(ordered, np.minimum(before + 1, last), axis=1)
        found.append((low + (high - low) * (place - before))[:, 0])
    return found
