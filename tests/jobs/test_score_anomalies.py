"""train_anomaly_detector and score_anomalies on a lake, without Spark: neither job needs it."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import mlflow
import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet
import pytest
from pyspark.sql import SparkSession

import kpi_series
import score_anomalies
import train_anomaly_detector
from earshot.automation.commands.anomalies import evaluate_anomalies
from earshot.core.errors import JobSkippedError
from earshot.core.job import Job
from earshot.core.logs import StructuredLog
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.tables import Tables
from earshot.integrations.model_registry import ANOMALY_DETECTOR, ModelRegistry

DAYS = 12
BEGIN = (DAYS - 2) * 24 + 9
LAST = kpi_series.FIRST + timedelta(days=DAYS - 1)
NOW = datetime(2026, 4, 30, tzinfo=UTC)


def outage(cell: dict[str, str], hour: int, due: float) -> float:
    return due * 0.05 if cell["country"] == "DE" and BEGIN <= hour < BEGIN + 8 else due


class Audit:
    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] = []

    def record(self, action: str, subject: str, detail: object) -> None:
        self.entries.append((action, subject))


@pytest.fixture
def lake(settings: Settings) -> SmallTables:
    tables = SmallTables(settings.lake_root)
    write(tables, kpi_series.cube(DAYS, change=outage))
    return tables


def write(tables: SmallTables, cube: pa.Table) -> None:
    tables.overwrite("gold.activity_cube", cube.select(tables.schema("gold.activity_cube").names))


def job(name: str, settings: Settings, day: date, now: datetime = NOW) -> Job:
    return Job(
        name=name,
        run_id="test",
        date=day,
        settings=settings,
        spark=cast(SparkSession, None),
        tables=cast(Tables, None),
        log=StructuredLog(io.StringIO()),
        audit=Audit(),
        clock=lambda: now,
    )


def score(settings: Settings, day: date = LAST, now: datetime = NOW) -> Job:
    done = job("score_anomalies", settings, day, now)
    score_anomalies.run(done)
    return done


def train(settings: Settings, day: date = LAST) -> Job:
    done = job("train_anomaly_detector", settings, day)
    train_anomaly_detector.run(done)
    return done


def rows(lake: SmallTables) -> list[dict[str, Any]]:
    found = lake.rows("gold.anomalies")
    return sorted(found, key=lambda row: (row["metric"], sorted(row["dimensions"].items()), row["window_start"]))


def test_every_day_with_history_is_scored_and_the_outage_is_the_only_finding(
    settings: Settings, lake: SmallTables
) -> None:
    train(settings)
    done = score(settings)
    found = rows(lake)
    assert done.summary.rows_out == len(found)
    assert {row["window_date"] for row in found} == {kpi_series.FIRST + timedelta(days=n) for n in range(3, DAYS)}
    assert sum(row["metric"] == "listens" for row in found) == (DAYS - 3) * 24 * 12
    detected = [row for row in found if row["severity"]]
    assert {(row["metric"], tuple(row["dimensions"].items())) for row in detected} == {
        ("listens", (("country", "DE"),))
    }
    begin = datetime(2026, 3, 16, tzinfo=UTC) + timedelta(hours=BEGIN)
    assert all(begin <= row["window_start"] < begin + timedelta(hours=10) for row in detected)
    assert detected[0]["contributors"][0]["name"] == "country"
    assert {row["detector"] for row in found} == {"seasonal"}
    assert {row["model_version"] for row in found} == {"1"}


def test_a_second_run_changes_nothing_but_the_time(settings: Settings, lake: SmallTables) -> None:
    train(settings)
    score(settings)
    before = rows(lake)
    score(settings, now=NOW + timedelta(hours=1))
    after = rows(lake)
    for row in before + after:
        row.pop("scored_at")
    assert before == after


def test_history_in_one_go_is_the_same_as_day_by_day(settings: Settings, lake: SmallTables) -> None:
    score(settings)
    at_once = rows(lake)
    lake.overwrite("gold.anomalies", [])
    for n in range(3, DAYS):
        score(settings, kpi_series.FIRST + timedelta(days=n))
    one_by_one = rows(lake)
    for row in at_once + one_by_one:
        row.pop("scored_at")
    assert at_once == one_by_one


def test_a_day_whose_figures_changed_is_scored_again(settings: Settings, lake: SmallTables) -> None:
    score(settings)
    write(lake, kpi_series.cube(DAYS))
    score(settings)
    assert not [row for row in rows(lake) if row["severity"]]


def test_hours_that_have_not_ended_have_no_score(settings: Settings, lake: SmallTables) -> None:
    score(settings, now=datetime(LAST.year, LAST.month, LAST.day, 7, 20, tzinfo=UTC))
    last = max(row["window_start"] for row in rows(lake))
    assert last == datetime(LAST.year, LAST.month, LAST.day, 6, tzinfo=UTC)


def test_a_day_that_breaks_off_has_no_data_for_the_rest(settings: Settings, lake: SmallTables) -> None:
    cube = kpi_series.cube(DAYS, size=30.0)
    until = datetime(LAST.year, LAST.month, LAST.day, 12, tzinfo=UTC)
    write(lake, cube.filter(pyarrow.compute.less(cube["window_start"], pyarrow.scalar(until))))
    score(settings)
    found = [row for row in rows(lake) if row["state"] == "no_data"]
    assert {row["metric"] for row in found} == {"listens"}
    assert {tuple(row["dimensions"]) for row in found} == {()}
    assert min(row["window_start"] for row in found) >= until
    assert max(row["window_start"] for row in found) == until.replace(hour=23)
    assert all(row["observed"] is None and row["expected"] > 0 and row["severity"] is None for row in found)
    score(settings)


def test_series_by_day_are_scored_with_those_of_behaviour_and_the_gate(settings: Settings, lake: SmallTables) -> None:
    last = kpi_series.FIRST + timedelta(days=20)
    sweden, chance = [("country", "SE")], np.random.default_rng(1)
    daily, rates, kpis = [], [], []
    for n in range(21):
        day = kpi_series.FIRST + timedelta(days=n)
        start, broken = datetime(day.year, day.month, day.day, tzinfo=UTC), day == last
        plays = float(chance.poisson(5 if broken else 90))
        daily += [kpi_series.row("listens", sweden, start, plays, int(plays), "day")]
        daily += [kpi_series.row("listens", (), start, 4000.0, 4000, "day")]
        told = {"day": day, "country": "DE", "tier": "ALL", "metric": "skip_rate", "value": 0.3, "volume": 900}
        rates.append(told)
        value = 0.8 if broken else 0.997
        kpi = {"batch_id": str(n), "measured_at": start, "suite": "listens", "kpi": "validation_success"}
        kpis.append({**kpi, "value": value, "target": 0.995, "met": value > 0.995})
    write(lake, pa.concat_tables([kpi_series.cube(21), kpi_series.table(daily)]))
    lake.overwrite("gold.behaviour", rates)
    lake.overwrite("gold.quality_kpis", kpis)
    score(settings, last)
    by_day = [row for row in rows(lake) if row["grain"] == "day"]
    assert {row["metric"] for row in by_day} == {"listens", "skip_rate", "validation_success"}
    assert {row["detector"] for row in by_day} == {"seasonal-daily"}
    detected = {
        (row["metric"], tuple(row["dimensions"].items()), row["window_date"]) for row in by_day if row["severity"]
    }
    assert detected == {("listens", (("country", "SE"),), last), ("validation_success", (), last)}
    severity = {row["metric"]: row["severity"] for row in by_day if row["severity"]}
    assert severity == {"listens": "warning", "validation_success": "critical"}


@pytest.mark.parametrize("run", [train_anomaly_detector.run, score_anomalies.run])
def test_too_little_history_skips_with_the_reason(settings: Settings, lake: SmallTables, run: Any) -> None:
    with pytest.raises(JobSkippedError, match="48 h of history"):
        run(job("x", settings, kpi_series.FIRST + timedelta(days=2)))


@pytest.mark.parametrize("run", [train_anomaly_detector.run, score_anomalies.run])
def test_no_cube_skips(settings: Settings, run: Any) -> None:
    with pytest.raises(JobSkippedError, match="0 h of history"):
        run(job("x", settings, LAST))


def test_training_registers_a_champion_with_its_figures(settings: Settings, lake: SmallTables) -> None:
    done = train(settings)
    registry = ModelRegistry(settings.tracking_uri, settings.mlflow.experiment)
    champion = registry.champion(ANOMALY_DETECTOR)
    assert champion is not None
    assert champion.version == "1"
    by_kind_and_size = {"recall_drop", "precision_spike", "recall_phase", "recall_easy", "recall_level_hard"}
    assert {"precision", "recall", "hours_to_detect_drop", *by_kind_and_size} <= set(champion.metrics)
    assert {"false_alarms_per_1000_series_weeks", "f_half_seasonal", "f_half_holt-winters"} <= set(champion.metrics)
    assert {path.suffix for path in champion.folder.iterdir()} <= {".npz", ".json"}
    assert cast(Audit, done.audit).entries == [("model.promote", f"{ANOMALY_DETECTOR}/1")]
    (run,) = registry.comparisons(ANOMALY_DETECTOR)
    assert run.params["detector"] == "seasonal"
    pictures = {file.path for file in mlflow.MlflowClient(settings.tracking_uri).list_artifacts(run.run_id)}
    assert {"precision_recall.png", "backtest.json"} <= pictures


def test_training_sees_only_the_days_before(settings: Settings, lake: SmallTables) -> None:
    train(settings, LAST)
    wild = kpi_series.cube(DAYS, change=outage)
    later = pa.array([row["window_date"] >= LAST for row in wild.select(["window_date"]).to_pylist()])
    write(lake, pa.concat_tables([wild.filter(pa.compute.invert(later))]))
    train(settings, LAST)
    registry = ModelRegistry(settings.tracking_uri, settings.mlflow.experiment)
    one, other = registry.runs(tags={"earshot.model": ANOMALY_DETECTOR})
    assert one.metrics == other.metrics


def test_confirmed_incidents_are_not_learnt_from(settings: Settings, lake: SmallTables) -> None:
    score(settings)
    before = [row for row in rows(lake) if row["window_date"] == LAST]
    begin = datetime(2026, 3, 16, tzinfo=UTC) + timedelta(hours=BEGIN)
    subject = {
        "dimensions": {"country": "DE"},
        "starts_at": begin.isoformat(),
        "ends_at": (begin + timedelta(hours=8)).isoformat(),
    }
    said = {"subject_kind": "incident", "subject": json.dumps(subject), "verdict": "confirmed", "at": NOW}
    lake.append("ops.feedback", [said])
    score(settings)
    after = [row for row in rows(lake) if row["window_date"] == LAST]

    def expected(found: list[dict[str, Any]], country: str) -> float:
        wanted = [r for r in found if r["metric"] == "listens" and r["dimensions"] == {"country": country}]
        return sum(row["expected"] for row in wanted if 9 <= row["window_start"].hour < 17)

    assert expected(after, "DE") > expected(before, "DE")
    assert expected(after, "US") == pytest.approx(expected(before, "US"), rel=0.01)


def test_evaluation_counts_incidents_and_groups(settings: Settings, lake: SmallTables, tmp_path: Path) -> None:
    score(settings)
    begin = datetime(2026, 3, 16, tzinfo=UTC) + timedelta(hours=BEGIN)
    incident = {"incident_id": "1", "kind": "outage", "metrics": ["listens"], "size": 0.9, "starts_at": begin}
    other = {**incident, "incident_id": "2", "dimensions": [("country", "BR")], "ends_at": begin + timedelta(hours=1)}
    fields = pa.schema(
        [
            ("incident_id", pa.string()),
            ("kind", pa.string()),
            ("metrics", pa.list_(pa.string())),
            ("dimensions", pa.map_(pa.string(), pa.string())),
            ("starts_at", pa.timestamp("us", tz="UTC")),
            ("ends_at", pa.timestamp("us", tz="UTC")),
            ("size", pa.float64()),
        ]
    )
    first = {**incident, "dimensions": [("country", "DE")], "ends_at": begin + timedelta(hours=8)}
    folder = settings.home / "truth"
    folder.mkdir(parents=True)
    pa.parquet.write_table(pa.Table.from_pylist([first, other], schema=fields), folder / "incidents.parquet")
    figures = evaluate_anomalies(settings)
    assert figures["recall"] == 0.5
    assert figures["precision"] == 1.0
    assert [row["found"] for row in figures["by_incident"]] == [True, False]
