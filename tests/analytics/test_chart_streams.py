"""Counted streams as numbers: sorted a day at a time, counted together however they are parted."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot.analytics.chart_names import Vocabulary
from earshot.analytics.chart_streams import CodedPlays, Coding, Streams
from earshot.core.errors import TableError

Stream = tuple[int, bool]
"""Key, and whether it looks manipulated."""
DAYS = st.lists(st.lists(st.tuples(st.integers(0, 6) | st.integers(0, 2**62 - 1), st.booleans())), min_size=1)


def coded(streams: list[Stream]) -> CodedPlays:
    return CodedPlays.of(np.array([key * 2 + is_flagged for key, is_flagged in streams], np.int64))


def counts(streams: Streams) -> dict[int, int]:
    assert streams.keys.tolist() == sorted(set(streams.keys.tolist()))
    return dict(zip(streams.keys.tolist(), streams.count.tolist(), strict=True))


@given(DAYS)
def test_days_that_are_joined_count_as_all_their_streams_do(days: list[list[Stream]]) -> None:
    every, organic = CodedPlays.joined([coded(day) for day in days]).counted()
    streams = [stream for day in days for stream in day]
    assert counts(every) == Counter(key for key, _ in streams)
    if any(is_flagged for _, is_flagged in streams):
        assert organic is not None
        assert counts(organic) == Counter(key for key, is_flagged in streams if not is_flagged)
    else:
        assert organic is None


def test_a_key_and_its_parts_are_the_same_stream() -> None:
    coding = Coding(countries=3, tiers=4, entities=50, people=60)
    entity, listener, country, tier = (np.array(codes) for codes in ([0, 49, 7], [59, 0, 8], [2, 1, 0], [3, 3, 0]))
    parts = coding.parts(coding.key(entity, listener, country, tier))
    assert [part.tolist() for part in parts] == [codes.tolist() for codes in (entity, listener, country, tier)]


def test_a_coding_leaves_room_for_the_mark_of_a_stream() -> None:
    def of(people: int) -> Coding:
        return Coding.of(Vocabulary(*map(range, (2**5, 2**4, 2**22, people))))

    largest = of(2**31 - 1)
    last = largest.key(*(np.array([size - 1]) for size in (2**22, 2**31 - 1, 2**5, 2**4)))
    assert coded([(int(last[0]), True)]).counted()[0].keys.tolist() == last.tolist()
    with pytest.raises(TableError, match="too many to be counted together") as refused:
        of(2**31)
    assert "Map the countries and tiers" in str(refused.value.remedy)
