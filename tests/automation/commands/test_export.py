"""`earshot export`, as it is typed: parts of a table, places, and what it says where something is none."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.importers.sources.conftest import s3, s3_server  # noqa: F401 - fixtures

from earshot.automation.cli import main
from earshot.core.small_tables import SmallTables
from source_servers import BUCKET


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A HOME with three rows of revenue, in two commits."""
    row = {"currency": "EUR", "model": "pro_rata", "payee_type": "artist", "suspects": "included", "status": "closed"}
    tables = SmallTables(str(tmp_path / "home" / "lake"))
    for month, country, payee in ((2, "DE", "a"), (3, "DE", "b"), (3, "JP", "c")):
        more = {"month": date(2026, month, 1), "country": country, "payee_id": payee, "amount": Decimal(month)}
        tables.append("gold.revenue", [row | more])
    return tmp_path / "home"


def earshot(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    code = main(["--home", str(home), "export", *arguments, "--json"])
    told = capsys.readouterr()
    return code, json.loads(told.out), told.err


def test_a_part_of_a_table_with_its_version(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    arguments = ["--where", "country=DE", "--since", "2026-03-01", "--columns", "payee_id,amount", "--to", str(out)]
    code, told, _ = earshot(home, capsys, "gold.revenue", *arguments)
    assert (code, told["rows"], told["source_version"]) == (0, 1, 2)
    assert pq.read_table(out / "gold_revenue.parquet").to_pylist() == [{"payee_id": "b", "amount": Decimal(3)}]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["where"] == ["country=DE", "month>=2026-03-01"]
    assert manifest["files"] == told["files"]
    code, told, _ = earshot(home, capsys, "--verify", str(out))
    assert (code, told["rows"], told["table"]) == (0, 1, "gold.revenue")
    (out / "gold_revenue.parquet").write_bytes(b"")
    code, told, err = earshot(home, capsys, "--verify", str(out))
    assert (code, told["status"]) == (1, "failed")
    assert "gold_revenue.parquet has 0 bytes" in err


def test_a_bucket_by_its_address(
    home: Path,
    s3: Any,  # noqa: F811
    s3_server: str,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = f"s3://{BUCKET}/books"
    code, told, _ = earshot(
        home, capsys, "gold.revenue", "--format", "csv", "--to", address, "--endpoint-url", s3_server
    )
    assert (code, told["rows"], told["target"]) == (0, 3, f"{address}/")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    code, told, _ = earshot(home, capsys, "--verify", f"{address}/manifest.json")
    assert (code, told["rows"]) == (0, 3)


@pytest.mark.parametrize(
    ("arguments", "what", "remedy"),
    [
        (["gold.revenu", "--to", "OUT"], "no table gold.revenu", "Use gold.revenue"),
        (["gold.revenue", "--to", "OUT", "--format", "xlsx"], "no format xlsx", "known: parquet, csv, jsonl"),
        (["gold.revenue", "--to", "OUT", "--format", "json"], "no format json", "Use jsonl"),
        (["gold.revenue", "--to", "OUT", "--columns", "payee"], "no column 'payee'", "Use payee"),
        (["gold.revenue", "--to", "OUT", "--where", "contry=DE"], "no column 'contry'", "Use country"),
        (["gold.revenue", "--to", "OUT", "--mode", "upsert"], "--mode is of databases", "Leave it out"),
        (["gold.revenue", "--to", "ftp://x/y"], "no address of a bucket", "s3://BUCKET/PREFIX"),
        (["gold.revenue", "--to", "s3://books/x", "--endpoint-url", "x"], "x is no address of a server", "http://HOST"),
        (["gold.revenue", "--to", "jdbc:derby:x", "--format", "csv"], "A database has no format", "Leave it out"),
        (["gold.revenue", "--to", "jdbc:derby:x", "--mode", "upsrt"], "no mode upsrt", "Use upsert"),
        (
            ["gold.revenue", "--to", "jdbc:derby:x", "--mode", "upsert", "--columns", "amount"],
            "no row has a key",
            "--mode replace",
        ),
        (["gold.revenue"], "no place to export to", "--to FOLDER"),
        (["--to", "OUT"], "no table to export", "gold.charts"),
        (["ops.vault", "--to", "OUT"], "not exported", "erase"),
        (["--verify", "OUT"], "holds no export", "manifest.json"),
    ],
)
def test_what_cannot_be_used_ends_2_before_anything_is_written(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], what: str, remedy: str
) -> None:
    given = [word.replace("OUT", str(tmp_path / "out")) for word in arguments]
    code, told, err = earshot(home, capsys, *given)
    assert (code, told["status"]) == (2, "failed")
    assert what in err
    assert remedy in err
    assert not (tmp_path / "out").exists()


def test_what_names_people_and_leaves_the_house_is_audited(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = SmallTables(str(home / "lake"))
    tables.append("gold.recommendations", [{"listener_id": "v1:" + "a" * 32, "rank": 1, "track_id": "t"}])
    where = f"listener_id=v1:{'a' * 32}"
    for table, more in (
        ("gold.revenue", []),
        ("gold.recommendations", ["--columns", "track_id"]),
        ("gold.recommendations", ["--where", where]),
    ):
        assert earshot(home, capsys, table, *more, "--to", str(tmp_path / "out"))[0] == 0
    (entry,) = tables.rows("ops.audit")
    assert (entry["action"], entry["subject"]) == ("export", "gold.recommendations")
    assert json.loads(entry["detail"])["columns"] == ["listener_id"]
    assert "a" * 32 not in entry["detail"]
