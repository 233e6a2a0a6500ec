from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from urllib.request import urlopen

import pytest
from pydantic import SecretStr
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tests.caching.conftest import cluster_url, free_port, redis_url, start_redis  # noqa: F401 - fixtures
from tests.factories import listens as made_listens

from earshot import (
    EnterpriseDataValidator,
    MusicDataProcessor,
    MusicStreamingCacheManager,
    PrometheusMetricsManager,
)
from earshot.core.config import load_settings
from earshot.core.errors import InputError
from earshot.core.settings import CacheSettings, Settings
from earshot.facade.options import CACHE_CONFIG, MONITORING_CONFIG
from earshot.facade.processor import ProcessedMusic
from earshot.facade.validator import ValidatedListens

EVENTS = [
    '{"listener":"anna","started_at":"2026-03-29T01:59:58.000Z","played_ms":184000,"duration_ms":201000,'
    '"track_id":"trk:17","track_title":"Undertow","artist_name":"The Tides","country":"DE","tier":"premium",'
    '"ip":"203.0.113.9","skipped":true}',
    '{"listener":"anna","started_at":"2026-03-29T02:05:00.000Z","played_ms":"abc","track_id":"trk:1"}',
    '{"listener":"bert","started_at":"yesterday","played_ms":1000,"track_id":"trk:1"}',
    '{"started_at":"2026-03-29T02:05:00.000Z","played_ms":1000,"track_id":"trk:1"}',
    '{"listener":"bert","started_at":"2026-03-29T02:05:00.000Z","played_ms":-5,"track_id":"trk:1"}',
    '{"listener":"bert","started_at":"2026-03-29T02:06:00.000Z","played_ms":45000,"track_id":"trk:1"}',
]


@pytest.fixture(scope="module")
def listens(spark: SparkSession) -> DataFrame:
    good = made_listens(spark, 400).withColumn("played_ms", F.coalesce("played_ms", F.lit(1000))).cache()
    bad = good.limit(5).withColumns({"listen_id": F.concat(F.lit("bad-"), "listen_id"), "played_ms": F.lit(-1)})
    return good.unionByName(bad.withColumn("played_ms", F.col("played_ms").cast("bigint")))


@pytest.fixture(scope="module")
def module_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(overrides={"home": str(tmp_path_factory.mktemp("home"))})


@pytest.fixture(scope="module")
def validated(listens: DataFrame, module_settings: Settings) -> ValidatedListens:
    return EnterpriseDataValidator(module_settings).validate(listens)


@pytest.fixture(scope="module")
def processed(validated: ValidatedListens, module_settings: Settings) -> ProcessedMusic:
    made = MusicDataProcessor(module_settings).process(validated.cache())
    return ProcessedMusic(**{name: frame.cache() for name, frame in made})


