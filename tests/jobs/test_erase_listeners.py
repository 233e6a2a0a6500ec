from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import functions as F
from tests.factories import listens_arrow

from earshot.automation.loading import load_job
from earshot.caching.published import PublishedResults
from earshot.core.job import Job
from earshot.core.memo_files import MemoFiles
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.tables import Tables, Transaction
from earshot.security.audit import AuditChain
from earshot.security.encryption import BatchCipher
from earshot.security.erasure import Erasure
from earshot.security.keys import Keys, load_keys
from earshot.security.pseudonyms import Pseudonymiser
from earshot.security.tombstones import Tombstones
from earshot.security.traces import files_with
from earshot.security.vault import Vault

pytestmark = pytest.mark.interpreted

DAY = date(2026, 3, 29)
NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
PEOPLE = [f"listener-{n:06d}" for n in range(8)]
GONE = PEOPLE[3]


@pytest.fixture
def keys(settings: Settings) -> Keys:
    return load_keys(settings)


@pytest.fixture
def pseudonyms(keys: Keys) -> dict[str, str]:
    return {person: Pseudonymiser(keys.pseudonym_key, keys.key_version).token(person) for person in PEOPLE}


@pytest.fixture
def lake(tables: Tables, settings: Settings, pseudonyms: dict[str, str], keys: Keys) -> SmallTables:
    """A lake in which eight people listened for three days, in two files, one of them an export of `GONE` alone."""
    small = SmallTables(settings.lake_root)
    rows = listens_arrow(240, listeners=8).to_pylist()
    for n, row in enumerate(rows):
        person = PEOPLE[int(row["listener_id"].removeprefix("v1:"), 16)]
        own = person == GONE and n % 2
        row |= {"listener_id": pseudonyms[person], "source_file": "export.json" if own else "plays.jsonl.gz"}
        row |= {"batch_id": "batch-1", "source_line": n}
    silver = tables.spark.createDataFrame(pa.Table.from_pylist(rows))
    tables.append("silver.listens", silver, transaction=Transaction("publish", 1), metadata={"batch_id": "batch-1"})
    changed = {"batch_id": F.lit("it's batch 2"), "raw": F.col("listener_id")}
    waiting = silver.limit(80).drop("tellings").withColumns(changed)
    empty = F.array().cast("array<string>")
    tables.append("bronze.listens", waiting.withColumns({"failed_rules": empty, "quarantine_rules": empty}))
    sessions = silver.select(
        "listener_id", "started_at", F.col("listen_id").alias("session_id"), F.col("listen_date").alias("session_date")
    )
    tables.append("silver.sessions", sessions, metadata={"consumed": {"silver.listens": 1}})
    cipher = BatchCipher(keys.master_key, "batch-1")
    small.append(
        "silver.quarantine",
        [
            {"batch_id": "batch-1", "source_file": "plays.jsonl.gz", "source_line": line, **rest}
            for line, rest in enumerate(
                [
                    {"listener_id": pseudonyms[GONE], "raw": json.dumps({"listener_id": pseudonyms[GONE]})},
                    {"raw": json.dumps({"listener_id": pseudonyms[GONE], "played_ms": "abc"})},
                    {"raw": cipher.encrypt(f'{{"listener":"{GONE}","played')},
                    {"raw": cipher.encrypt('{"listener":"listener-0000031","played')},
                    {"listener_id": pseudonyms[PEOPLE[0]], "raw": "{}"},
                ]
            )
        ],
    )
    small.append(
        "gold.recommendations",
        [{"listener_id": p, "rank": rank, "track_id": f"trk:{rank}"} for p in pseudonyms.values() for rank in (1, 2)],
    )
    small.append("gold.suspect_listens", [{"listener_id": p, "listen_date": DAY} for p in pseudonyms.values()])
    small.append("gold.listener_segments", [{"listener_id": p, "as_of": DAY} for p in pseudonyms.values()])
    small.append("gold.alerts", [{"fingerprint": "f", "rule": "r", "labels": {"listener": pseudonyms[GONE]}}])
    small.append("ops.feedback", [{"subject_kind": "suspect", "subject": pseudonyms[GONE], "verdict": "confirmed"}])
    accepted = {name: sum(row["source_file"] == name for row in rows) for name in ("plays.jsonl.gz", "export.json")}
    small.append(
        "ops.ledger",
        [
            {"batch_id": "batch-1", "source_file": name, "content_sha256": sha, "accepted": accepted[name], "erased": 0}
            for name, sha in (("plays.jsonl.gz", "a" * 64), ("export.json", "b" * 64))
        ],
    )
    Vault(settings, small).remember({pseudonym: person for person, pseudonym in pseudonyms.items()})
    archived = settings.archive / "aa" / ("a" * 64)
    archived.parent.mkdir(parents=True)
    archived.write_bytes(gzip.compress("\n".join(json.dumps({"listener": p}) for p in PEOPLE).encode()))
    (settings.archive / "bb").mkdir()
    (settings.archive / "bb" / ("b" * 64)).write_text('[{"ms_played": 1000}]')
    (settings.home / "reports").mkdir()
    (settings.home / "reports" / "report.html").write_text(f"<b>{pseudonyms[GONE]}</b>")
    for person in (GONE, PEOPLE[0]):
        (settings.home / "reports" / f"listener-{pseudonyms[person].replace(':', '-')}-2026.html").write_text(
            "Undertow"
        )
    for name, people in (("of-all", PEOPLE), ("of-one", PEOPLE[:1])):
        known = pa.array([[pseudonyms[person] for person in people]], pa.large_list(pa.string()))
        MemoFiles.of(settings.lake_root, "gold.charts").write(name, pa.RecordBatch.from_pydict({"listener": known}))
    PublishedResults(settings).publish([(("recommendations", p), [1]) for p in pseudonyms.values()])
    return small


