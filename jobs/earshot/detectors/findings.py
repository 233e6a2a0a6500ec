"""Scores and events as the rows of gold.anomalies, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from earshot.detectors import daily_findings, silence
from earshot.detectors.attribution import Event
from earshot.detectors.baseline import TINY
from earshot.detectors.causes import Cause, cause_of
from earshot.detectors.daily_findings import DailyVerdict
from earshot.detectors.interface import DayScores
from earshot.detectors.series import HOURS_OF_DAY, Dimensions, Floats, Kind
from earshot.detectors.severity import severity_of

_CONTRIBUTORS: Final = 6
_LEAST_SHARE: Final = 0.1

Contributor = tuple[str, str, float]


@dataclass(frozen=True)
class Finding:
    """An event with what a person wants to know of it.

    Attributes:
        event: The event.
        severity: info, warning or critical: size of the effect times part of the plays that it reaches.
        effect: (seen - due) / due, the median over the hours of the event.
        contributors: Dimension, value and share: first the parts of the event's own slice with its share in
            the deviation of the total, then the slices within it with their share in its own.
        cause: Why it is put down to that slice.
    """

    event: Event
    severity: str
    effect: float
    contributors: tuple[Contributor, ...]
    cause: Cause


@dataclass(frozen=True)
class Author:
    """Who scored: detector and version in the registry, and when (wall time)."""

    detector: str
    model_version: str
    scored_at: datetime


@dataclass(frozen=True)
class JudgedDay:
    """One day: its position, its scores by hour, one item a metric, what was found in them; and the series by day."""

    day: int
    scores: tuple[DayScores, ...]
    findings: tuple[Finding, ...]
    daily: DailyVerdict = field(default_factory=DailyVerdict)


def judge(day: Sequence[DayScores], events: Sequence[Event]) -> list[Finding]:
    """Severity and contributors of the events of one day."""
    by_metric = {scores.matrix.metric: scores for scores in day}
    return [_finding(by_metric[event.metric], event) for event in events]


def rows(judged: JudgedDay, schema: pa.Schema, author: Author) -> pa.Table:
    """Every judged point of one day.

    Args:
        judged: The day.
        schema: Of gold.anomalies; a column that is not known here becomes null.
        author: Who scored it, and when.
    """
    hourly = [_metric_rows(scores, judged.findings, schema) for scores in judged.scores]
    by_day = list(daily_findings.rows(judged.daily, schema))
    constants = {
        "detector": author.detector,
        "model_version": author.model_version,
        "scored_at": author.scored_at,
        "grain": "hour",
    }
    found = [_filled(table, schema, constants) for table in (*hourly, *by_day)]
    return pa.concat_tables(found) if found else schema.empty_table()


def _filled(table: pa.Table, schema: pa.Schema, constants: Mapping[str, object]) -> pa.Table:
    columns = []
    for column in schema:
        if column.name in table.column_names:
            columns.append(table[column.name].cast(column.type))
        else:
            value = pa.scalar(constants.get(column.name), type=column.type)
            columns.append(pa.repeat(value, table.num_rows))
    return pa.table(columns, schema=schema)


def count(tables: Sequence[pa.Table]) -> int:
    """How many series have a detection, by day."""
    flagged = [table.filter(pc.is_valid(table["severity"])) for table in tables]
    return sum(len({(row["metric"], str(row["dimensions"])) for row in table.to_pylist()}) for table in flagged)


def _finding(scores: DayScores, event: Event) -> Finding:
    places = scores.matrix.row_by_dimensions()
    gap = _sum(scores, scores.frame.numerator - scores.frame.expected, event)
    own = places[event.dimensions]
    hourly = scores.effect[own, list(event.hours)]
    same_way = hourly[np.sign(hourly) == np.sign(event.deviation)]
    effect = float(np.median(same_way)) if same_way.size else 0.0
    total = places.get(())
    volume = _sum(scores, scores.frame.expected if scores.matrix.kind is Kind.COUNT else scores.frame.exposure, event)
    reach = 1.0 if total is None else float(np.clip(volume[own] / max(volume[total], TINY), 0.0, 1.0))
    cause = cause_of(scores, event)
    shares: list[Contributor] = []
    if total is not None:
        shares += [(name, value, cause.explained) for name, value in event.dimensions]
    shares += _children(places, event.dimensions, gap, own)
    return Finding(event, severity_of(effect, reach), effect, tuple(shares[:_CONTRIBUTORS]), cause)


def _children(places: Mapping[Dimensions, int], slice_: Dimensions, gap: Floats, own: int) -> list[Contributor]:
    if abs(gap[own]) <= TINY:
        return []
    found = []
    for dimensions, row in places.items():
        if len(dimensions) == len(slice_) + 1 and set(slice_) < set(dimensions):
            ((name, value),) = set(dimensions) - set(slice_)
            share = float(gap[row] / gap[own])
            if share >= _LEAST_SHARE:
                found.append((name, value, min(share, 1.0)))
    return sorted(found, key=lambda item: (-item[2], item[0], item[1]))


def _sum(scores: DayScores, figures: Floats, event: Event) -> Floats:
    return np.asarray(figures[:, -HOURS_OF_DAY:][:, list(event.hours)].sum(axis=1))


def _metric_rows(scores: DayScores, findings: Sequence[Finding], schema: pa.Schema) -> pa.Table:
    matrix = scores.matrix
    no_data, nothing_came = silence.stopped(scores), silence.silent(scores)
    series, hour = np.nonzero(scores.judged | nothing_came)
    stamps = matrix.hours[scores.day * HOURS_OF_DAY + hour].astype("datetime64[us]")
    severity = np.full(scores.score.shape, None, dtype=object)
    told: dict[int, Finding] = {}
    places = matrix.row_by_dimensions()
    for finding in findings:
        if finding.event.metric == matrix.metric:
            row = places[finding.event.dimensions]
            severity[row, list(finding.event.hours)] = finding.severity
            told[row] = finding
    maps = pa.array([list(dimensions) for dimensions in matrix.dimensions], schema.field("dimensions").type)
    flagged = severity[series, hour]
    return pa.table(
        {
            "metric": pa.repeat(pa.scalar(matrix.metric), series.size),
            "dimensions": maps.take(pa.array(series)),
            "window_start": pa.array(stamps).cast(pa.timestamp("us", tz="UTC")),
            **{
                name: pa.array(getattr(scores, name)[series, hour], from_pandas=name == "observed")
                for name in ("observed", "expected", "lower", "upper", "score")
            },
            "severity": pa.array(flagged, pa.string()),
            "contributors": _contributors(series, flagged, told, schema.field("contributors").type),
            **_causes(series, flagged, told, schema),
            "window_date": pa.array(stamps.astype("datetime64[D]")),
            "state": pa.array(
                np.where((no_data | nothing_came)[series, hour], silence.NO_DATA, silence.JUDGED), pa.string()
            ),
        }
    )


def _causes(
    series: np.ndarray[tuple[int, ...], np.dtype[np.intp]],
    flagged: np.ndarray[tuple[int, ...], np.dtype[np.object_]],
    told: Mapping[int, Finding],
    schema: pa.Schema,
) -> dict[str, pa.Array]:
    """The columns that say why, null where nothing was detected."""
    findings = list(told.values())
    number = np.full(int(series.max(initial=0)) + 1, -1)
    number[list(told)] = np.arange(len(findings))
    is_told = np.array([flag is not None for flag in flagged], dtype=np.bool_)
    of_point = np.where(is_told, number[series], -1)
    which = pa.array(of_point, mask=of_point < 0)
    columns = {
        "explained": [finding.cause.explained for finding in findings],
        "ruled_out": [list(finding.cause.ruled_out) for finding in findings],
        "runners_up": [[list(other) for other in finding.event.runners_up] for finding in findings],
        "cause": [finding.cause.sentence for finding in findings],
    }
    return {name: pa.array(values, schema.field(name).type).take(which) for name, values in columns.items()}


def _contributors(
    series: np.ndarray[tuple[int, ...], np.dtype[np.intp]],
    flagged: np.ndarray[tuple[int, ...], np.dtype[np.object_]],
    told: Mapping[int, Finding],
    kind: pa.DataType,
) -> pa.Array:
    at = [index for index in range(series.size) if flagged[index] is not None] if told else []
    lists = [told[int(series[index])].contributors for index in at]
    lengths = np.zeros(series.size + 1, dtype=np.int32)
    lengths[[index + 1 for index in at]] = [len(items) for items in lists]
    flat = [{"name": name, "value": value, "share": share} for items in lists for name, value, share in items]
    return pa.ListArray.from_arrays(pa.array(np.cumsum(lengths, dtype=np.int32)), pa.array(flat, kind.value_type)).cast(
        kind
    )
