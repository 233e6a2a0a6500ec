"""gold.behaviour by the listeners' own clocks, on the days on which clocks change, as DuckDB has it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pyspark.sql import SparkSession

import mart_definitions as definitions
from earshot.analytics.behaviour import behaviour
from earshot.core.stream_rule import SPOTIFY
from factories import listens, listens_arrow
from second_opinion import SecondOpinion


@pytest.mark.parametrize(
    "change",
    [date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 8), date(2026, 4, 4), date(2028, 2, 29), date(2026, 12, 31)],
    ids=["summer time in Europe", "its end", "in America", "half an hour on Lord Howe", "leap day", "end of the year"],
)
def test_every_play_lies_on_the_hour_of_its_listener(spark: SparkSession, change: date) -> None:
    shape = {"days": 2, "first_day": change, "listeners": 90, "gaps": 0.1}
    days = [change + timedelta(days=n) for n in range(3)]
    opinion = SecondOpinion()
    opinion.take("silver_listens", listens_arrow(1_200, seed=4, **shape))
    opinion.run("CREATE TABLE plays AS SELECT *, true AS counted, false AS flagged FROM silver_listens")
    rows = behaviour(listens(spark, 1_200, 4, **shape), days=days, stream_rule=SPOTIFY, minimum_volume=20)
    opinion.take("gold_behaviour", rows.frame().toArrow())
    found = definitions.behaviour_found("local_listens")
    assert opinion.differences(definitions.BEHAVIOUR_LOCAL, found) == []
    assert opinion.rows(f"SELECT count(DISTINCT slice) > 24 FROM ({found})") == [(True,)]  # noqa: S608 (our own SQL)
