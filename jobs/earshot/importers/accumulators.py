"""What tasks tell the driver beside their rows; a task that is tried again tells it once."""

from __future__ import annotations

from typing import Any

from pyspark import AccumulatorParam

from earshot.core.partial_figures import Partials, added

Rows = dict[str, dict[str, Any]]


class Added(AccumulatorParam[Partials]):
    """Adds figures of parts to those of the whole."""

    def zero(self, value: Partials) -> Partials:
        """No figures."""
        return {}

    def addInPlace(self, value1: Partials, value2: Partials) -> Partials:
        """Those of both."""
        return added([value1, value2])


class ByKey(AccumulatorParam[Rows]):
    """Collects rows by a key."""

    def zero(self, value: Rows) -> Rows:
        """No rows."""
        return {}

    def addInPlace(self, value1: Rows, value2: Rows) -> Rows:
        """Those of both."""
        value1.update(value2)
        return value1
