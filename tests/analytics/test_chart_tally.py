"""Sums of earlier streams take in later ones, and are those of all streams counted together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot.analytics.chart_streams import CodedPlays, Coding, Counted, Groups
from earshot.analytics.chart_tally import Counting, together

CODING = Coding(countries=3, tiers=2, entities=3, people=4)
Stream = tuple[int, int, int, int, bool]
"""Entity, listener, country and tier, and whether it looks manipulated; 0 is ALL and nobody's country."""
STREAMS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(1, 2), st.just(1), st.booleans() | st.just(False)),
    max_size=30,
)
CAPS = pytest.mark.parametrize("cap", [0, 1, 3])


def counted(streams: list[Stream]) -> Counted:
    columns = np.array(streams, np.int64).reshape(-1, 5).T
    return CodedPlays.of(CODING.key(*columns[:4]) * 2 + columns[4]).counted()


def rows(groups: Groups | None) -> list[tuple[int, int, int]] | None:
    return groups and list(zip(groups.keys.tolist(), groups.streams.tolist(), groups.listeners.tolist(), strict=True))


@CAPS
@given(earlier=STREAMS, later=STREAMS)
def test_sums_with_later_streams_are_those_of_all_streams(cap: int, earlier: list[Stream], later: list[Stream]) -> None:
    counting = Counting(CODING, cap)
    pairs = {stream[:2] for stream in later}
    shared = counted([stream for stream in earlier if stream[:2] in pairs])
    sums = counting.with_later(counting.sums(counted(earlier)), shared, counting.tally(counted(later)))
    whole = counting.sums(counted(earlier + later))
    assert [rows(groups) for groups in sums] == [rows(groups) for groups in whole]


@given(st.lists(STREAMS, min_size=1, max_size=5))
def test_streams_of_several_months_are_counted_as_those_of_one(months: list[list[Stream]]) -> None:
    streams = [stream for month in months for stream in month]
    for of_parts, of_whole in zip(together(*map(counted, months)), counted(streams), strict=True):
        assert (of_parts is None) == (of_whole is None)
        if of_parts and of_whole:
            assert of_parts.keys.tolist() == of_whole.keys.tolist()
            assert of_parts.count.tolist() == of_whole.count.tolist()
