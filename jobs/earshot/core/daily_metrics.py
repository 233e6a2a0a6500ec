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

TOP_ARTISTS_SHARE: Final = "top_artists_share"
"""Part of the counted streams that the first artists of gold.charts have."""

SUSPECT_SHARE: Final = "suspect_share"
"""Part of the plays that gold.suspect_listens flags."""

MART_SHARES: Final = (TOP_ARTISTS_SHARE, SUSPECT_SHARE)
