"""What a finding says of its cause."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pyspark.sql.pandas.types import to_arrow_schema

import kpi_series
from earshot.core.schemas import TABLES
from earshot.detectors.attribution import Event, explain
from earshot.detectors.causes import Cause, cause_of, words_of
from earshot.detectors.findings import Author, JudgedDay, judge, rows
from earshot.detectors.interface import DayScores
from earshot.detectors.seasonal import SeasonalDetector

BEGIN, END = 12 * 24 + 9, 12 * 24 + 17
GERMANY = (("country", "DE"),)


def scores_of(share: float, **where: str) -> list[DayScores]:
    def change(cell: dict[str, str], hour: int, due: float) -> float:
        hit = BEGIN <= hour < END and all(cell[name] == wanted for name, wanted in where.items())
        return due * share if hit else due

    detector = SeasonalDetector().fit(kpi_series.history(14, size=60.0))
    return [detector.score(matrix, [12])[0] for matrix in kpi_series.history(14, size=60.0, change=change)]


def told(scores: list[DayScores]) -> tuple[Event, Cause]:
    (event,) = explain(scores, 0.5, 30, SeasonalDetector().config)
    return event, cause_of(next(one for one in scores if one.matrix.metric == event.metric), event)


def test_a_countrys_drop_explains_that_of_the_total_and_rules_out_devices() -> None:
    event, cause = told(scores_of(0.1, country="DE"))
    assert event.dimensions == GERMANY
    assert 0.8 <= cause.explained <= 1.0
    assert cause.ruled_out == ("device",)


def test_a_drop_of_one_device_in_one_country_rules_out_neither() -> None:
    event, cause = told(scores_of(0.1, country="DE", device="web"))
    assert event.dimensions == (*GERMANY, ("device", "web"))
    assert cause.ruled_out == ()


def test_a_drop_everywhere_is_general_and_rules_out_every_dimension() -> None:
    event, cause = told(scores_of(0.3))
    assert event.dimensions == ()
    assert cause.explained == 1.0
    assert cause.ruled_out == ("country", "device")
    assert "is general; not country, device" in cause.sentence


def test_the_sentence_names_slice_share_direction_and_figures() -> None:
    _, cause = told(scores_of(0.1, country="DE"))
    assert cause.sentence.startswith(f"country DE explains {cause.explained:.0%} of the drop in listens (")
    assert cause.sentence.endswith(" due); not device")
    _, rise = told(scores_of(3.0, country="DE"))
    assert "of the rise in listens" in rise.sentence


def test_slices_are_said_in_words() -> None:
    assert words_of((("country", "DE"), ("device", "ios"))) == "country DE x device ios"
    assert words_of(()) == "everywhere"


def test_two_outages_share_the_drop_of_the_total() -> None:
    def change(cell: dict[str, str], hour: int, due: float) -> float:
        struck = cell["country"] == "BR" or cell == {"country": "US", "device": "web"}
        return due * 0.05 if BEGIN <= hour < END and struck else due

    detector = SeasonalDetector().fit(kpi_series.history(14, size=60.0))
    scores = [detector.score(matrix, [12])[0] for matrix in kpi_series.history(14, size=60.0, change=change)]
    events = [event for event in explain(scores, 0.5, 30, detector.config) if event.metric == "listens"]
    shares = {event.dimensions: cause_of(scores[0], event).explained for event in events}
    brazil, web = (("country", "BR"),), (("country", "US"), ("device", "web"))
    assert set(shares) == {brazil, web}
    assert sum(shares.values()) == pytest.approx(1.0, abs=0.15)
    assert shares[brazil] > shares[web] > 0.2


def test_the_table_says_why_where_something_was_detected_and_nowhere_else() -> None:
    scores = scores_of(0.1, country="DE")
    findings = judge(scores, explain(scores, 0.5, 30, SeasonalDetector().config))
    schema = _schema()
    author = Author("seasonal", "1", kpi_series.FIRST)  # type: ignore[arg-type]
    table = rows(JudgedDay(12, tuple(scores), tuple(findings)), schema, author).to_pylist()
    detected = [row for row in table if row["severity"] is not None]
    assert {row["cause"] for row in detected} == {findings[0].cause.sentence}
    assert detected[0]["explained"] == findings[0].cause.explained
    assert detected[0]["ruled_out"] == ["device"]
    assert len(detected[0]["runners_up"]) == len(findings[0].event.runners_up) >= 1
    silent = [row for row in table if row["severity"] is None]
    assert {row["cause"] for row in silent} == {row["explained"] for row in silent} == {None}


def _schema() -> pa.Schema:
    spec = TABLES["gold.anomalies"]
    schema = to_arrow_schema(spec.schema, timezone="UTC")
    return pa.schema([field for field in schema if field.name != "scored_at"])
