"""Published figures of systems that detect errors in the same data, for comparison.

Raha (Mahdavi et al., SIGMOD 2019, "Comparison with the stand-alone error detection tools") gives precision, recall and
F1 by cell. dBoost and KATARA get the best of their configurations and NADEEF rules that were written by hand;
ActiveClean and Raha learn from 20 labelled tuples. Ours sees the dirty file alone.
The figures were recalled from memory and not checked against the paper: read it before you quote them.
The repository dq_agent prints errors, flags and F1 by cell, from which precision and recall follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

RAHA: Final = "Mahdavi et al., SIGMOD 2019 (from memory, unchecked)"


@dataclass(frozen=True)
class PublishedFigure:
    """What a system reached on a data set."""

    dataset: str
    system: str
    needs: str
    precision: float
    recall: float
    f1: float
    source: str


DQ_AGENT: Final = "github.com/Tylor-Tian/dq_agent, benchmarks/raha_clean/summary.md"
_PROFILE = "profile for clean twins"
_HAND, _BEST, _LABELS = "rules by hand", "best configuration", "20 labelled tuples"

PUBLISHED: Final = (
    PublishedFigure("flights", "dBoost", _BEST, 0.78, 0.57, 0.66, RAHA),
    PublishedFigure("flights", "NADEEF", _HAND, 0.42, 0.93, 0.58, RAHA),
    PublishedFigure("flights", "KATARA", _BEST, 0.07, 0.09, 0.08, RAHA),
    PublishedFigure("flights", "ActiveClean", _LABELS, 0.28, 0.94, 0.44, RAHA),
    PublishedFigure("flights", "Raha", _LABELS, 0.82, 0.81, 0.81, RAHA),
    PublishedFigure("flights", "dq_agent", _PROFILE, 1.00, 0.936, 0.967, DQ_AGENT),
    PublishedFigure("rayyan", "dBoost", _BEST, 0.12, 0.26, 0.16, RAHA),
    PublishedFigure("rayyan", "NADEEF", _HAND, 0.74, 0.55, 0.63, RAHA),
    PublishedFigure("rayyan", "KATARA", _BEST, 0.02, 0.10, 0.03, RAHA),
    PublishedFigure("rayyan", "ActiveClean", _LABELS, 0.09, 1.00, 0.16, RAHA),
    PublishedFigure("rayyan", "Raha", _LABELS, 0.81, 0.78, 0.79, RAHA),
    PublishedFigure("rayyan", "dq_agent", _PROFILE, 0.303, 0.764, 0.434, DQ_AGENT),
)
