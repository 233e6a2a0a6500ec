"""Figures as a person reads them in an alert."""

from __future__ import annotations

import math

_HUNDRED = 100
_TEN = 10


def finite(value: object) -> float | None:
    """The value as a finite float; None for null, NaN and infinity."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def spoken(value: float | None, unit_of: str = "") -> str:
    """`1,234`, `123`, `12.3`, `0.0123`; fractions of ratios as they are, milliseconds with their unit.

    Args:
        value: The figure; None is said as `nothing`.
        unit_of: Name of the metric, whose ending tells the unit (`_ms`, `_ms_p95`).
    """
    if value is None:
        return "nothing"
    magnitude = abs(value)
    if magnitude >= _HUNDRED or (magnitude >= _TEN and value == round(value)):
        text = f"{value:,.0f}"
    elif magnitude >= _TEN:
        text = f"{value:.1f}"
    else:
        text = f"{value:.3g}"
    return f"{text} ms" if unit_of.endswith("_ms") or "_ms_" in unit_of else text
