"""A month's money through the real command: what bad input gets, and what is told of streams that pay nobody."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from earshot.automation.cli import main
from earshot.core.small_tables import SmallTables
from earshot.core.table_history import TableHistory

pytestmark = pytest.mark.interpreted

CONF = Path(__file__).resolve().parents[2] / "conf"
JOBS = ("import_catalogue", "ingest_listens", "publish_listens", "build_marts")
DAY = "2026-03-31"
GERMAN = '{ country = "*", tier = "premium", currency = "EUR", price = "10.99" },'


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of conf/ that is in force; returns its base.toml."""
    shutil.copytree(CONF, tmp_path / "conf")
    monkeypatch.setenv("EARSHOT_CONF", str(tmp_path / "conf"))
    return tmp_path / "conf" / "base.toml"


@pytest.fixture
def run(spark: SparkSession, home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run jobs as a person does; returns the exit code and what they read."""

    def of(*jobs: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["--home", str(home), "run", *(jobs or JOBS), "--date", DAY])
        told = capsys.readouterr()
        return code, told.out + told.err

    return of


def land(home: Path, name: str, *plays: dict[str, Any]) -> None:
    """A landing file of plays, one a minute."""
    folder = home / "landing" / DAY
    folder.mkdir(parents=True, exist_ok=True)
    known = {"played_ms": 200_000, "duration_ms": 210_000, "country": "DE", "tier": "premium"}
    lines = [
        {"listener": "ann", "started_at": f"2026-03-10T12:{n:02d}:00.000Z", **known, **play}
        for n, play in enumerate(plays)
    ]
    (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))


def song(artist: str, number: int = 1) -> dict[str, Any]:
    return {
        "track_id": f"trk:{artist}{number}",
        "track_title": f"Song {number}",
        "artist_id": artist,
        "artist_name": artist.title(),
    }


def published(home: Path) -> dict[str, int | None]:
    names = ("silver.rights", "gold.revenue", "gold.charts", "gold.activity")
    return {name: TableHistory(str(home / "lake"), name).version for name in names}


def payouts(home: Path, **where: str) -> dict[tuple[str, str], tuple[int, Decimal]]:
    rows = SmallTables(str(home / "lake")).rows("gold.revenue")
    return {
        (row["payee_type"], row["payee_id"]): (row["streams"], row["amount"])
        for row in rows
        if all(row[name] == value for name, value in {"model": "pro_rata", "suspects": "included", **where}.items())
    }


def test_streams_without_a_catalogue_entry_pay_unknown_and_are_a_kpi(
    home: Path, run: Callable[..., tuple[int, str]]
) -> None:
    nobody = {"track_id": "trk:nobody"}
    land(home, "plays.jsonl", song("abba"), song("abba"), nobody, {**song("abba"), "tier": None})
    assert run()[0] == 0
    paid = payouts(home, country="DE", tier="premium")
    assert {payee: streams for payee, (streams, _) in paid.items()} == {("artist", "abba"): 2, ("artist", "unknown"): 1}
    assert paid["artist", "unknown"][1] == Decimal("2.49")  # a third of 68 % of 10.99
    kpis = SmallTables(str(home / "lake")).rows("gold.quality_kpis", [("suite", "=", "gold.revenue")])
    assert {row["kpi"]: row["value"] for row in kpis} == {
        "unknown_payee_share": pytest.approx(1 / 3),
        "unpriced_stream_share": pytest.approx(1 / 4),
    }


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (GERMAN.replace("10.99", "-10.99"), ("prices[0].price", "greater than or equal to 0")),
        (GERMAN.replace("EUR", "EUX"), ("prices[0].currency", "'EUX'", "EUR")),
        (GERMAN.replace('"*"', '"XQ"'), ("prices[0].country", "'XQ'")),
        (GERMAN.replace("premium", "premum"), ("prices[0].tier", "premium")),
    ],
    ids=["negative price", "unknown currency", "unknown country", "unknown tier"],
)
def test_a_price_that_cannot_be_is_named_with_file_and_row_before_anything_is_read(
    home: Path, conf: Path, run: Callable[..., tuple[int, str]], row: str, said: tuple[str, ...]
) -> None:
    land(home, "plays.jsonl", song("abba"))
    text = conf.read_text()
    conf.write_text(text.replace(GERMAN, row))
    line = text[: text.index(GERMAN)].count("\n") + 1
    code, told = run()
    assert code == 2
    assert "Traceback" not in told
    assert str(conf) in told
    assert f"line {line}" in told
    assert all(words in told for words in said), told
    assert not (home / "lake").exists()


def test_a_pool_without_streams_is_named_with_file_and_row_and_no_mart_is_published(
    home: Path, conf: Path, run: Callable[..., tuple[int, str]]
) -> None:
    land(home, "plays.jsonl", song("abba"))
    pool = '[[revenue.pools]]\nmonth = "2026-03"\ncountry = "FR"\ntier = "free"\ncurrency = "EUR"\nadvertising = "5"\n'
    conf.write_text(f"{conf.read_text()}\n{pool}")
    code, told = run()
    assert code == 2
    line = conf.read_text()[: conf.read_text().rindex("[[revenue.pools]]")].count("\n") + 1
    assert "The pool of 2026-03 FR free has no counted stream" in told
    assert f"{conf}, line {line}, key revenue.pools[0]" in told
    assert "DE/premium" in told
    assert {version for name, version in published(home).items() if name.startswith("gold")} <= {None}
    conf.write_text(
        conf.read_text().replace('"FR"', '"DE"').replace('tier = "free"\ncurrency', 'tier = "premium"\ncurrency')
    )
    assert run()[0] == 0
    assert payouts(home) == {("artist", "abba"): (1, Decimal("3.40"))}  # 68 % of 5.00, not of the price


def test_a_split_over_a_hundred_percent_is_named_with_file_and_row_and_what_is_published_stays(
    home: Path, run: Callable[..., tuple[int, str]]
) -> None:
    land(home, "plays.jsonl", song("abba"), song("blur"))
    rights = home / "catalogue" / "rights"
    rights.mkdir(parents=True)
    header = "track_id,rights_holder_id,share\n"
    (rights / "label.csv").write_text(f"{header}trk:abba1,label,0.7\n")
    assert run()[0] == 0
    before, paid = published(home), payouts(home)
    assert paid["rights_holder", "label"] == (1, Decimal("2.61"))  # 0.7 of half of 7.47
    assert paid["rights_holder", "unknown"] == (1, Decimal("1.12"))

    (rights / "writers.csv").write_text(f"{header}trk:blur1,writer,1\ntrk:abba1,writer,0.4\n")
    land(home, "more.jsonl", {**song("blur"), "listener": "bob"})
    code, told = run()
    assert code == 2
    assert "The shares in trk:abba1 add up to 110.0 %, over 100 %" in told
    assert "writers.csv, line 3" in told
    assert published(home) == before
    assert payouts(home) == paid

    (rights / "writers.csv").write_text(f"{header}trk:blur1,writer,1\ntrk:abba1,writer,0.3\n")
    assert run()[0] == 0
    assert {payee for _, payee in payouts(home)} == {"label", "writer"}


def test_a_month_is_closed_once_it_is_over_and_new_splits_are_booked_with_their_reason(
    home: Path, run: Callable[..., tuple[int, str]]
) -> None:
    land(home, "plays.jsonl", song("abba"), song("blur"))
    assert run()[0] == 0
    arguments = ["--home", str(home), "run", "build_marts", "--option", "close=2026-03", "--date"]
    assert main([*arguments, "2026-03-31"]) == 2
    assert main([*arguments, "2026-04-01"]) == 0
    frozen = payouts(home, status="closed")
    assert frozen == payouts(home)

    rights = home / "catalogue" / "rights"
    rights.mkdir(parents=True)
    (rights / "label.csv").write_text("track_id,rights_holder_id,share\ntrk:abba1,label,1\n")
    for _ in range(2):  # the second run has nothing left to book
        assert main(["--home", str(home), "run", "import_catalogue", "build_marts", "--date", "2026-04-02"]) == 0
    assert payouts(home, status="closed") == frozen
    assert payouts(home, status="adjustment") == {
        ("artist", "abba"): (-1, Decimal("-3.74")),
        ("artist", "blur"): (0, Decimal("0.01")),  # half a cent that abba, then first by name, had before
        ("rights_holder", "label"): (1, Decimal("3.73")),
    }
    rows = SmallTables(str(home / "lake")).rows("gold.revenue", [("status", "=", "adjustment")])
    assert {(row["reason"], row["booked_on"]) for row in rows} == {("splits", date(2026, 4, 2))}
