"""Fixtures that every test may use: one Spark session, a fresh home, jobs."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from pyspark.sql import SparkSession

from earshot.automation.demo import DemoOutcome, Simulation, run_demo
from earshot.automation.session import open_session
from earshot.core.config import load_settings
from earshot.core.job import Job
from earshot.core.settings import Settings, SparkSettings
from earshot.core.tables import Tables
from second_opinion import SecondOpinion

SPARK = SparkSettings(master="local[2]", shuffle_partitions=2)
INTERPRETED = {k: v for k, v in load_settings("demo").spark.conf.items() if k.startswith("spark.sql.")}
hypothesis.settings.register_profile("not timed", deadline=None)
hypothesis.settings.load_profile("not timed")
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    session = open_session(SPARK, name="earshot-tests")
    yield session
    session.stop()


@pytest.fixture(autouse=True)
def spark_as_the_tests_want_it(request: pytest.FixtureRequest) -> None:
    """A job that ran in this process opened the same session with its own settings: undo them."""
    if "spark" not in request.fixturenames:
        return
    request.getfixturevalue("spark")
    conf = open_session(SPARK, name="earshot-tests").conf
    interprets = request.node.get_closest_marker("interpreted") is not None
    for name, value in INTERPRETED.items():
        if interprets:
            conf.set(name, value)
        else:
            conf.unset(name)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(home: Path) -> Settings:
    return load_settings(overrides={"home": str(home)})


@pytest.fixture
def tables(spark: SparkSession, settings: Settings) -> Tables:
    return Tables(spark, settings.lake_root)


@pytest.fixture
def make_job(spark: SparkSession, settings: Settings, tables: Tables) -> Callable[..., Job]:
    """Make a Job: `make_job("ingest_listens", date(2026, 3, 29), clock=..., settings=..., replay="x")`."""

    def make(
        name: str,
        day: date = date(2026, 3, 29),
        *,
        now: datetime | None = None,
        settings: Settings = settings,
        **arguments: Any,
    ) -> Job:
        moment = now or datetime.now(UTC)
        return Job(
            name=name,
            run_id=f"test-{name}",
            date=day,
            settings=settings,
            spark=spark,
            tables=tables,
            arguments={key: str(value) for key, value in arguments.items()},
            clock=lambda: moment,
        )

    return make


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip("the open data sets (../shared/data) are not on this machine")
    return SHARED_DATA


@pytest.fixture(scope="session")
def road(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> DemoOutcome:
    """The whole pipeline, run once as `earshot demo` runs it, on a smaller simulation. Read only.

    Processes that share the tests share it: the first one that needs it runs it.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    told = shared / "road.pickle"
    with (shared / "road.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not told.exists():
            request.getfixturevalue("spark")
            size = Simulation(listeners=300, tracks=1_200, plays=60_000)
            outcome = run_demo(shared / "road", [], env="demo", size=size, as_json=True)
            told.write_bytes(pickle.dumps(outcome))
    outcome = pickle.loads(told.read_bytes())
    assert isinstance(outcome, DemoOutcome)
    return outcome


@pytest.fixture(scope="session")
def lake(road: DemoOutcome) -> SecondOpinion:
    """What the road left, as DuckDB sees it."""
    return SecondOpinion.of_lake(road.home / "lake")
