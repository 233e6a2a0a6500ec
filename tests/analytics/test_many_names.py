"""Names as numbers that stay the same, found by Arrow."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earshot.analytics.many_names import ManyNames
from earshot.core.errors import TableError

NAMES = st.lists(st.none() | st.sampled_from(["a", "b", "ä", "", "unknown"]) | st.text(max_size=3))


@given(st.lists(NAMES))
def test_a_name_keeps_its_number_while_further_names_come(columns: list[list[str | None]]) -> None:
    names = ManyNames("listener_id", 10_000)
    seen: dict[str, int] = {}
    for column in columns:
        codes = names.codes(pa.array(column, pa.string()), missing="unknown").tolist()
        for name, code in zip(column, codes, strict=True):
            assert seen.setdefault(name if name is not None else "unknown", code) == code
    assert sorted(seen.values()) == sorted(set(seen.values())), "two names have one number"
    assert [names.listed[code].as_py() for code in seen.values()] == list(seen)


def test_more_names_than_there_may_be_are_refused() -> None:
    names = ManyNames("listener_id", 2)
    names.codes(pa.array(["a", "b"]))
    with pytest.raises(TableError, match="more than 2 different values of listener_id"):
        names.codes(pa.array(["b", "c"]))