def test_the_example_of_the_design_runs_as_it_stands(
    listens: DataFrame, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARSHOT_HOME", str(home))

    validated = EnterpriseDataValidator().validate(listens)
    processed = MusicDataProcessor().process(validated)
    MusicStreamingCacheManager().store(processed)
    PrometheusMetricsManager().record_metrics(processed)

    assert validated.count() == 400
    assert processed.sessions.count() > 0


def test_validated_listens_are_a_data_frame_with_quarantine_and_kpis(validated: ValidatedListens) -> None:
    assert isinstance(validated, DataFrame)
    assert validated.count() == 400
    aside = validated.quarantine.collect()
    assert len(aside) == 5
    assert {rule for row in aside for rule in row["quarantine_rules"]} == {"played_ms_not_negative"}
    assert validated.kpis["validation_success"] == pytest.approx(400 / 405)
    assert validated.kpis["quarantined_share"] == pytest.approx(5 / 405)
    assert 0.9 < validated.kpis["accuracy"] < 1
    assert "played_ms_not_negative" in validated.verdict.explain()


def test_canonical_events_as_spark_reads_them_are_judged_line_by_line(
    spark: SparkSession, module_settings: Settings
) -> None:
    events = spark.read.json(spark.sparkContext.parallelize(EVENTS, 1))
    validated = EnterpriseDataValidator(module_settings).validate(events)
    passed = validated.orderBy("started_at").collect()
    assert [row["played_ms"] for row in passed] == [184_000, 45_000]
    assert all(row["listener_id"].startswith("v1:") and row["listen_id"] for row in passed)
    assert str(passed[0]["listen_date"]) == "2026-03-29"
    rules = {rule for row in validated.quarantine.collect() for rule in row["quarantine_rules"]}
    assert rules == {"typed_fields", "time_readable", "listener_present", "played_ms_not_negative"}
    assert not {"listener", "ip"} & {*validated.columns, *validated.quarantine.columns}
    assert "anna" not in str([*passed, *validated.quarantine.collect()])


def test_the_pseudonym_key_is_in_no_plan(
    spark: SparkSession, module_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    key = (module_settings.keys / "pseudonym-v1.key").read_text().strip()
    events = spark.read.json(spark.sparkContext.parallelize(EVENTS, 1))
    EnterpriseDataValidator(module_settings).validate(events).explain("extended")
    plan = capsys.readouterr().out
    assert "MapInArrow" in plan
    assert key not in plan


def test_a_frame_that_holds_no_play_is_refused(spark: SparkSession, module_settings: Settings) -> None:
    with pytest.raises(InputError, match="is one of a play"):
        EnterpriseDataValidator(module_settings).validate(spark.range(1))


def test_processed_music_agrees_with_the_plays(validated: ValidatedListens, processed: ProcessedMusic) -> None:
    total = processed.sessions.agg(F.sum("listens")).collect()[0][0]
    assert total == validated.count()
    assert processed.audio_quality.agg(F.sum("plays")).collect()[0][0] == validated.count()
    pools = processed.revenue.groupBy("month", "country", "tier", "currency", "model", "suspects").agg(
        F.sum("amount").alias("paid"), F.first("pool").alias("pool")
    )
    assert all(row["paid"] == row["pool"] for row in pools.collect())


@pytest.mark.integration
@pytest.mark.parametrize("where", ["in process", "Redis", "Redis cluster"])
def test_processed_music_is_stored_and_read_back(
    processed: ProcessedMusic, settings: Settings, where: str, request: pytest.FixtureRequest
) -> None:
    cache = CacheSettings(namespace=f"facade-{where.replace(' ', '-')}")
    if where != "in process":
        url = request.getfixturevalue("redis_url" if where == "Redis" else "cluster_url")
        cache = cache.model_copy(update={"redis_url": SecretStr(url)})
    manager = MusicStreamingCacheManager(CACHE_CONFIG, settings.model_copy(update={"cache": cache}))
    assert manager.store_name == where
    assert manager.load("revenue") is None
    assert manager.store(processed) == sum(frame.count() for _, frame in processed)

    revenue = manager.load("revenue")
    assert revenue is not None
    assert len(revenue) == processed.revenue.count()
    assert isinstance(revenue[0]["amount"], Decimal)
    assert manager.load("behaviour") == processed.behaviour.toArrow().to_pylist()
    listener = processed.sessions.first()["listener_id"]  # type: ignore[index]
    sessions = manager.sessions_of(listener)
    assert len(sessions) == processed.sessions.where(F.col("listener_id") == listener).count()
    assert manager.forget(listener) == 1
    assert manager.sessions_of(listener) == []


@pytest.mark.integration
def test_where_redis_does_not_answer_the_process_keeps_the_results(settings: Settings) -> None:
    cache = CacheSettings(redis_url=SecretStr(f"redis://127.0.0.1:{free_port()}/0"))
    with pytest.warns(RuntimeWarning, match="Results stay in this process"):
        manager = MusicStreamingCacheManager(CACHE_CONFIG, settings.model_copy(update={"cache": cache}))
    assert manager.store_name == "in process"


@pytest.mark.integration
def test_recorded_metrics_are_scraped_over_http(processed: ProcessedMusic) -> None:
    manager = PrometheusMetricsManager(MONITORING_CONFIG)
    manager.record_metrics(processed)
    server, thread = manager.serve()
    try:
        with urlopen(f"http://127.0.0.1:{server.server_port}/metrics") as answer:
            text = answer.read().decode()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert text == manager.exposition()
    assert 'earshot_processed_sessions{figure="listens"} 400.0' in text
    assert 'earshot_processed_behaviour{metric="skip_rate"}' in text
    assert 'earshot_processed_revenue_pool{currency="EUR"}' in text
    assert "v1:" not in text


def test_metrics_that_are_switched_off_record_nothing(processed: ProcessedMusic) -> None:
    manager = PrometheusMetricsManager({**MONITORING_CONFIG, "prometheus_enabled": False})
    manager.record_metrics(processed)
    assert "earshot_processed_sessions{" not in manager.exposition()
