"""Fractions as bytes, and the counts of one task: nothing is lost on the way, however the plays arrive."""

from __future__ import annotations

from collections import Counter
from datetime import date
from fractions import Fraction

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.revenue_worlds import KEYS
from earshot.analytics.revenue import listeners
from earshot.analytics.revenue.listeners import counts_of_listeners, counts_schema
from earshot.analytics.revenue.packing import packed, unpacked
from earshot.analytics.revenue.rounding import Weights, integer_weights, summed
from earshot.core.revenue_settings import ArtistCentricSettings

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 10**12), st.integers(1, 10**6)), max_size=60)


@given(ROWS, ROWS)
def test_what_is_packed_comes_back_with_the_same_sums(
    rows: list[tuple[int, int, int]], others: list[tuple[int, int, int]]
) -> None:
    exact: Counter[int] = Counter()
    blobs = []
    for told in (rows, others):
        part, numerator, denominator = (np.array([row[n] for row in told], np.int64) for n in range(3))
        blobs.append(packed(Weights(part, numerator, denominator), parts=5))
        for at, top, bottom in told:
            exact[at] += Fraction(top, bottom)  # type: ignore[assignment]
    lists = pa.array([[blobs[0][at].as_py(), blobs[1][at].as_py()] for at in range(5)], pa.list_(pa.binary()))
    back = unpacked(lists)
    assert len({*zip(back.part.tolist(), back.denominator.tolist(), strict=True)}) <= len(back.part)
    found: Counter[int] = Counter()
    for at, top, bottom in zip(back.part.tolist(), back.numerator.tolist(), back.denominator.tolist(), strict=True):
        assert top > 0
        found[at] += Fraction(top, bottom)  # type: ignore[assignment]
    assert {at: value for at, value in found.items() if value} == {at: value for at, value in exact.items() if value}
    sliced = unpacked(lists.slice(2))
    assert sorted(set(sliced.part.tolist())) == sorted(at - 2 for at, value in found.items() if value and at > 1)


def test_sums_that_eight_bytes_cannot_hold_are_exact() -> None:
    most = np.array([2**62, 2**62, 2**62], np.int64)
    _, sums = summed(np.array([0, 0, 1]), most)
    assert sums.tolist() == [2**63, 2**62]
    assert integer_weights(Weights(np.zeros(3, np.int64), most, np.ones(3, np.int64)), parts=1).tolist() == [3 * 2**62]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ann", "bob", "cyn"]),
            st.sampled_from(["a", "b"]),
            st.sampled_from([None, "", "t"]),
            st.integers(0, 15),
            st.sampled_from([date(2026, 3, 1), date(2026, 4, 1)]),
        ),
        min_size=1,
        max_size=40,
    ),
    st.integers(1, 7),
)
def test_a_task_counts_the_same_however_its_plays_are_batched(
    plays: list[tuple[str, str, str | None, int, date]], size: int
) -> None:
    rows = [
        {
            "month": month,
            "country": "DE",
            "tier": "free",
            "artist_id": artist,
            "work": work,
            "listener_id": who,
            "marks": marks,
        }
        for who, artist, work, marks, month in plays
    ]
    names = [*KEYS, "listener_id", "marks"]
    types = [pa.date32(), *[pa.string()] * 5, pa.int8()]
    whole = pa.RecordBatch.from_pylist(rows, schema=pa.schema(list(zip(names, types, strict=True))))
    rules = ArtistCentricSettings(listener_cap=5)

    def counted(batches: list[pa.RecordBatch]) -> list[dict[str, object]]:
        table = pa.Table.from_batches(list(counts_of_listeners(iter(batches), rules)), schema=counts_schema())
        return sorted(table.to_pylist(), key=repr)

    enough, listeners._ENOUGH_ROWS = listeners._ENOUGH_ROWS, size
    try:
        pieces = counted([whole.slice(at, size) for at in range(0, len(rows), size)])
    finally:
        listeners._ENOUGH_ROWS = enough
    assert pieces == counted([whole])
    assert sum(int(str(row["streams_every"])) for row in pieces) == len(plays)
    heard = {(month, who, artist) for who, artist, _, _, month in plays}
    assert sum(int(str(row["listeners_every"])) for row in pieces) == len(heard)


def test_a_task_without_plays_counts_nothing() -> None:
    assert list(counts_of_listeners(iter([]), ArtistCentricSettings())) == []
