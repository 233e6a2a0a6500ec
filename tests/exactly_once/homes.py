"""Homes with landing files of every fate, and what their tables say once those are published."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import zipfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from earshot.core.config import load_settings
from earshot.core.small_tables import SmallTables
from earshot.security.audit import AuditChain
from earshot.security.encryption import BatchCipher, is_encrypted
from earshot.security.keys import load_keys
from earshot.security.vault import Vault

DAY = date(2026, 3, 30)
OF_THE_CLOCK = {
    "silver.listens": {"ingested_at"},
    "silver.quarantine": {"quarantined_at", "replayed_at"},
    "gold.quality_kpis": {"measured_at"},
    "ops.ledger": {"started_at", "committed_at"},
    "bronze.listens": {"ingested_at"},
    "silver.sessions": set(),
}
"""What is compared row for row, without the columns that the contract leaves out."""
TIMED_KPIS = {"freshness_s", "event_freshness_s", "error_rate"}
_WRITTEN_AT = datetime(2026, 3, 30, 20, tzinfo=UTC).timestamp()

Content = dict[str, bytes]


def play(n: int, **changes: Any) -> dict[str, Any]:
    at, listener = f"2026-03-{29 + n % 2}T{8 + n // 60:02}:{n % 60:02}:00.000Z", f"listener-{n % 7}"
    return {"listener": listener, "started_at": at, "played_ms": 40_000 + n, "track_id": f"trk:{n}"} | changes


def lines(*events: object) -> bytes:
    return b"".join((one if isinstance(one, str) else json.dumps(one)).encode() + b"\n" for one in events)


def _zip(members: Content) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, held in members.items():
            archive.writestr(zipfile.ZipInfo(name), held)
    return whole.getvalue()


_OLD = [play(n) for n in range(80)]
_NEW = [play(n) for n in range(80, 160)]
_BROKEN = ('{"listener": "anna", "played_ms"', play(7, played_ms=-1), '{"listener": "bea", "track_id": 7')

FIRST: Content = {"a.jsonl": lines(*_OLD)}
SECOND: Content = {
    "b.jsonl": lines(
        *_NEW[:30],
        *_OLD[3:9],
        *(one | {"device": "web", "played_ms": 90_000} for one in _OLD[20:24]),
        *_BROKEN[:2],
    ),
    "c.jsonl": FIRST["a.jsonl"],
    "notes.bin": bytes(range(256)) * 4,
}
THIRD: Content = {
    "d.jsonl.gz": gzip.compress(lines(*_NEW[20:60], _BROKEN[2]), mtime=0),
    "e.jsonl": lines(*_NEW[60:], *_OLD[:5], play(3, device="ios", played_ms=95_000)),
    "f.jsonl": lines(*_NEW[60:], *_OLD[:5], play(3, device="ios", played_ms=95_000)),
    "empty.jsonl": b"",
    "g.zip": _zip({"1.jsonl": lines(*(play(n) for n in range(160, 180))), "2.jsonl": lines(play(180), _BROKEN[0])}),
}


def land(home: Path, content: Content) -> None:
    """Files arrive whole, all at the same time."""
    for name, held in content.items():
        place = home / "landing" / "2026-03-30" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(held)
        os.utime(place, (_WRITTEN_AT, _WRITTEN_AT))


@dataclass(frozen=True)
class Told:
    """What a home holds, by table and by folder; two of them are equal, or `differences` names what is not."""

    rows: dict[str, Counter[str]]

    def differences(self, expected: Told) -> list[str]:
        found = []
        for name in sorted({*self.rows, *expected.rows}):
            here, there = self.rows.get(name, Counter()), expected.rows.get(name, Counter())
            found += [f"{name}: {n} too many: {row}" for row, n in sorted((here - there).items())]
            found += [f"{name}: {n} missing: {row}" for row, n in sorted((there - here).items())]
        return found


def told(home: Path) -> Told:
    """What the tables, the vault and the folders of a home say, without batches and times of processing."""
    settings = load_settings(overrides={"home": str(home)})
    small, keys = SmallTables(settings.lake_root), load_keys(settings)
    rows: dict[str, Counter[str]] = {}
    for name, timed in OF_THE_CLOCK.items():
        kept = [row for row in small.rows(name) if row.get("kpi") not in TIMED_KPIS]
        rows[name] = Counter(_said(_opened(row, keys.master_key), {*timed, "batch_id"}) for row in kept)
    opens = Vault(settings, small).sealer.open
    rows["ops.vault"] = Counter(f"{row['listener_id']} {opens(row)}" for row in small.rows("ops.vault"))
    chain = AuditChain(small, "", master_key=keys.master_key, home=home)
    rows["problems of ops.audit"] = Counter(problem.what for problem in chain.verify())
    rows["archive/"] = Counter(f"{path.relative_to(home)} {_sha256(path)}" for path in _files(home / "archive"))
    rows["landing/"] = Counter(str(path.relative_to(home)) for path in _files(home / "landing"))
    return Told(rows)


def unbalanced(home: Path) -> list[dict[str, Any]]:
    """Rows of the ledger that do not add up, or whose accepted plays are not in silver."""
    small = SmallTables(str(home / "lake"))
    silver = Counter((row["batch_id"], row["source_file"]) for row in small.rows("silver.listens"))
    return [
        row
        for row in small.rows("ops.ledger")
        if row["read"] != row["accepted"] + row["duplicate"] + row["quarantined"] + row["filtered"]
        or row["accepted"] - row["erased"] != silver[row["batch_id"], row["source_file"]]
    ]


def versions(home: Path) -> dict[str, int]:
    """The latest commit of each table, read without opening it."""
    logs = (home / "lake").glob("*/*/_delta_log")
    return {f"{log.parent.parent.name}.{log.parent.name}": len(list(log.glob("*.json"))) for log in logs}


def _opened(row: dict[str, Any], master_key: bytes) -> dict[str, Any]:
    raw = row.get("raw")
    return row | {"raw": BatchCipher(master_key, row["batch_id"]).decrypt(raw)} if raw and is_encrypted(raw) else row


def _said(row: dict[str, Any], left_out: set[str]) -> str:
    return json.dumps({k: v for k, v in row.items() if k not in left_out}, default=str, sort_keys=True)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
