"""Memos that name an erased listener are deleted, all others stay."""

from __future__ import annotations

from typing import Any, cast

import pyarrow as pa

from earshot.core.memo_files import MemoFiles
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.security.erasure import Erasure, Listener
from earshot.security.keys import load_keys

GONE, OTHER = (f"v1:{letter * 64}" for letter in "ab")


def test_memos_that_name_an_erased_listener_are_deleted_and_looked_for(settings: Settings) -> None:
    memos = MemoFiles.of(settings.lake_root, "gold.charts")
    for name, people in (("both", [GONE, OTHER]), ("other", [OTHER]), (".half", [GONE])):
        names = pa.array([people], pa.large_list(pa.string()))
        memos.write(name, pa.RecordBatch.from_pydict({"listener": names}))
    small = SmallTables(settings.lake_root)
    erasure = Erasure(Listener((GONE,), None), settings, cast(Any, None), small, load_keys(settings))
    assert [path.name for path in erasure.traces()] == [".half", "both"]
    assert {place.place: place.before for place in erasure.strike_files()}["memos (files)"] == 2
    assert erasure.traces() == []
    assert ("both" in memos, "other" in memos) == (False, True)
