"""Earshot: listening logs to trusted tables, comparable models and acted-on alerts.

The four names below work on Spark DataFrames; they are loaded when they are asked for, so that
importing a part of the package loads neither Spark nor Great Expectations.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from earshot.facade.cache import MusicStreamingCacheManager
    from earshot.facade.metrics import PrometheusMetricsManager
    from earshot.facade.processor import MusicDataProcessor
    from earshot.facade.validator import EnterpriseDataValidator

__all__ = [
    "EnterpriseDataValidator",
    "MusicDataProcessor",
    "MusicStreamingCacheManager",
    "PrometheusMetricsManager",
]

_HOMES = {
    "EnterpriseDataValidator": "earshot.facade.validator",
    "MusicDataProcessor": "earshot.facade.processor",
    "MusicStreamingCacheManager": "earshot.facade.cache",
    "PrometheusMetricsManager": "earshot.facade.metrics",
}


def __getattr__(name: str) -> object:
    """Load one of the four names.

    Raises:
        AttributeError: There is no such name.
    """
    if name not in _HOMES:
        raise AttributeError(f"module 'earshot' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The four names beside what the module has."""
    return sorted({*globals(), *__all__})
