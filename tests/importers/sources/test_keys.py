from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot.core.errors import DependencyError
from earshot.importers.sources.keys import as_json, before, condition, from_json, literal, up_to

VALUES = st.one_of(
    st.integers(),
    st.text(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.dates(),
    st.decimals(allow_nan=False, allow_infinity=False),
)


@given(st.lists(VALUES, min_size=1, max_size=3))
def test_a_watermark_is_read_as_it_was_written(values: list[object]) -> None:
    read = from_json(as_json(values))  # type: ignore[arg-type]
    assert read == tuple(values)
    assert [type(value) for value in read] == [type(value) for value in values]


def test_values_are_literals_of_standard_sql() -> None:
    berlin = datetime(2026, 3, 29, 3, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert literal(berlin) == "TIMESTAMP WITH TIME ZONE '2026-03-29 01:30:00.000000+00:00'"
    assert literal(datetime(2026, 3, 29, 3, 30)) == "TIMESTAMP '2026-03-29 03:30:00.000000'"
    assert literal(date(2026, 3, 29)) == "DATE '2026-03-29'"
    assert literal("'; DROP TABLE plays; --") == "'''; DROP TABLE plays; --'"
    assert (literal(7), literal(Decimal("7.50"))) == ("7", "7.50")
    with pytest.raises(DependencyError, match="do not read alike"):
        literal("\\'")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), unique=True), st.integers(0, 16))
def test_ranges_of_a_compound_key_cut_the_rows_into_before_and_after(rows: list[tuple[int, int]], cut: int) -> None:
    low = (cut // 4, cut % 4)
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a INTEGER, b INTEGER)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [*rows, (None, 1)])

    def chosen(where: str) -> set[tuple[int, int]]:
        return set(connection.execute(f"SELECT a, b FROM t WHERE {where}"))  # noqa: S608 (of the test's own)

    assert chosen(condition(("a", "b"), low, 0.0)) == {row for row in rows if row > low}
    assert chosen(up_to(("a", "b"), low)) == {row for row in rows if row <= low}
    connection.close()


def test_an_overlap_is_in_seconds_of_a_time_and_else_in_units_of_the_key() -> None:
    assert before(datetime(2026, 3, 29, 0, 1), 90) == datetime(2026, 3, 28, 23, 59, 30)
    assert before(date(2026, 3, 29), 90) == date(2026, 3, 28)
    assert before(10, 2.5) == 7
    assert condition(("at", "id"), (10, 3), 2) == "at >= 8"
