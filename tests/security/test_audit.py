from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from earshot.core.locations import source_root
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.security.audit import AUDIT, GENESIS, AuditChain, hash_of
from earshot.security.tombstones import Buried

MASTER = bytes(range(32))
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)

Rows = list[dict[str, Any]]


def _chain(home: Path) -> AuditChain:
    return AuditChain(SmallTables(str(home / "lake")), "anna", lambda: NOON, master_key=MASTER, home=home)


_RECORD_FIVE = """
import sys
from pathlib import Path
from earshot.core.small_tables import SmallTables
from earshot.security.audit import AuditChain

home = Path(sys.argv[1])
chain = AuditChain(SmallTables(str(home / "lake")), "anna", master_key=bytes(range(32)), home=home)
for n in range(5):
    chain.record("run", f"job-{n}", {})
"""


@pytest.fixture
def small_tables(settings: Settings) -> SmallTables:
    return SmallTables(settings.lake_root)


@pytest.fixture
def chain(home: Path) -> AuditChain:
    chain = _chain(home)
    for n in range(6):
        chain.record("run", f"job-{n}", {"rows": n, "day": NOON.date()})
    return chain


def test_its_files_beside_the_keys_belong_to_their_owner_alone(chain: AuditChain, home: Path) -> None:
    assert {path.name: path.stat().st_mode & 0o777 for path in (home / "keys").iterdir()} == dict.fromkeys(
        ("audit.files", "audit.head", "audit.lock"), 0o600
    )


def test_entries_follow_each_other_from_the_first(chain: AuditChain, small_tables: SmallTables) -> None:
    rows = sorted(small_tables.rows(AUDIT), key=lambda row: row["sequence"])
    assert [row["sequence"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[0]["previous_hash"] == GENESIS
    assert all(after["previous_hash"] == before["hash"] == hash_of(before) for before, after in pairwise(rows))
    assert json.loads(rows[3]["detail"]) == {"rows": 3, "day": "2026-03-29"}
    assert chain.verify() == []


def test_an_empty_trail_is_in_order(home: Path) -> None:
    assert _chain(home).verify() == []


def _change(rows: Rows) -> Rows:
    return [{**row, "actor": "eve"} if row["sequence"] == 3 else row for row in rows]


def _change_and_hash_again(rows: Rows) -> Rows:
    changed = [{**row, "actor": "eve"} if row["sequence"] == 3 else row for row in rows]
    return [{**row, "hash": hash_of(row)} if row["sequence"] == 3 else row for row in changed]


def _cut_out(rows: Rows) -> Rows:
    return [row for row in rows if row["sequence"] != 3]


def _cut_the_head(rows: Rows) -> Rows:
    return rows[2:]


def _cut_the_tail(rows: Rows) -> Rows:
    return rows[:-1]


def _swap(rows: Rows) -> Rows:
    numbers = {2: 4, 4: 2}
    return [{**row, "sequence": numbers.get(row["sequence"], row["sequence"])} for row in rows]


def _double(rows: Rows) -> Rows:
    return [*rows, rows[2]]


def _build_anew(rows: Rows) -> Rows:
    """A whole chain that is right in itself: only who has the master key sees that it is another one."""
    built: Rows = []
    for row in rows:
        entry = {**row, "actor": "eve", "previous_hash": built[-1]["hash"] if built else GENESIS}
        built.append({**entry, "hash": hash_of(entry)})
    return built


def _remove_all(rows: Rows) -> Rows:
    return []


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (_change, "entry 3 was changed"),
        (_change_and_hash_again, "order changed"),
        (_cut_out, "before 4 are missing"),
        (_cut_the_head, "2 entries before 3 are missing"),
        (_cut_the_tail, "the last 1 entries are missing"),
        (_swap, "order changed"),
        (_double, "more than once"),
        (_build_anew, "not the one that the sealed head names"),
        (_remove_all, "the last 6 entries are missing"),
    ],
)
def test_tampering_is_found(
    chain: AuditChain, small_tables: SmallTables, tamper: Callable[[Rows], Rows], said: str
) -> None:
    rows = sorted(small_tables.rows(AUDIT), key=lambda row: row["sequence"])
    small_tables.overwrite(AUDIT, tamper(rows))
    problems = [problem.what for problem in chain.verify()]
    assert any(said in problem for problem in problems), problems


def test_every_flipped_byte_of_a_file_is_found(chain: AuditChain, settings: Settings) -> None:
    folder = Path(settings.lake_root, "ops", "audit")
    for path in [next(folder.glob("*.parquet")), next((folder / "_delta_log").glob("*.json"))]:
        whole = path.read_bytes()
        for position in range(0, len(whole), max(1, len(whole) // 12)):
            flipped = bytearray(whole)
            flipped[position] ^= 0x01
            path.write_bytes(flipped)
            assert chain.verify(), f"byte {position} of {path.name}"
        path.write_bytes(whole)
    assert chain.verify() == []


def test_a_forged_or_missing_head_is_found(chain: AuditChain, home: Path) -> None:
    head = home / "keys" / "audit.head"
    kept = head.read_text()
    head.write_text(json.dumps({**json.loads(kept), "sequence": 5}))
    assert "seal" in chain.verify()[0].what
    head.unlink()
    assert "head of the chain is missing" in chain.verify()[0].what


def test_a_writer_killed_between_table_and_head_leaves_a_chain_that_goes_on(chain: AuditChain, home: Path) -> None:
    head = home / "keys" / "audit.head"
    kept = head.read_text()
    chain.record("run", "killed", {})
    head.write_text(kept)
    assert chain.verify() == []
    chain.record("run", "next", {})
    assert chain.verify() == []


def test_processes_that_write_at_the_same_time_make_one_chain(home: Path, small_tables: SmallTables) -> None:
    environment = {**os.environ, "PYTHONPATH": str(source_root())}
    writers = [subprocess.Popen([sys.executable, "-c", _RECORD_FIVE, str(home)], env=environment) for _ in range(2)]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    assert sorted(row["sequence"] for row in small_tables.rows(AUDIT)) == list(range(1, 11))
    assert _chain(home).verify() == []


def test_the_trail_names_listeners_by_tombstone_only(home: Path, small_tables: SmallTables) -> None:
    pseudonym = "v1:" + "a" * 32
    chain = _chain(home)
    chain.record("suspect.confirm", pseudonym, {"listener": pseudonym})
    (row,) = small_tables.rows(AUDIT)
    assert pseudonym not in str(row)
    assert row["subject"] == Buried(MASTER).token(pseudonym)
    assert chain.verify() == []


def test_a_line_of_the_notes_that_a_full_disk_cut_is_no_sign_of_tampering(chain: AuditChain, home: Path) -> None:
    notes = home / "keys" / "audit.files"
    notes.write_text(notes.read_text(encoding="utf-8") + "0123456789abcdef", encoding="utf-8")
    chain.record("run", "job-6", {})
    assert chain.verify() == []
