"""One series of any kind: no Spark, no training, any length from one row."""

from earshot.detectors.univariate.scoring import score_series

__all__ = ["score_series"]