def _erase(make_job: Callable[..., Job], settings: Settings, keys: Keys, subject: str) -> Job:
    job = make_job("erase_listeners", now=NOW, listener=subject)
    small = SmallTables(settings.lake_root)
    job.audit = AuditChain(small, "officer", lambda: NOW, master_key=keys.master_key, home=settings.home)
    load_job("erase_listeners")(job)
    return job


@pytest.mark.integration
@pytest.mark.parametrize("named_by", ["identity", "pseudonym"])
def test_an_erased_listener_is_nowhere_and_everybody_else_is_where_they_were(
    lake: SmallTables,
    tables: Tables,
    settings: Settings,
    keys: Keys,
    pseudonyms: dict[str, str],
    make_job: Callable[..., Job],
    named_by: str,
) -> None:
    gone = pseudonyms[GONE]
    listener_tables = ["silver.listens", "silver.sessions", "gold.recommendations", "gold.suspect_listens"]
    listener_tables.append("gold.listener_segments")
    others = {name: _others(lake, name, gone) for name in listener_tables}
    assert files_with(settings.home, [gone])

    job = _erase(make_job, settings, keys, gone if named_by == "pseudonym" else f" {GONE} ")

    assert files_with(settings.home, [gone]) == []
    assert {name: _others(lake, name, gone) for name in listener_tables} == others
    assert all(row.get("listener_id") != gone for name in listener_tables for row in lake.rows(name))
    silver = lake.rows("silver.listens")
    for row in lake.rows("ops.ledger"):
        left = sum(listen["source_file"] == row["source_file"] for listen in silver)
        assert row["accepted"] - row["erased"] == left
        assert row["erased"] > 0
    touched = [commit.metadata for commit in tables.commits("silver.listens") if "erased" in commit.metadata]
    assert touched[0]["touched_days"] == ["2026-03-23", "2026-03-24", "2026-03-25"]
    waiting = lake.rows("bronze.listens")
    assert len(waiting) == 80
    assert {row["filtered_reason"] for row in waiting if row["listener_id"] is None} == {"erased listener"}
    assert sorted(row["source_line"] for row in lake.rows("silver.quarantine")) == [3, 4]
    vault = Vault(settings, lake)
    assert vault.reveal(gone) is None
    assert vault.reveal(pseudonyms[PEOPLE[0]]) == PEOPLE[0]
    archived = gzip.decompress((settings.archive / "aa" / ("a" * 64)).read_bytes()).decode().split("\n")
    assert [bool(line) for line in archived] == [person != GONE for person in PEOPLE]
    assert not (settings.archive / "bb" / ("b" * 64)).exists()
    (page,) = (settings.home / "reports").iterdir()
    assert page.name == f"listener-{pseudonyms[PEOPLE[0]].replace(':', '-')}-2026.html"
    memos = MemoFiles.of(settings.lake_root, "gold.charts")
    assert ("of-all" in memos, "of-one" in memos) == (False, True)
    assert PublishedResults(settings).get("recommendations", gone) is None
    assert PublishedResults(settings).get("recommendations", pseudonyms[PEOPLE[0]]) == [1]
    assert gone in Tombstones.load(lake, keys.master_key)
    assert job.summary.facts["files_with_the_pseudonym"] == 0
    assert job.summary.facts["silver.listens"] != "0 -> 0"
    (entry,) = lake.rows("ops.audit")
    assert (entry["action"], entry["actor"]) == ("erase", "officer")

    again = _erase(make_job, settings, keys, GONE)
    assert again.summary.rows_in == 0
    assert len(lake.rows("ops.tombstones")) == 1


