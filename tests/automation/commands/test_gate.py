from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from earshot.automation.cli import main
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.validators.releases import record_release, released_batches
from earshot.validators.reports import report_path, write_report
from earshot.validators.suites import load_gate_suite
from earshot.validators.verdicts import FailedExpectation, GateVerdict

AT = datetime(2026, 3, 30, 6, tzinfo=UTC)
Earshot = Callable[..., int]


@pytest.fixture
def earshot(settings: Settings) -> Earshot:
    return lambda *words: main([*words, "--home", str(settings.home)])


@pytest.fixture
def small_tables(settings: Settings) -> SmallTables:
    return SmallTables(settings.lake_root)


def ledger_row(batch: str, file: str, status: str, reason: str | None = None) -> dict[str, Any]:
    counts = {"read": 1_000, "accepted": 0, "duplicate": 0, "quarantined": 320, "filtered": 0, "erased": 0}
    return {
        "batch_id": batch,
        "source_file": file,
        "content_sha256": f"sha of {file}",
        "format": "canonical",
        "status": status,
        "reason": reason,
        "started_at": AT,
        "committed_at": AT,
        **counts,
    }


def verdict_of(batch: str, fingerprint: str) -> GateVerdict:
    def failure(rule: str, action: str, **more: Any) -> FailedExpectation:
        given: dict[str, Any] = {
            "unexpected_count": None,
            "unexpected_percent": None,
            "element_count": None,
            "observed_value": None,
            "details": {},
        }
        return FailedExpectation(rule, "expect_something", "critical", action, "ingest", "", **given | more)

    share = failure("quarantined_share", "fail", observed_value=0.32)
    track = failure(
        "track_present",
        "quarantine",
        unexpected_count=320,
        unexpected_percent=32.0,
        element_count=1_000,
        examples=('2026-03-29/a.jsonl:7: {"played_ms":1,"tags":["[/b]"]}',),
    )
    statistics = {"evaluated_expectations": 27, "successful_expectations": 25, "success_percent": 92.6}
    return GateVerdict("silver_listens", batch, fingerprint, True, 2_000, statistics, (share, track), {"results": []})


@pytest.fixture
def refused(settings: Settings, small_tables: SmallTables) -> str:
    rows = [
        ledger_row("batch-1", "2026-03-28/a.jsonl", "committed"),
        ledger_row("batch-2", "2026-03-29/a.jsonl", "refused", "quarantined_share: observed 0.32"),
        ledger_row("batch-2", "2026-03-29/b.jsonl", "refused", "quarantined_share: observed 0.32"),
    ]
    small_tables.append("ops.ledger", rows)
    write_report(settings, verdict_of("batch-2", load_gate_suite().fingerprint))
    return "batch-2"


def test_without_a_batch_the_refused_ones_are_listed(
    earshot: Earshot, refused: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert earshot("gate", "show") == 0
    told = capsys.readouterr().out
    assert refused in told
    assert "batch-1" not in told
    assert earshot("gate", "show", "--json") == 0
    (batch,) = json.loads(capsys.readouterr().out)["refused"]
    assert (batch["batch_id"], batch["files"], batch["lines"]) == (refused, 2, 2_000)


def test_a_home_without_refusals_says_so(earshot: Earshot, capsys: pytest.CaptureFixture[str]) -> None:
    assert earshot("gate", "show") == 0
    assert "No batch is refused." in capsys.readouterr().out


def test_a_refused_batch_is_explained_with_figures_and_examples(
    earshot: Earshot, refused: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert earshot("gate", "show", refused) == 0
    told = " ".join(capsys.readouterr().out.split())
    for part in (
        "Batch batch-2: refused, 2 file(s), 2,000 lines.",
        "25 of 27 expectations of silver_listens are met.",
        "quarantined_share",
        "320 of 1,000 rows (32.00 %)",
        '2026-03-29/a.jsonl:7: {"played_ms":1,"tags":["[/b]"]}',
        "earshot gate release batch-2 --reason TEXT",
    ):
        assert part in told


def test_a_machine_gets_the_verdict_whole(earshot: Earshot, refused: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert earshot("--json", "gate", "show", refused) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["batch_status"], told["verdict"]["closed"], told["verdict_now"]) == ("refused", True, None)
    assert [failure["rule"] for failure in told["verdict"]["failures"]] == ["quarantined_share", "track_present"]


def test_without_the_report_the_ledger_speaks(
    earshot: Earshot, settings: Settings, refused: str, capsys: pytest.CaptureFixture[str]
) -> None:
    report_path(settings, refused).unlink()
    assert earshot("gate", "show", refused) == 0
    assert "the ledger says: quarantined_share: observed 0.32" in capsys.readouterr().out


def test_an_unknown_batch_is_a_bad_argument(earshot: Earshot, refused: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("show", "nothing"), ("release", "nothing", "--reason", "x")):
        assert earshot("gate", *words) == 2
        told = capsys.readouterr().err
        assert "There is no batch nothing" in told
        assert refused in told
        assert "Traceback" not in told


def test_what_is_not_refused_cannot_be_released(
    earshot: Earshot, refused: str, small_tables: SmallTables, capsys: pytest.CaptureFixture[str]
) -> None:
    assert earshot("gate", "release", "batch-1", "--reason", "because") == 2
    assert "is committed, so there is nothing to release" in capsys.readouterr().err
    assert earshot("gate", "release", refused, "--reason", "  ") == 2
    assert released_batches(small_tables) == set()


def test_a_release_is_kept_with_author_and_reason(small_tables: SmallTables) -> None:
    record_release(small_tables, "batch-2", author="ada", reason="the source is like that", at=AT)
    feedback = [{"subject_kind": "alert", "subject": "batch-3", "verdict": "dismissed", "author": "x", "at": AT}]
    small_tables.append("ops.feedback", feedback)
    assert released_batches(small_tables) == {"batch-2"}
    assert small_tables.rows("ops.feedback")[0]["reason"] in {"the source is like that", None}


def test_the_home_of_a_report_is_below_reports(settings: Settings) -> None:
    assert report_path(settings, "b") == Path(settings.home) / "reports" / "validations" / "b.json"
