"""Streams that are kept by span are put together, and found again by pair, as if they were counted at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot.analytics import chart_heard, chart_streams
from earshot.analytics.chart_heard import Asked, Heard
from earshot.analytics.chart_names import Vocabulary, sorted_names
from earshot.analytics.chart_streams import CodedPlays, Coding, Counted
from earshot.core.errors import TableError

Stream = tuple[str, str, str, str, bool]
"""Country, tier, entity, listener, and whether it looks manipulated."""
NAMES = st.sampled_from(["a", "b", "c", "d"])
STREAMS = st.lists(st.tuples(NAMES, NAMES, NAMES, NAMES, st.booleans()), min_size=1, max_size=25)
KEEPING = st.sampled_from([63, 8])


def counted(streams: Sequence[Stream]) -> tuple[Counted, Coding, Vocabulary]:
    country, tier, entity, listener = (sorted_names(pa.array([one[n] for one in streams])) for n in range(4))
    every = pa.array(["ALL"])
    names = Vocabulary.beginning(pa.concat_arrays([every, country]), pa.concat_arrays([every, tier]), entity, listener)
    coding = Coding.of(names)
    columns = [pa.array([one[n] for one in streams]) for n in range(4)]
    of = (names.country, names.tier, names.entity, names.listener)
    c, t, e, li = (one.codes(column) for one, column in zip(of, columns, strict=True))
    flagged = np.array([one[4] for one in streams], np.int64)
    return CodedPlays.of(coding.key(e, li, c, t) * 2 + flagged).counted(), coding, names


def heard(streams: Sequence[Stream]) -> Heard:
    return Heard.of(*counted(streams))


def told(of: Heard) -> Counter[tuple[str, ...]]:
    """How often each country, tier, entity and listener is there, and how often unflagged."""
    sizes = [max(len(names), 1) for names in of.names]
    entity, listener, country, tier = Coding(*sizes).parts(of.keys)
    found: Counter[tuple[str, ...]] = Counter()
    for n in range(len(of.keys)):
        codes = (country[n], tier[n], entity[n], listener[n])
        name = tuple(names[int(code)].as_py() for names, code in zip(of.names, codes, strict=True))
        found["every", *name] = int(of.streams[n])
        found["organic", *name] = int(of.organic[n]) if len(of.organic) else int(of.streams[n])
    return +found


def expected(streams: Sequence[Stream]) -> Counter[tuple[str, ...]]:
    every = Counter(("every", *one[:4]) for one in streams)
    return every + Counter(("organic", *one[:4]) for one in streams if not one[4])


@given(parts=st.lists(STREAMS, min_size=1, max_size=4), bits=KEEPING)
def test_spans_that_are_put_together_are_the_streams_of_all(parts: list[list[Stream]], bits: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(chart_heard, "_BITS", bits)
        whole = Heard.merged([heard(part) for part in parts])
    assert np.all(np.diff(whole.keys) > 0)
    assert told(whole) == expected([one for part in parts for one in part])


def test_more_combinations_than_a_number_holds_are_not_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [heard([(name, "free", name, name, False)]) for name in "abc"]
    monkeypatch.setattr(chart_streams, "_LARGEST_KEY", 20)
    with pytest.raises(TableError, match="too many to be counted together"):
        Heard.merged(parts)


@given(earlier=STREAMS, later=STREAMS)
def test_what_the_pairs_of_later_streams_had_is_found_in_their_numbers(
    earlier: list[Stream], later: list[Stream]
) -> None:
    streams, coding, names = counted([*later, *((*one[:2], "nobody's", "nobody", False) for one in earlier)])
    asking = CodedPlays.of(streams[0].keys * 2).counted()[0]
    pairs = {one[2:4] for one in later} | {("nobody's", "nobody")}
    found = heard(earlier).earlier(Asked.of(asking, coding), coding, names)
    kept = Heard.of(found, coding, names) if len(found[0].keys) else None
    assert (told(kept) if kept else Counter()) == expected([one for one in earlier if one[2:4] in pairs])


@given(streams=STREAMS)
def test_a_memo_says_what_it_was_given(streams: list[Stream]) -> None:
    one = heard(streams)
    again = Heard.from_batch(one.as_batch())
    assert told(again) == told(one) == expected(streams)