def test_an_erasure_that_was_killed_when_the_rows_were_gone_still_knows_the_listeners_own_export(
    lake: SmallTables,
    settings: Settings,
    keys: Keys,
    make_job: Callable[..., Job],
    pseudonyms: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(Erasure, "redact_texts", lambda erasure: (_ for _ in ()).throw(KeyboardInterrupt))
        _erase(make_job, settings, keys, GONE)
    _erase(make_job, settings, keys, GONE)
    assert not (settings.archive / "bb" / ("b" * 64)).exists()
    assert files_with(settings.home, [pseudonyms[GONE]]) == []


def _others(lake: SmallTables, name: str, gone: str) -> list[dict[str, Any]]:
    return sorted((row for row in lake.rows(name) if row["listener_id"] != gone), key=str)


def test_plays_of_an_erased_listener_that_arrive_again_are_filtered_and_leave_no_identity(
    make_job: Callable[..., Job], settings: Settings
) -> None:
    def deliver(name: str, minutes: int) -> None:
        at = f"2026-03-29T09:{minutes:02}:00Z"
        event = {"started_at": at, "played_ms": 60_000, "track_id": "trk:1"}
        lines = [json.dumps({"listener": who, **event}) for who in ("gone-for-good", "still-here", "gone-for-good")]
        settings.landing.mkdir(parents=True, exist_ok=True)
        (settings.landing / name).write_text("\n".join(lines), encoding="utf-8")
        for job in ("ingest_listens", "publish_listens"):
            load_job(job)(make_job(job))

    deliver("first.jsonl", 1)
    keys = load_keys(settings)
    pseudonym = Pseudonymiser(keys.pseudonym_key, keys.key_version).token("gone-for-good")
    assert files_with(settings.home, [pseudonym]) != []
    load_job("erase_listeners")(make_job("erase_listeners", listener="gone-for-good"))
    deliver("again.jsonl", 2)
    (row,) = SmallTables(settings.lake_root).rows("ops.ledger", [("source_file", "=", "again.jsonl")])
    assert (row["read"], row["accepted"], row["filtered"]) == (3, 1, 2)
    archived = [path.read_text(encoding="utf-8") for path in settings.archive.rglob("*") if path.is_file()]
    assert len(archived) == 2
    assert all("gone-for-good" not in text and "still-here" in text for text in archived)
    assert files_with(settings.home, [pseudonym]) == []
