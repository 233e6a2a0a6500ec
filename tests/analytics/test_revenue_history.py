"""Whatever happens to the plays: open months equal a full recompute, and so do closed ones with their adjustments."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from analytics.test_revenue_month_end import LISTENS, REVENUE, SUSPECTS, run
from earshot.analytics.revenue.adjustments import KEPT
from earshot.analytics.revenue.closed_months import closed_months
from earshot.analytics.revenue.mart import revenue
from earshot.analytics.revenue.splits import shares
from earshot.core.config import load_settings
from earshot.core.job import Job
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.stream_rule import SPOTIFY
from earshot.core.tables import Tables
from factories import plays

pytestmark = pytest.mark.interpreted

FIRST = date(2026, 1, 1)
PRICES = (("*", "premium", "EUR", "9.99"), ("JP", "premium", "JPY", "980"), ("KW", "premium", "KWD", "3.001"))
STEPS = 7
Key = tuple[Any, ...]


@pytest.fixture
def settings(home: Any) -> Settings:
    prices = [dict(zip(("country", "tier", "currency", "price"), price, strict=True)) for price in PRICES]
    terms = {
        "prices": prices,
        "close_after_days": 10,
        "pro_rata": {"minimum_streams": 6, "months": 2},
        "artist_centric": {"boost_streams": 8, "boost_listeners": 3, "listener_cap": 9, "active_contexts": ["album"]},
    }
    return load_settings(overrides={"home": str(home), "revenue": terms})


@dataclass
class World:
    """What befalls the lake, by seeded chance."""

    spark: SparkSession
    tables: Tables
    chance: random.Random
    batches: int = 0

    def play(self, until: date) -> None:
        """A batch of plays of any day so far, late ones among them."""
        self.batches += 1
        batch = f"batch-{self.batches}"
        rows = [self._play(batch, n, until) for n in range(40)]
        days = sorted({row["listen_date"].isoformat() for row in rows})
        made = plays(self.spark, *rows)
        self.tables.append(LISTENS, made, metadata={"batch_id": batch, "touched_days": days})

    def judge(self, until: date) -> None:
        """A new verdict on a listener's day, or all verdicts of a day cleared."""
        small = SmallTables(self.tables.root)
        day = FIRST + timedelta(days=self.chance.randrange((until - FIRST).days))
        if self.chance.random() < 0.3:
            self.tables.update(SUSPECTS, "verdict = 'suspect'", {"verdict": "'cleared'"})
            return
        listener = f"listener-{self.chance.randrange(9)}"
        heard = self.tables.read(LISTENS).where(F.col("listener_id") == listener).select("listen_date").distinct()
        for when in sorted({row[0] for row in heard.collect()} | {day})[:3]:
            small.append(SUSPECTS, [{"listener_id": listener, "listen_date": when, "verdict": "suspect", "score": 1.0}])

    def erase(self, until: date) -> None:
        """One listener goes."""
        listener = f"listener-{self.chance.randrange(9)}"
        listens = self.tables.read(LISTENS)
        rows = listens.where(F.col("listener_id") == listener).select("listen_date").collect()
        gone = sorted({row[0].isoformat() for row in rows})
        left = listens.where(F.col("listener_id") != listener).localCheckpoint()
        if gone:
            self.tables.overwrite(LISTENS, left, metadata={"erased": len(rows), "touched_days": gone})

    def split(self, until: date) -> None:
        """Other shares in some tracks."""
        rows = [
            {"track_id": f"track-{track}", "rights_holder_id": holder, "share": Decimal(share)}
            for track in self.chance.sample(range(12), 3)
            for holder, share in (("label", "0.333333"), ("writer", "0.5"))
        ]
        SmallTables(self.tables.root).overwrite("silver.rights", rows, metadata={})

    def _play(self, batch: str, number: int, until: date) -> dict[str, Any]:
        day = FIRST + timedelta(days=self.chance.randrange((until - FIRST).days))
        listener, track = self.chance.randrange(9), int(12 * self.chance.random() ** 2)
        return {
            "listen_id": f"{batch}-{number}",
            "batch_id": batch,
            "listener_id": f"listener-{listener}",
            "track_id": f"track-{track}",
            "artist_id": None if track == 11 else f"artist-{track // 3}",
            "started_at": datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(minutes=number),
            "listen_date": day,
            "played_ms": 200_000 if self.chance.random() < 0.9 else 3_000,
            "country": ("DE", "JP", "KW")[listener % 3],
            "tier": "premium",
            "context": self.chance.choice(["album", "radio"]),
        }


def sums(rows: list[dict[str, Any]]) -> dict[Key, tuple[Decimal, int]]:
    """Amount and streams by pool, model, suspects and payee; what came to nothing is left out."""
    found: dict[Key, list[Any]] = defaultdict(lambda: [Decimal(0), 0])
    for row in rows:
        names = ("month", "country", "tier", "currency", "model", "suspects", "payee_type", "payee_id")
        of_payee = found[tuple(row[name] for name in names)]
        of_payee[0] += row["amount"]
        of_payee[1] += row["streams"]
    return {key: (amount, streams) for key, (amount, streams) in found.items() if amount or streams}


def every_pool_adds_up(rows: list[dict[str, Any]]) -> bool:
    paid: dict[Key, Decimal] = defaultdict(Decimal)
    pools: dict[Key, set[Decimal]] = defaultdict(set)
    for row in rows:
        names = ("month", "country", "currency", "model", "suspects", "status", "reason", "booked_on")
        key = tuple(row[name] for name in names)
        paid[key] += row["amount"]
        pools[key].add(row["pool"])
    return all(pools[key] == {amount} for key, amount in paid.items())


@pytest.mark.parametrize("seed", [11, 12])
def test_any_history_ends_where_a_recompute_does(
    spark: SparkSession, make_job: Callable[..., Job], tables: Tables, settings: Settings, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 (seeded, not secret)
    world = World(spark, tables, chance)
    today, frozen, reasons = date(2026, 2, 5), {}, set()
    world.play(today)
    for step in range(STEPS):
        before = SmallTables(tables.root).rows(REVENUE)
        run(make_job("build_marts", today))
        rows = SmallTables(tables.root).rows(REVENUE)
        now = revenue(
            tables.read(LISTENS),
            tables.read(SUSPECTS),
            shares(tables),
            terms=settings.revenue,
            stream_rule=SPOTIFY,
        )
        recomputed = sums(now.toArrow().to_pylist())
        assert sums([row for row in rows if row["reason"] != KEPT]) == recomputed, f"step {step}"
        assert every_pool_adds_up(rows), f"step {step}"
        months = closed_months(tables.root)
        assert {row["month"] for row in rows if row["status"] == "provisional"}.isdisjoint(months)
        closed = {
            month: sorted(repr(row) for row in rows if (row["month"], row["status"]) == (month, "closed"))
            for month in months
        }
        assert all(closed[month] == kept for month, kept in frozen.items()), f"step {step}"
        booked = [row for row in rows if row["status"] == "adjustment" and row not in before]
        gone = [row for row in booked if row["reason"] in {"erasure", KEPT}]
        assert not any(amount for amount, _ in sums(gone).values()), "an erasure takes nobody's money"
        frozen, reasons = closed, reasons | {row["reason"] for row in booked}
        today += timedelta(days=chance.choice([3, 12, 20]))
        for happens in chance.sample([world.play, world.judge, world.erase, world.split], 2):
            happens(today)
    assert frozen
    assert len(reasons) > 2, reasons
