"""How bad a finding is: the size of its effect times the part of the plays that it reaches."""

from __future__ import annotations

from typing import Final

_CRITICAL: Final = 0.10
_WARNING: Final = 0.005


def severity_of(effect: float, reach: float) -> str:
    """Severity from the relative effect and the part of all plays that it concerns (both 0..1)."""
    impact = min(abs(effect), 1.0) * reach
    if impact >= _CRITICAL:
        return "critical"
    return "warning" if impact >= _WARNING else "info"
