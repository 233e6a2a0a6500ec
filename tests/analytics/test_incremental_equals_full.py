"""Whatever happened to a lake, and in whatever order: every mart is what all that is left of it gives at once.

Histories go through the real jobs. HISTORIES says how many random ones (1 in the gate).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from histories import RULES, Arrival, Build, Erasure, Lake, Play, Repair, Step, Verdict, control, differences, play

pytestmark = pytest.mark.interpreted

EXAMPLES = int(os.environ.get("HISTORIES", "1"))
LISTENERS = ("anna", "bea", "cyn")
SUNDAY, MONDAY = date(2026, 3, 29), date(2026, 3, 30)
DAY = 1_440.0

Homes = Callable[[str], Path]


@pytest.fixture
def homes(tmp_path: Path) -> Homes:
    (tmp_path / "keys").mkdir()
    return lambda name: tmp_path / name


@pytest.fixture
def gone_through(spark: SparkSession, homes: Homes) -> Callable[..., Lake]:
    """Go through steps, with a build at the end, and hold the lake against the control."""

    def go(steps: Sequence[Step], *, without: Sequence[str] = (), **overrides: Any) -> Lake:
        lake = Lake.at(spark, homes("home"), homes("keys"), **overrides)
        lake.take(*steps, Build())
        expected = control(spark, homes("control"), homes("keys"), steps, **overrides)
        assert differences(lake, expected, without=without) == {}
        return lake

    return go


def day_of(listener: str, day: int, count: int = 5, *, every: float = 7, track: int = 1, **told: Any) -> list[Play]:
    """Plays of a listener in the evening of a day (0 = Saturday), a few minutes apart."""
    return [play(listener, day * DAY + n * every, track + n % 3, **told) for n in range(count)]


LATE_AND_JUDGED = [
    Arrival(day_of("bea", 4) + day_of("anna", 4) + day_of("cyn", 0, 4) + [play("cyn", 179.99, 5, played_ms=31_000)]),
    Arrival([*day_of("anna", 2), play("anna", 160, 1), play("anna", 230, 2)]),  # before and after midnight
    Arrival(day_of("bea", 1) + day_of("anna", 3, 3, every=11, track=4), is_early=True),
    Verdict("cyn", "confirmed", day=SUNDAY),
    Build(),
    Arrival(
        [
            play("anna", 195, 3, played_ms=200_000, duration_ms=200_000),  # joins the two sessions
            play("cyn", 180.02, 5, played_ms=45_000, device="desktop"),  # told better, on the other side of midnight
            *day_of("bea", 0, 3, tier="family"),
            *day_of("anna", 4)[:2],  # told again
            "{broken",
        ]
    ),
    Repair(),
    Arrival(day_of("bea", 5), is_early=True),  # stays where it is
    Build(),
    Verdict("cyn", "cleared", day=SUNDAY),
    Verdict("bea", "confirmed", track=2, day=date(2026, 4, 1)),
    Verdict("anna", "confirmed"),
]

ERASED = [
    # Only cyn is there before Monday and after Wednesday: with her, the first and the last days go.
    Arrival(day_of("cyn", 0) + day_of("anna", 2) + day_of("bea", 3, 3) + day_of("cyn", 3) + day_of("cyn", 9)),
    Build(),
    Erasure("cyn"),
    Arrival(day_of("cyn", 5) + day_of("bea", 4, 2)),  # what comes again of her is turned away
]

GOLDEN = {"late and judged": LATE_AND_JUDGED, "erased": ERASED}


@pytest.mark.parametrize("steps", GOLDEN.values(), ids=GOLDEN)
def test_a_history_leaves_what_all_of_it_at_once_gives(
    gone_through: Callable[..., Lake], steps: Sequence[Step]
) -> None:
    lake = gone_through(steps)
    before = lake.versions()
    lake.take(Build())
    assert lake.versions() == before, "a build with nothing new writes nothing"


def test_thresholds_over_months_are_met_by_late_plays_of_the_month_before(gone_through: Callable[..., Lake]) -> None:
    april = [play("bea", 20 * DAY + n, 7) for n in range(4)]
    march = [play("anna", 60 + n, 7) for n in range(4)]
    terms = {"pro_rata": {"minimum_streams": 6, "months": 2}}
    gone_through([Arrival(april), Build(), Arrival(march)], revenue=terms)


def test_of_a_lake_whose_every_listener_was_erased_nothing_is_left(spark: SparkSession, homes: Homes) -> None:
    lake = Lake.at(spark, homes("home"), homes("keys"))
    lake.take(Arrival(day_of("anna", 0) + day_of("bea", 2)), Build(), Erasure("anna"), Erasure("bea"), Build())
    emptied = Lake.at(spark, homes("other"), homes("keys"))
    emptied.take(Arrival(day_of("anna", 0)), Erasure("anna"), Build())
    for one in (lake, emptied):
        gold = Path(one.settings.lake_root, "gold").glob("*")
        left = {path.name: one.small.arrow(f"gold.{path.name}").num_rows for path in gold}
        assert {name: rows for name, rows in left.items() if rows and name != "quality_kpis"} == {}


def test_what_a_closed_month_was_paid_and_its_adjustments_make_what_it_would_be_paid_now(
    spark: SparkSession, homes: Homes
) -> None:
    steps = [
        Arrival(day_of("anna", 0) + day_of("bea", 1) + day_of("cyn", 2)),
        Build(),  # on the first of May: March is closed
        Verdict("anna", "confirmed", day=date(2026, 3, 28)),
        Arrival(day_of("bea", 2, track=4) + day_of("anna", 5)),
        Build(),
    ]
    lake = Lake.at(spark, homes("home"), homes("keys"), revenue={**RULES["revenue"], "close_after_days": 15})
    lake.take(*steps)
    expected = control(spark, homes("control"), homes("keys"), steps)
    assert differences(lake, expected, without=["gold.revenue"]) == {}
    assert _paid(lake) == _paid(expected)
    assert {row["status"] for row in lake.small.rows("gold.revenue")} >= {"closed", "adjustment"}


def _paid(lake: Lake) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """Amounts and streams by payee, adjustments included; what came to nothing is left out."""
    named = ("month", "country", "tier", "currency", "model", "suspects", "payee_type", "payee_id")
    paid: dict[tuple[str, ...], list[Any]] = {}
    for row in lake.small.rows("gold.revenue"):
        sums = paid.setdefault(tuple(str(row[name]) for name in named), [0, 0])
        sums[0] += row["amount"]
        sums[1] += row["streams"]
    return {payee: tuple(sums) for payee, sums in paid.items() if any(sums)}


def plays() -> st.SearchStrategy[Play]:
    """Plays that crowd a few days, hours and tracks, with gaps; some are told twice."""
    gaps = {
        "country": st.sampled_from(["DE", "US", None]),
        "tier": st.sampled_from(["premium", "free", None]),
        "cdn": st.sampled_from(["alpha", None]),
        "artist_id": st.sampled_from(["art:0", None]),
        "startup_ms": st.sampled_from([0, 1_999, 12_345, None]),
        "rebuffer_ms": st.sampled_from([0, 700, None]),
        "played_ms": st.sampled_from([0, 29_999, 30_000, 61_000]),
        "skipped": st.sampled_from([True, False, None]),
        "device": st.sampled_from(["ios", "web"]),
    }
    minute = st.tuples(st.sampled_from([0, 1, 2, 4, 9]), st.sampled_from([0.0, 0.05, 1, 14, 31, 90, 179.99, 180.02]))
    return st.builds(
        lambda listener, at, track, told: play(listener, at[0] * DAY + at[1], track, **told),
        st.sampled_from(LISTENERS),
        minute,
        st.integers(1, 3),
        st.fixed_dictionaries({}, optional=gaps),
    )


def steps() -> st.SearchStrategy[list[Step]]:
    days = st.none() | st.sampled_from([SUNDAY - timedelta(days=1), SUNDAY, MONDAY])
    some = st.lists(plays(), min_size=3, max_size=12)
    step = st.one_of(
        some.map(Arrival),
        some.map(lambda told: Arrival(told, is_early=True)),
        st.builds(
            Verdict, st.sampled_from(LISTENERS), st.sampled_from(["confirmed", "cleared"]), st.none() | st.just(1), days
        ),
        st.sampled_from([Repair(), Build(), *map(Erasure, LISTENERS[1:])]),
    )
    first = st.lists(plays(), min_size=12, max_size=30).map(Arrival)
    return st.tuples(first, st.lists(step, min_size=2, max_size=4)).map(lambda all_: [all_[0], Build(), *all_[1]])


@settings_of_hypothesis(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="HISTORIES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
    print_blob=True,
)
@given(history=steps(), built_at=st.sets(st.integers(0, 9)))
def test_any_history_leaves_what_all_of_it_at_once_gives(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, history: list[Step], built_at: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("history")
    (folder / "keys").mkdir()
    told = [one for n, step in enumerate(history) for one in ([step, Build()] if n in built_at else [step])]
    lake = Lake.at(spark, folder / "home", folder / "keys")
    lake.take(*told, Build())
    expected = control(spark, folder / "control", folder / "keys", told)
    assert differences(lake, expected) == {}
