"""Metrics that are judged by day only, beside the columns of the marts by hour."""

from typing import Final

GATE_KPIS: Final = ("validation_success", "accuracy", "error_rate", "freshness_s", "event_lag_s")
"""Figures of gold.quality_kpis."""

BEHAVIOUR_RATES: Final = (
    "completion_rate",
    "skip_rate",
    "repeat_rate",
    "discovery_rate",
    "autoplay_rate",
    "counted_rate",
)
"""Metrics of gold.behaviour."""
