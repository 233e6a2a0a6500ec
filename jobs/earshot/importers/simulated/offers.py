"""Experiments with offers whose effects are known: what each listener would do in each arm, and what they did."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from earshot.importers.simulated.geography import COUNTRY_CODES, FREE
from earshot.importers.simulated.population import FREE_TIER, TIERS, People
from earshot.importers.simulated.scenario import OfferTests

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

CONTROL: Final = "control"
_LISTS: Final[Mapping[str, tuple[str, Mapping[str, float]]]] = {
    "US": ("USD", {"premium": 11.99, "family": 6.5, "student": 5.99}),
    "JP": ("JPY", {"premium": 980, "family": 580, "student": 480}),
}
_ELSEWHERE: Final = ("EUR", {"premium": 10.99, "family": 5.99, "student": 5.99})
_SCHEMA: Final = pa.schema(
    [
        ("experiment", pa.string()),
        ("listener", pa.string()),
        ("arm", pa.string()),
        ("relative_price", pa.float64()),
        ("probability", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Arm:
    """One arm: what it offers, at which part of the list price, to which share of the listeners."""

    name: str
    tier: str | None
    relative: float
    share: float


WHICH_TIER: Final = (
    Arm(CONTROL, None, 1.0, 0.25),
    Arm("family", "family", 1.0, 0.25),
    Arm("premium", "premium", 1.0, 0.25),
    Arm("student", "student", 1.0, 0.25),
)
WHICH_PRICE: Final = (
    Arm(CONTROL, "premium", 1.0, 0.2),
    Arm("minus-15", "premium", 0.85, 0.2),
    Arm("minus-30", "premium", 0.7, 0.2),
    Arm("plus-15", "premium", 1.15, 0.2),
    Arm("plus-30", "premium", 1.3, 0.2),
)


@dataclass(frozen=True)
class OfferTest:
    """One experiment.

    Attributes:
        name: Its name.
        arms: What could be drawn.
        account: Number of the account, n.
        country: Index into geography.COUNTRIES, n.
        arm: What was drawn, n.
        probability: Of converting in each arm, n x k: the truth.
        received: Whether the offer was seen, n.
        assigned_at: Seconds after `begins`, n.
        converted_after: Seconds after the assignment; -1 where they did not, n.
        begins: When the first arm is drawn.
    """

    name: str
    arms: tuple[Arm, ...]
    account: Ints
    country: Ints
    arm: Ints
    probability: Floats
    received: NDArray[np.bool_]
    assigned_at: Ints
    converted_after: Ints
    begins: datetime


def converting(arms: Sequence[Arm], activity: Floats, country: Ints) -> Floats:
    """Probability to take an offer that is seen, n x k.

    Who listens much takes premium, who listens little the cheap student tier, family lies between; nobody sees an
    offer in an arm without one, and few convert by themselves. Answers to the price are stronger where fewer pay.

    Args:
        arms: What is offered.
        activity: How much each listens, relative.
        country: Index into geography.COUNTRIES.
    """
    much, poor = np.log(activity), FREE[country] - 1
    sensitive = 2.6 + 1.5 * poor
    odds = {
        None: -3.3 + 0.3 * much,
        "premium": -1.7 + 0.9 * much - 0.5 * poor,
        "family": -2.2 + 0.2 * much,
        "student": -1.5 - 0.6 * much + 0.4 * poor,
    }
    columns = [odds[arm.tier] - sensitive * (arm.relative - 1) for arm in arms]
    return np.stack([1 / (1 + np.exp(-one)) for one in columns], axis=1)


def drawn(
    name: str,
    arms: tuple[Arm, ...],
    people: tuple[Ints, Floats, Ints],
    rules: OfferTests,
    begins: datetime,
    rng: np.random.Generator,
) -> OfferTest:
    """Draw arms and what comes of them.

    Args:
        name: Of the experiment.
        arms: `control` first.
        people: Account, activity and country of each listener.
        rules: How many are reached, and in what time they answer.
        begins: Arms are drawn within a day from here.
        rng: Source of chance.
    """
    account, activity, country = people
    listeners = len(account)
    seen = converting(arms, activity, country)
    unseen = seen[:, :1]  # who does not see the offer does as control does
    probability = np.where(
        [arm.name == CONTROL for arm in arms], seen, rules.reached * seen + (1 - rules.reached) * unseen
    )
    arm = rng.choice(len(arms), listeners, p=[one.share for one in arms])
    received = (rng.random(listeners) < rules.reached) & (arm > 0)
    answer = np.where(received, seen[np.arange(listeners), arm], unseen[:, 0])
    converts = rng.random(listeners) < answer
    after = (rng.random(listeners) ** 2 * rules.within_days * 86_400).astype(np.int64)
    return OfferTest(
        name=name,
        arms=arms,
        account=account,
        country=country,
        arm=arm,
        probability=probability,
        received=received,
        assigned_at=rng.integers(0, 86_400, listeners),
        converted_after=np.where(converts, after, -1),
        begins=begins,
    )


def draw_offers(rules: OfferTests, people: People, begins: datetime, rng: np.random.Generator) -> list[OfferTest]:
    """Two experiments on accounts of the free tier, no account in both."""
    account, first = np.unique(people.account[people.tier == FREE_TIER], return_index=True)
    rows = np.flatnonzero(people.tier == FREE_TIER)[first]
    part = rng.random(len(account))
    halves = (part < rules.share / 2, (part >= rules.share / 2) & (part < rules.share))
    return [
        drawn(name, arms, (account[half], people.activity[rows[half]], people.country[rows[half]]), rules, begins, rng)
        for half, name, arms in zip(halves, ("which-tier", "which-price"), (WHICH_TIER, WHICH_PRICE), strict=True)
    ]


def write_offers(tests: Sequence[OfferTest], names: Sequence[str], out: Path) -> dict[str, Path]:
    """Write OUT/catalogue/offers/simulated.csv as a service would, and the truth; returns the path of the truth."""
    csv_path, truth_path = out / "catalogue" / "offers" / "simulated.csv", out / "truth" / "offers.parquet"
    csv_path.parent.mkdir(parents=True, exist_ok=True)
    with csv_path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            "experiment listener arm assigned_at probability country tier offered_tier price currency received "
            "converted_at".split()
        )
        for test in tests:
            writer.writerows(_row(test, n, names) for n in range(len(test.account)))
    pq.write_table(pa.concat_tables([_truth(test, names) for test in tests] or [_SCHEMA.empty_table()]), truth_path)
    return {"offers": truth_path}


def listed(country: str, tier: str) -> tuple[str, float]:
    """Currency and list price of a paying tier, as conf/base.toml has them."""
    currency, prices = _LISTS.get(country, _ELSEWHERE)
    return currency, prices[tier]


def _row(test: OfferTest, n: int, names: Sequence[str]) -> list[str]:
    arm, country = test.arms[test.arm[n]], COUNTRY_CODES[test.country[n]]
    assigned = test.begins + timedelta(seconds=int(test.assigned_at[n]))
    converted = assigned + timedelta(seconds=int(test.converted_after[n]))
    currency, price = listed(country, arm.tier) if arm.tier else ("", 0.0)
    return [
        test.name,
        names[test.account[n]],
        arm.name,
        assigned.isoformat(),
        f"{arm.share:g}",
        country,
        TIERS[FREE_TIER],
        arm.tier or "",
        f"{price * arm.relative:.2f}" if arm.tier else "",
        currency,
        "yes" if test.received[n] else "no",
        converted.isoformat() if test.converted_after[n] >= 0 else "",
    ]


def _truth(test: OfferTest, names: Sequence[str]) -> pa.Table:
    listeners, arms = test.probability.shape
    return pa.table(
        [
            pa.array([test.name] * (listeners * arms)),
            pa.array(np.repeat([names[account] for account in test.account], arms)),
            pa.array([arm.name for arm in test.arms] * listeners),
            pa.array([arm.relative for arm in test.arms] * listeners, pa.float64()),
            pa.array(test.probability.ravel()),
        ],
        schema=_SCHEMA,
    )
