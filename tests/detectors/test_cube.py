"""gold.activity_cube as matrices."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa

import kpi_series
from earshot.detectors.cube import matrices

DAY = date(2026, 3, 16)
TOTAL: tuple[tuple[str, str], ...] = ()


def at(hour: int, day: int = 16) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def test_a_missing_hour_of_a_count_is_none_and_of_a_share_unknown() -> None:
    rows = [kpi_series.row(metric, TOTAL, at(hour), 5.0, 10) for metric in ("listens", "skips") for hour in (0, 2, 23)]
    listens, skips = matrices(kpi_series.table(rows), DAY, DAY)
    assert listens.values[0, :3].tolist() == [5.0, 0.0, 5.0]
    assert np.isnan(skips.values[0, 1])
    assert skips.volume[0, 1] == 0


def test_dimensions_are_the_same_in_any_order() -> None:
    one, other = (("country", "DE"), ("device", "ios")), (("device", "ios"), ("country", "DE"))
    rows = [kpi_series.row("listens", one, at(0), 1.0, 1), kpi_series.row("listens", other, at(1), 2.0, 2)]
    (listens,) = matrices(kpi_series.table(rows), DAY, DAY)
    assert listens.dimensions == (one,)
    assert listens.values[0, :2].tolist() == [1.0, 2.0]


def test_values_that_look_alike_are_kept_apart() -> None:
    pairs = [(("country", "DE"),), (("device", "DE"),), (("country", "DE"), ("device", "DE")), TOTAL]
    rows = [kpi_series.row("listens", pair, at(0), float(n), n) for n, pair in enumerate(pairs)]
    (listens,) = matrices(kpi_series.table(rows), DAY, DAY)
    assert {d: v for d, v in zip(listens.dimensions, listens.values[:, 0], strict=True)} == {
        pair: float(n) for n, pair in enumerate(pairs)
    }


def test_hours_that_have_not_ended_are_no_gaps() -> None:
    rows = [kpi_series.row("listens", TOTAL, at(hour), 5.0, 5) for hour in range(24)]
    (listens,) = matrices(kpi_series.table(rows), DAY, DAY, until=datetime(2026, 3, 16, 10, 30, tzinfo=UTC))
    assert listens.began[0].tolist() == [True] * 10 + [False] * 14


def test_hours_after_the_last_row_of_all_are_no_gaps() -> None:
    rows = [kpi_series.row("listens", TOTAL, at(hour), 5.0, 5) for hour in range(12)]
    rows += [kpi_series.row("listens", (("country", "DE"),), at(3), 5.0, 5)]
    (listens,) = matrices(kpi_series.table(rows), DAY, DAY)
    germany = listens.row_by_dimensions()[(("country", "DE"),)]
    assert listens.values[germany, :12].tolist() == [0.0] * 3 + [5.0] + [0.0] * 8
    assert not listens.began[:, 12:].any()


def test_a_series_that_appears_later_did_not_exist_before() -> None:
    rows = [kpi_series.row("listens", TOTAL, at(hour, day), 5.0, 5) for day in (16, 17, 18, 19) for hour in range(24)]
    rows += [kpi_series.row("listens", (("app_version", "9"),), at(hour, 19), 5.0, 5) for hour in range(24)]
    (listens,) = matrices(kpi_series.table(rows), DAY, date(2026, 3, 19))
    version = listens.row_by_dimensions()[(("app_version", "9"),)]
    assert np.isnan(listens.values[version, : 3 * 24]).all()
    assert listens.began[version, 3 * 24 :].all()


def test_the_largest_series_are_kept() -> None:
    rows = [kpi_series.row("listens", (("country", str(n)),), at(0), float(n), n) for n in range(1, 9)]
    (listens,) = matrices(kpi_series.table(rows), DAY, DAY, max_series=3)
    assert listens.dimensions == tuple((("country", str(n)),) for n in (6, 7, 8))


def test_other_grains_and_days_are_left_out() -> None:
    rows = [kpi_series.row("listens", TOTAL, at(0), 1.0, 1), kpi_series.row("listens", TOTAL, at(0), 9.0, 9, "day")]
    rows += [kpi_series.row("listens", TOTAL, at(0, 20), 7.0, 7)]
    (listens,) = matrices(kpi_series.table(rows), DAY, DAY)
    assert listens.values.shape == (1, 24)
    assert listens.values[0, 0] == 1.0


def test_chunks_change_nothing() -> None:
    whole = kpi_series.cube(3)
    pieces = pa.concat_tables([whole.slice(0, 100), whole.slice(100, 57), whole.slice(157)])
    for one, other in zip(
        matrices(whole, DAY, date(2026, 3, 18)), matrices(pieces, DAY, date(2026, 3, 18)), strict=True
    ):
        order = [other.row_by_dimensions()[dimensions] for dimensions in one.dimensions]
        np.testing.assert_array_equal(one.values, other.values[order])
