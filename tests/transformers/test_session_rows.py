"""Sessions do not depend on where the plays are cut into batches, nor on how long one goes on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from earshot.core import columns as c
from earshot.transformers import session_rows
from earshot.transformers.session_rows import IS_COUNTED, SessionBuilder
from earshot.transformers.sessions import SessionRules
from factories import listens_arrow

RULES = SessionRules()
BUILDER = SessionBuilder(RULES.gap_minutes * 60_000_000, RULES.skip, RULES.chosen, RULES.autoplayed)


def in_order(plays: pa.Table) -> pa.Table:
    started, ended = plays[c.STARTED_AT], plays[c.ENDED_AT]
    ended = pc.if_else(pc.fill_null(pc.greater(ended, started), False), ended, started)
    plays = plays.set_column(plays.schema.get_field_index(c.ENDED_AT), c.ENDED_AT, ended)
    plays = plays.append_column(IS_COUNTED, pc.greater(plays[c.PLAYED_MS], 30_000))
    return plays.sort_by([(name, "ascending") for name in (c.LISTENER_ID, c.STARTED_AT, c.LISTEN_ID)])


def built(plays: pa.Table, rows_of_a_batch: int) -> list[dict[str, object]]:
    batches = plays.combine_chunks().to_batches(max_chunksize=rows_of_a_batch)
    return [row for batch in BUILDER.sessions(iter(batches)) for row in batch.to_pylist()]


@pytest.mark.parametrize("rows_of_a_batch", [1, 7, 60])
def test_the_cuts_between_batches_change_nothing(monkeypatch: pytest.MonkeyPatch, rows_of_a_batch: int) -> None:
    plays = in_order(listens_arrow(400, seed=5, days=3, first_day=date(2026, 3, 27), listeners=4, gaps=0.2))
    whole = built(plays, 400)
    assert 20 < len(whole) < 400
    monkeypatch.setattr(session_rows, "_AT_ONCE", 1)
    assert built(plays, rows_of_a_batch) == whole


def test_a_session_that_never_ends_is_one_session(monkeypatch: pytest.MonkeyPatch) -> None:
    start, minute = datetime(2026, 3, 27, tzinfo=UTC), timedelta(minutes=1)
    some = listens_arrow(300, seed=1, days=1, first_day=start.date(), listeners=1)
    starts = pa.array([start + n * minute for n in range(300)], pa.timestamp("us", "UTC"))
    for name, column in ((c.STARTED_AT, starts), (c.ENDED_AT, pc.add(starts, minute))):
        some = some.set_column(some.schema.get_field_index(name), name, column)
    monkeypatch.setattr(session_rows, "_AT_ONCE", 16)
    (only,) = built(in_order(some), 10)
    assert (only[c.LISTENS], only[c.STARTED_AT]) == (300, start)
    assert only[c.ENDED_AT] == start + 300 * minute


def test_a_long_play_bridges_the_plays_within_it_over_a_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    start, minute = datetime(2026, 3, 27, tzinfo=UTC), timedelta(minutes=1)
    some = listens_arrow(3, seed=1, days=1, first_day=start.date(), listeners=1)
    starts, ends = [start, start + minute, start + 130 * minute], [120 * minute, 4 * minute, 4 * minute]
    for name, moments in (
        (c.STARTED_AT, starts),
        (c.ENDED_AT, [begin + length for begin, length in zip(starts, ends, strict=True)]),
    ):
        column = pa.array(moments, pa.timestamp("us", "UTC"))
        some = some.set_column(some.schema.get_field_index(name), name, column)
    monkeypatch.setattr(session_rows, "_AT_ONCE", 1)
    assert [row[c.LISTENS] for row in built(in_order(some), 1)] == [3]
