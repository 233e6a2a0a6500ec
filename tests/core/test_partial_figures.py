from __future__ import annotations

import math
import statistics
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot.core.partial_figures import (
    Count,
    CountBy,
    Distinct,
    DistinctCount,
    Extreme,
    Moments,
    Quantile,
    Sum,
    added,
    values_of,
)

numbers = st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), max_size=30)


def figures(values: list[float | None]) -> dict[str, Any]:
    column = pa.array(values, pa.float64())
    return {
        "there": Count.of(column.is_valid()),
        "smallest": Extreme.of(column, largest=False),
        "largest": Extreme.of(column, largest=True),
        "distinct": Distinct.of(column),
        "how_many": DistinctCount(Distinct.of(column).values),
        "often": CountBy.of(column.drop_null()),
        "mean": Moments.of(column, deviation=False),
        "deviation": Moments.of(column, deviation=True),
    }


@given(numbers, numbers, numbers)
def test_figures_of_parts_add_up_to_those_of_the_whole(
    a: list[float | None], b: list[float | None], c: list[float | None]
) -> None:
    parts, whole = values_of(added(map(figures, (a, b, c)))), values_of(figures([*a, *b, *c]))
    for name in ("mean", "deviation"):
        one, other = parts.pop(name), whole.pop(name)
        assert (one is None) == (other is None)
        assert one is None or math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-2)
    assert parts == whole


def test_figures_mean_what_sql_means() -> None:
    found = values_of(figures([3.0, None, 1.0, 1.0]))
    assert found["there"] == 3
    assert (found["smallest"], found["largest"]) == (1.0, 3.0)
    assert (found["distinct"], found["how_many"], found["often"]) == ([1.0, 3.0], 2, {3.0: 1, 1.0: 2})
    assert found["mean"] == pytest.approx(5 / 3)
    assert found["deviation"] == pytest.approx(statistics.stdev([3, 1, 1]))


def test_of_no_values_there_is_no_figure() -> None:
    found = values_of(added([figures([]), figures([None])]))
    assert [found[name] for name in ("smallest", "largest", "mean", "deviation")] == [None] * 4
    assert (Sum() + Sum()).value is None
    assert (Sum(2) + Sum()).value == 2
    assert Quantile.of(pa.array([], pa.float64()), 0.5).value is None


def test_nan_is_larger_than_every_number() -> None:
    with_nan, without = pa.array([1.0, math.nan]), pa.array([5.0])
    assert math.isnan((Extreme.of(with_nan, largest=True) + Extreme.of(without, largest=True)).value)
    assert (Extreme.of(with_nan, largest=False) + Extreme.of(without, largest=False)).value == 1.0
    assert math.isnan(Extreme.of(pa.array([math.nan]), largest=False).value)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95, 0.99, 1.0])
def test_a_quantile_is_within_half_a_percent(share: float) -> None:
    values = np.random.default_rng(7).lognormal(8, 2, 5_000)
    column = pa.array(values)
    found = Quantile.of(column.slice(0, 100), share) + Quantile.of(column.slice(100), share)
    assert found.value == pytest.approx(np.quantile(values, share, method="lower"), rel=0.0051)


def test_what_is_not_positive_counts_as_nothing() -> None:
    assert Quantile.of(pa.array([-5.0, 0.0, None, 10.0]), 0.5).value == 0.0
