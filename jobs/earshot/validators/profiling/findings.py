"""What a profile finds: an expectation, and the rows that do not meet it now."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from earshot.validators.profiling.columns import Ints, ProfiledColumn

NOBODY: Ints = np.array([], dtype=np.int64)


@dataclass(frozen=True)
class Finding:
    """One expectation that the data suggest.

    Attributes:
        kind: What sort of finding it is, such as `pattern`; part of the rule's name.
        column: Of which it speaks.
        type: Great Expectations' type.
        kwargs: Its arguments without `column` and `mostly`.
        description: For a person, in one sentence.
        confidence: How likely a cell that does not meet it is wrong, 0 to 1.
        support: Rows that it judges.
        unexpected: The rows that do not meet it, of those that were profiled.
        cells: Those among them whose cell is flagged as wrong; all of them where it is not said.
        seen: What else the profile saw.
    """

    kind: str
    column: str
    type: str
    kwargs: Mapping[str, Any]
    description: str
    confidence: float = 1.0
    support: int = 0
    unexpected: Ints = field(default_factory=lambda: NOBODY, repr=False)
    cells: Ints | None = field(default=None, repr=False)
    seen: Mapping[str, Any] = field(default_factory=dict)

    @property
    def flagged(self) -> Ints:
        """The rows whose cell is flagged."""
        return self.unexpected if self.cells is None else self.cells

    @property
    def mostly(self) -> float:
        """The share of rows that has to meet it: all, or a little less than meet it now."""
        if not len(self.unexpected) or not self.support:
            return 1.0
        return math.floor((1 - len(self.unexpected) / self.support) * 1000) / 1000


def about_values(column: ProfiledColumn, kind: str, type_: str, unexpected: Any, **more: Any) -> Finding:
    """A finding about a column's values: `unexpected` says which of them do not meet it."""
    rows = column.rows_of(unexpected) if unexpected.any() else NOBODY
    return Finding(kind, column.name, type_, support=column.filled, unexpected=rows, **more)
