"""optimise_offers: from files and plays to figures with intervals, offers by listener, and concentration of payouts."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import functions as F
from tests.factories import listens_arrow

from earshot.analytics.optimisation.inequality import MEASURES, inequality
from earshot.analytics.revenue.mart import revenue
from earshot.automation.loading import load_job
from earshot.core.errors import ArgumentError, JobSkippedError
from earshot.core.job import Job
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.core.stream_rule import SPOTIFY
from earshot.core.tables import Tables
from earshot.importers.simulated.offers import WHICH_TIER, OfferTest, drawn, listed
from earshot.importers.simulated.scenario import OfferTests
from earshot.integrations.model_registry import OFFERS, ModelRegistry
from earshot.security.audit import AuditChain
from earshot.security.keys import load_keys

pytestmark = pytest.mark.interpreted

LISTENERS = 4_000
ASSIGNED = datetime(2026, 3, 25, tzinfo=UTC)
OVER = date(2026, 4, 2)
MakeJob = Callable[..., Job]


@pytest.fixture
def lake(tables: Tables, settings: Settings) -> SmallTables:
    """Four thousand listeners who heard 60,000 plays in the last week of March, and are paid for."""
    listens = tables.spark.createDataFrame(listens_arrow(60_000, listeners=LISTENERS, tracks=2_000, gaps=0.0))
    free = listens.withColumn("tier", F.when(F.substring("listener_id", -1, 1) < "c", "free").otherwise("premium"))
    # As of real pseudonyms the beginning tells whose it is: that is all that statistics keep of one.
    backwards = F.concat(F.lit("v1:"), F.reverse(F.substring("listener_id", 4, 32)))
    free = free.withColumn("listener_id", backwards).localCheckpoint()
    tables.overwrite("silver.listens", free)
    paid = revenue(free, tables.read("gold.suspect_listens"), None, terms=settings.revenue, stream_rule=SPOTIFY)
    tables.overwrite("gold.revenue", paid)
    return SmallTables(settings.lake_root)


@pytest.fixture
def test(settings: Settings) -> OfferTest:
    """An experiment on everybody of the free tier, written as a service would."""
    rng = np.random.default_rng(3)
    free = np.array([n for n in range(LISTENERS) if f"{n:x}"[-1] < "c"])
    people = free, rng.lognormal(0, 0.85, len(free)), rng.integers(0, 11, len(free))
    made = drawn("which-tier", WHICH_TIER, people, OfferTests(), ASSIGNED, rng)
    _write(settings.home / "catalogue" / "offers", made)
    return made


def _write(folder: Path, made: OfferTest) -> None:
    countries = ("DE", "US", "BR", "JP", "GB", "FR", "SE", "IN")
    folder.mkdir(parents=True)
    with (folder / "test.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            "experiment,listener,arm,assigned_at,probability,country,tier,offered_tier,price,currency,received,"
            "converted_at".split(",")
        )
        for n, account in enumerate(made.account):
            arm, country = made.arms[made.arm[n]], countries[account % len(countries)]
            at = ASSIGNED + timedelta(seconds=int(made.assigned_at[n]))
            then = at + timedelta(seconds=int(made.converted_after[n]))
            price = listed(country, arm.tier) if arm.tier else ("", "")
            writer.writerow(
                [
                    *(
                        "which-tier",
                        f"v1:{f'{account:032x}'[::-1]}",
                        arm.name,
                        at.isoformat(),
                        arm.share,
                        country,
                        "free",
                    ),
                    *(arm.tier, price[1], price[0], "yes" if made.received[n] else "no"),
                    then.isoformat() if made.converted_after[n] >= 0 else "",
                ]
            )


def _run(make_job: MakeJob, day: date = OVER, **arguments: Any) -> Job:
    job = make_job("optimise_offers", day, now=datetime(2026, 4, 3, tzinfo=UTC), **arguments)
    load_job("optimise_offers")(job)
    return job


def _comparable(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(str({k: v for k, v in row.items() if k != "model_version"}) for row in rows)


def test_an_experiment_is_answered_and_every_free_listener_gets_the_offer_that_brings_most(
    lake: SmallTables, test: OfferTest, make_job: MakeJob, settings: Settings
) -> None:
    job = _run(make_job)
    assert job.summary.facts == {"imported": 3_000, "files": 1, "experiments": 1, "targeted": 1, "months": 1}
    figures = lake.rows("gold.optimisation", [("topic", "=", "offers")])
    assert {row["design"] for row in figures} == {"randomised", "description"}
    truth = dict(zip((arm.name for arm in WHICH_TIER), test.probability.mean(axis=0), strict=True))
    effects = [row for row in figures if row["metric"] == "effect"]
    assert {row["dimensions"]["arm"] for row in effects} == {"family", "premium", "student"}
    for row in effects:
        assert row["lower"] < truth[row["dimensions"]["arm"]] - truth["control"] < row["upper"]
    told = {row["metric"] for row in figures if row["value"] is not None}
    assert told >= {"effect_adjusted", "effect_received", "effect_of_group", "qini", "policy_value", "sample_ratio_p"}
    assert all(row["reason"] for row in figures if row["value"] is None)

    offers = lake.rows("gold.offers")
    assert len(offers) == len({row["listener_id"] for row in offers}) > 2_500
    assert {row["listener_id"][-1] for row in offers} <= set("0123456789ab")
    assert {row["arm"] for row in offers} <= {arm.name for arm in WHICH_TIER}
    made = [row for row in offers if row["arm"] != "control"]
    assert all(row["gain"] > 0 and row["lower"] <= row["upper"] and 1 <= row["group"] <= 5 for row in made)
    japanese = [row for row in made if row["currency"] == "JPY"]
    assert {row["price"] for row in japanese if row["offered_tier"] == "premium"} <= {listed("JP", "premium")[1]}
    champion = ModelRegistry(settings.tracking_uri, settings.mlflow.experiment).champion(OFFERS)
    assert champion is not None and champion.metadata["experiment"] == "which-tier"
    assert "v1:" not in (champion.folder / "responses.json").read_text()

    before = _comparable(figures), _comparable(offers)
    _run(make_job)
    after = lake.rows("gold.optimisation", [("topic", "=", "offers")]), lake.rows("gold.offers")
    assert (_comparable(after[0]), _comparable(after[1])) == before


def test_before_the_time_to_answer_is_over_nothing_is_told(
    lake: SmallTables, test: OfferTest, make_job: MakeJob
) -> None:
    with pytest.raises(JobSkippedError, match="nobody's time to answer an offer is over"):
        _run(make_job, date(2026, 3, 30))
    assert lake.arrow("silver.offers").num_rows == len(test.account)
    assert lake.rows("gold.optimisation") == []


def test_an_experiment_whose_file_is_gone_takes_its_figures_and_offers_with_it(
    lake: SmallTables, test: OfferTest, make_job: MakeJob, settings: Settings
) -> None:
    _run(make_job)
    (settings.home / "catalogue" / "offers" / "test.csv").unlink()
    _run(make_job)
    assert lake.rows("gold.offers") == lake.rows("gold.optimisation", [("topic", "=", "offers")]) == []
    with pytest.raises(JobSkippedError):
        _run(make_job)


def test_without_experiments_and_months_the_run_is_skipped(make_job: MakeJob) -> None:
    with pytest.raises(JobSkippedError, match="no month is to be measured"):
        _run(make_job)


def test_a_month_is_measured_once_it_is_over_and_as_gold_revenue_has_it(lake: SmallTables, make_job: MakeJob) -> None:
    with pytest.raises(JobSkippedError):
        _run(make_job, date(2026, 3, 30))
    _run(make_job)
    figures = lake.rows("gold.optimisation")
    assert {(row["topic"], row["subject"], row["design"]) for row in figures} == {("payouts", "2026-03", "description")}
    paid = [row for row in lake.rows("gold.revenue") if row["suspects"] == "included"]
    checked = 0
    for model in ("pro_rata", "user_centric", "artist_centric"):
        for country, currency in (("DE", "EUR"), ("US", "USD"), ("ALL", "EUR")):
            amounts: dict[str, float] = {}
            for row in paid:
                if row["model"] == model and row["currency"] == currency and country in {"ALL", row["country"]}:
                    amounts[row["payee_id"]] = amounts.get(row["payee_id"], 0.0) + float(row["amount"])
            expected = dict(zip(MEASURES, inequality(np.array([list(amounts.values())]))[0], strict=True))
            for row in figures:
                where = row["dimensions"]
                same = (where["model"], where["country"], where["currency"]) == (model, country, currency)
                if same and "against" not in where:
                    assert row["value"] == pytest.approx(expected[row["metric"]], abs=2e-3)
                    assert row["lower"] <= row["value"] <= row["upper"]
                    checked += 1
    assert checked == 3 * 3 * len(MEASURES)
    with pytest.raises(JobSkippedError):
        _run(make_job)


def test_the_option_measures_a_month_that_is_running_and_names_those_that_there_are(
    lake: SmallTables, make_job: MakeJob
) -> None:
    _run(make_job, date(2026, 3, 25), month="2026-03")
    assert lake.rows("gold.optimisation", [("metric", "=", "gini")])
    with pytest.raises(ArgumentError, match="no payouts of '2026-02'") as caught:
        _run(make_job, date(2026, 3, 25), month="2026-02")
    assert "2026-03" in caught.value.remedy


@pytest.mark.integration
def test_an_erased_listener_is_in_no_offer_no_file_and_no_figure_again(
    lake: SmallTables, test: OfferTest, make_job: MakeJob, settings: Settings
) -> None:
    _run(make_job)
    gone = lake.rows("gold.offers")[0]["listener_id"]
    erasing = make_job("erase_listeners", OVER, listener=gone)
    keys = load_keys(settings)
    erasing.audit = AuditChain(
        lake, "officer", lambda: datetime.now(UTC), master_key=keys.master_key, home=settings.home
    )
    load_job("erase_listeners")(erasing)
    assert not lake.rows("silver.offers", [("listener_id", "=", gone)])
    assert not lake.rows("gold.offers", [("listener_id", "=", gone)])
    assert gone not in (settings.home / "catalogue" / "offers" / "test.csv").read_text()
    _run(make_job)
    assert not lake.rows("silver.offers", [("listener_id", "=", gone)])
    assert lake.arrow("silver.offers").num_rows == len(test.account) - 1
