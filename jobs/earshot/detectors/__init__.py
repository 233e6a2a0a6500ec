"""KPI series, stream manipulation, root cause and backtests."""

from earshot.detectors.univariate import score_series

__all__ = ["score_series"]
