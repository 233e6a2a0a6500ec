"""What the gate costs: its share of the pass that parses, judges and writes lines, and against Great Expectations."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from great_expectations.core.batch import Batch
from great_expectations.execution_engine import SparkDFExecutionEngine
from great_expectations.execution_engine.sparkdf_batch_data import SparkDFBatchData
from great_expectations.validator.validator import Validator
from pyspark.sql import SparkSession

from earshot.core.config import load_settings
from earshot.core.partial_figures import added, values_of
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.staging import Stage
from earshot.importers.dressing import open_wardrobe
from earshot.importers.formats import importer_named, known_importers
from earshot.importers.landing import Known, new_files
from earshot.importers.reading import source_of
from earshot.importers.simulated import generate
from earshot.transformers.listens import CANONICAL, canonical, with_raw
from earshot.validators.aggregate_rules import schema_figures
from earshot.validators.gate_suite import gate_suite, is_filtered, line_judge
from earshot.validators.line_judge import LineJudge
from earshot.validators.spark_terms import SPARK
from earshot.validators.verdicts import to_great_expectations
from stopwatch import ROUNDS, Stopwatch

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1_800)]

PLAYS = 200_000
START = date(2026, 3, 2)
DAYS = 2
AT_ONCE = 16_384
GOAL_OF_THE_SHARE = 0.10
GOAL_OF_THE_SPEEDUP = 10
LEAST_EXPECTATIONS = 40


@dataclass
class CpuSeconds:
    """CPU seconds of the steps of a pass."""

    of: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def spent_on(self, step: str) -> Iterator[None]:
        began = time.process_time()
        yield
        self.of[step] += time.process_time() - began


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("gate")
    generate(home, days=DAYS, listeners=2_000, tracks=5_000, plays=PLAYS, start=START, seed=9, scenario="default")
    return load_settings(overrides={"home": str(home)})


def parsed(settings: Settings) -> Iterator[pa.Table]:
    """The plays of all files as the tasks of an ingest read them, in tables of as many rows."""
    wardrobe = open_wardrobe(settings, SmallTables(settings.lake_root), "benchmark")
    waiting: list[pa.RecordBatch] = []
    for file in new_files(settings, date(2026, 12, 31), Known()):
        importer = importer_named(file.format, known_importers())
        source = source_of(file, settings)
        for part in file.parts:
            for plays in importer.read(source, part):
                rows, _ = wardrobe.dress(
                    plays, source=importer.source, source_file=file.source_file, arrived_at=source.arrived_at
                )
                waiting.append(rows)
                if sum(map(len, waiting)) >= AT_ONCE:
                    yield pa.Table.from_batches(waiting).combine_chunks()
                    waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting).combine_chunks()


def one_pass(settings: Settings, judge: LineJudge, folder: Path) -> tuple[CpuSeconds, int]:
    """Parse, judge, observe and write as a task does; CPU seconds by step, and lines."""
    spent, rows, figures = CpuSeconds(), 0, {}
    writer = Stage("bronze.listens", str(folder), "batch_id=benchmark").open()
    coming = parsed(settings)
    while True:
        with spent.spent_on("parse"):
            plays = next(coming, None)
        if plays is None:
            break
        with spent.spent_on("parse"):
            lines = canonical(plays)
        with spent.spent_on("judge"):
            judged = judge.judge(lines)
        with spent.spent_on("write"):
            judged = with_raw(judged)
        with spent.spent_on("observe"):
            figures = added([figures, judge.observe(judged)])
        with spent.spent_on("profiles"):
            figures = added([figures, judge.profile(judged)])
        with spent.spent_on("write"):
            at = pa.repeat(pa.scalar(0, pa.timestamp("us", "UTC")), judged.num_rows)
            writer.write(judged.append_column("ingested_at", at))
        rows += judged.num_rows
    with spent.spent_on("write"):
        writer.close()
    assert values_of(figures)["rows"] > 0
    return spent, rows


def test_forty_expectations_cost_little_of_the_pass(
    landed: Settings, tmp_path: Path, show: Callable[[str], None]
) -> None:
    judge = line_judge(landed, CANONICAL)
    expectations = len(judge.rules.suite.compiled)
    assert expectations >= LEAST_EXPECTATIONS
    one_pass(landed, judge, tmp_path / "warm")
    shares = []
    for turn in range(ROUNDS):
        spent, lines = one_pass(landed, judge, tmp_path / str(turn))
        whole, gate = sum(spent.of.values()), spent.of["judge"] + spent.of["observe"]
        shares.append(gate / (whole - gate))
        steps = ", ".join(f"{step} {seconds:.2f}" for step, seconds in spent.of.items())
        show(f"{lines:,} lines, {expectations} expectations, CPU seconds: {steps}; adds {shares[-1]:.1%}")
    share = sorted(shares)[len(shares) // 2]
    show(f"the gate adds {share:.1%} to the pass (goal {GOAL_OF_THE_SHARE:.0%})")
    assert share <= GOAL_OF_THE_SHARE


def test_figures_are_judged_much_faster_than_great_expectations_scans(
    spark: SparkSession, landed: Settings, stopwatch: Stopwatch, show: Callable[[str], None]
) -> None:
    suite = gate_suite(landed)
    judge = line_judge(landed, CANONICAL)
    lines = pa.concat_tables(canonical(plays) for plays in parsed(landed))
    judged = judge.judge(lines)
    frame = spark.createDataFrame(judged).where(~is_filtered(SPARK)).cache()
    frame.count()
    theirs = to_great_expectations(suite.rules).expectation_configurations

    def ours() -> dict[str, bool]:
        figures: dict[str, object] = {}
        for first in range(0, lines.num_rows, AT_ONCE):
            part = judge.judge(lines.slice(first, AT_ONCE).combine_chunks())
            figures = added([figures, judge.observe(part)])
        rows = judged.select(["source_file", "quarantine_rules"]).to_pandas()
        rows["q"] = rows["quarantine_rules"].str.len() > 0
        by_file = rows.groupby("source_file")["q"].agg(["size", "sum"])
        files = [
            {"source_file": name, "rows_in": int(row["size"]), "quarantined": int(row["sum"])}
            for name, row in by_file.iterrows()
        ]
        return _successes(
            suite.verdict(values_of(figures) | schema_figures(frame.schema), files=files).result["results"]
        )

    def great_expectations() -> dict[str, bool]:
        engine = SparkDFExecutionEngine(spark=spark, persist=False)
        validator = Validator(execution_engine=engine, batches=[Batch(data=SparkDFBatchData(engine, frame))])
        validator.metrics_calculator.show_progress_bars = False
        results = validator.graph_validate(configurations=theirs, runtime_configuration={"result_format": "BASIC"})
        return _successes([result.to_json_dict() for result in results])

    first = ours(), great_expectations()
    assert first[0] == first[1], "equal verdicts"
    for _ in range(ROUNDS):
        with stopwatch.measure("earshot"):
            ours()
        with stopwatch.measure("great expectations"):
            great_expectations()
    speedup = stopwatch.ratio("great expectations", "earshot")
    show(
        f"{lines.num_rows:,} lines in memory, {len(first[0])} expectations: Great Expectations on Spark "
        f"{stopwatch.median('great expectations'):.1f} s, judged and observed by Earshot in one thread "
        f"{stopwatch.median('earshot'):.2f} s: {speedup:.1f}x (goal {GOAL_OF_THE_SPEEDUP}x)"
    )
    assert speedup >= GOAL_OF_THE_SPEEDUP


def _successes(results: list[dict[str, object]]) -> dict[str, bool]:
    return {r["expectation_config"]["meta"]["earshot"]["rule"]: bool(r["success"]) for r in results}
