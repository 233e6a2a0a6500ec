from __future__ import annotations

import pickle
from datetime import UTC, datetime

import pyarrow as pa

from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.security.tombstones import TOMBSTONES, Buried, Tombstones

MASTER = bytes(range(32))
ANNA, BERT = "v1:" + "a" * 32, "v1:" + "b" * 32


def test_an_erased_listener_is_known_by_a_tombstone_that_does_not_name_them(settings: Settings) -> None:
    small_tables = SmallTables(settings.lake_root)
    row = {"listener_id": Buried(MASTER).token(ANNA), "erased_at": datetime.now(UTC), "run_id": "run"}
    small_tables.append(TOMBSTONES, [row])
    tombstones = pickle.loads(pickle.dumps(Tombstones.load(small_tables, MASTER)))
    assert ANNA in tombstones
    assert BERT not in tombstones
    assert tombstones.mask(pa.array([BERT, ANNA, None, ANNA])).to_pylist() == [False, True, False, True]
    assert ANNA not in str(small_tables.rows(TOMBSTONES))
    assert ANNA not in Tombstones.load(small_tables, bytes(32))


def test_where_nobody_was_erased_nobody_is_masked(settings: Settings) -> None:
    tombstones = Tombstones.load(SmallTables(settings.lake_root), MASTER)
    assert not tombstones
    assert tombstones.mask(pa.chunked_array([[ANNA], [None]])).to_pylist() == [False, False]
