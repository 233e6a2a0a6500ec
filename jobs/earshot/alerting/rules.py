"""`conf/alerts.toml`: rules, metric families and routes, validated with file, key and nearest key."""

from __future__ import annotations

import string
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from earshot.alerting.matchers import Matcher, parse_matcher
from earshot.core.errors import ArgumentError, SettingsError
from earshot.core.explanations import FileOrigin, explain, nearest
from earshot.core.toml_files import read_toml

Source = Literal[
    "anomalies",
    "refused_batches",
    "quality_kpis",
    "failed_jobs",
    "failed_sources",
    "freshness",
    "heartbeat",
    "new_columns",
]
Channel = Literal["console", "file", "webhook", "slack", "email"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)

DIMENSIONS = ("country", "device", "tier", "platform", "app_version", "cdn")
_AGE = ("age_hours", "max_age_hours")
FIELDS: dict[Source, tuple[str, ...]] = {
    "anomalies": (
        *("metric", "grain", "where", "window", "direction", "observed", "expected", "lower", "upper"),
        *("score", "severity", "because", "detector"),
    ),
    "refused_batches": ("batch", "reason", "files"),
    "quality_kpis": ("kpi", "suite", "value", "target", "batch", "times"),
    "failed_jobs": ("job", "run_date", "error", "times"),
    "failed_sources": ("source", "reason", "since", "times"),
    "freshness": ("newest", *_AGE),
    "heartbeat": ("job", "last", *_AGE),
    "new_columns": ("source", "column", "batch", "day"),
}
LABELS: dict[Source, tuple[str, ...]] = {
    "anomalies": ("metric", "family", "grain", "severity", "detector", *DIMENSIONS),
    "refused_batches": ("batch", "format"),
    "quality_kpis": ("kpi", "suite"),
    "failed_jobs": ("job",),
    "failed_sources": ("source",),
    "freshness": (),
    "heartbeat": ("job",),
    "new_columns": ("source", "column"),
}


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Rule(_Closed):
    """When something becomes an alert, and what the alert says.

    Attributes:
        name: Name of the rule; the label `alertname`.
        source: Where it looks.
        match: Matchers on the source's labels; all must hold.
        severity: Of the alert; `finding` takes the anomaly's own.
        labels: Labels added to the alert, for routes.
        windows: Windows (measurements, runs) that it takes to fire (`for` in the file).
        hold: Unseen windows that an alert survives.
        max_age_hours: For freshness and heartbeat: what is still normal; for new columns: how long they are news.
        summary: One sentence with fields of the source in braces.
        runbook: Where a reader finds what to do.
    """

    name: str = Field(pattern="^[a-z][a-z0-9_]*$")
    source: Source
    match: tuple[str, ...] = ()
    severity: Literal["finding", "info", "warning", "critical"] = "warning"
    labels: dict[str, str] = {}
    windows: int = Field(default=1, alias="for", ge=1, le=10_000)
    hold: int = Field(default=0, ge=0, le=10_000)
    max_age_hours: float = Field(default=26.0, gt=0)
    summary: str = Field(min_length=1, max_length=500)
    runbook: str = ""

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """The conditions, read."""
        return tuple(parse_matcher(text) for text in self.match)


class Route(_Closed):
    """Who hears of an alert; without `channels`, every enabled channel."""

    name: str
    match: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = CHANNELS
    group_by: tuple[str, ...] = ("alertname",)

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """The conditions, read."""
        return tuple(parse_matcher(text) for text in self.match)


class Rulebook(_Closed):
    """The whole file."""

    families: dict[str, tuple[str, ...]] = {}
    rules: tuple[Rule, ...] = ()
    routes: tuple[Route, ...] = (Route(name="everything"),)

    def family_of(self, metric: str) -> str:
        """The family of a metric; a metric of none is its own."""
        return next((name for name, metrics in self.families.items() if metric in metrics), metric)

    def with_heartbeat(self, hours: float) -> Rulebook:
        """The same rules, but runs may be away for so long only."""
        rules = (
            rule.model_copy(update={"max_age_hours": hours}) if rule.source == "heartbeat" else rule
            for rule in self.rules
        )
        return self.model_copy(update={"rules": tuple(rules)})


def load_rulebook(path: Path, heartbeat_hours: str | None = None) -> Rulebook:
    """Read the rules.

    Args:
        path: The file.
        heartbeat_hours: How long runs may be away, for a caller who knows how often they are due.

    Raises:
        ArgumentError: `heartbeat_hours` is no positive number.
        SettingsError: The file cannot be read, or a key, source, metric, label, field, channel or
            matcher in it is unknown; it names file and key, and the nearest that is known.
    """
    values = read_toml(path)
    try:
        rulebook = Rulebook.model_validate(values)
    except ValidationError as error:
        raise explain(error, Rulebook, FileOrigin(path), "key of an alert rule") from None
    _check(rulebook, path)
    return rulebook if heartbeat_hours is None else rulebook.with_heartbeat(_hours_of(heartbeat_hours))


def known_labels(rulebook: Rulebook) -> list[str]:
    """Every label that an alert of these rules may have."""
    every = {label for labels in LABELS.values() for label in labels}
    own = {label for rule in rulebook.rules for label in rule.labels}
    return sorted({*every, *own, "alertname", "severity", "state"})


def known_label(label: str, known: Iterable[str]) -> None:
    """Check the name of a label that a command was given.

    Raises:
        ArgumentError: It is unknown; the remedy names the nearest that is known.
    """
    candidates = list(known)
    if label not in candidates:
        raise ArgumentError(f"There is no label {label!r}.", where="command line", remedy=_nearest(label, candidates))


def _check(book: Rulebook, path: Path) -> None:
    metrics = _known_metrics()
    for family, members in book.families.items():
        for metric in members:
            _known(metric, metrics, "metric", f"{path}, families.{family}")
    names: set[str] = set()
    for number, rule in enumerate(book.rules):
        where = f"{path}, rules[{number}] ({rule.name})"
        if rule.name in names:
            raise SettingsError(f"There are two rules {rule.name}.", where=where, remedy="Give one another name.")
        names.add(rule.name)
        for matcher in _read(rule.match, f"{where}, key match"):
            _known(matcher.label, LABELS[rule.source], "label", f"{where}, key match")
            if matcher.label == "metric" and matcher.operator in {"=", "!="}:
                _known(matcher.value, metrics, "metric", f"{where}, key match")
        _check_template(rule, f"{where}, key summary")
    labels = known_labels(book)
    for number, route in enumerate(book.routes):
        where = f"{path}, routes[{number}] ({route.name})"
        for matcher in _read(route.match, f"{where}, key match"):
            _known(matcher.label, labels, "label", f"{where}, key match")
        for label in route.group_by:
            _known(label, labels, "label", f"{where}, key group_by")


def _check_template(rule: Rule, where: str) -> None:
    try:
        fields = [name for _, name, _, _ in string.Formatter().parse(rule.summary) if name is not None]
    except ValueError as error:
        raise SettingsError(f"The summary cannot be read: {error}.", where=where, remedy="Mend its braces.") from None
    for name in fields:
        _known(name, FIELDS[rule.source], "field", where)


def _read(texts: Iterable[str], where: str) -> list[Matcher]:
    try:
        return [parse_matcher(text) for text in texts]
    except ArgumentError as error:
        raise SettingsError(error.what, where=where, remedy=error.remedy) from None


def _known_metrics() -> list[str]:
    from earshot.core.schemas import TABLES  # noqa: PLC0415 - the tables' specs load pyspark

    numeric = ("bigint", "double", "int")
    specs = (TABLES["gold.activity"], TABLES["gold.audio_quality"])
    return sorted({column.name for spec in specs for column in spec.columns if column.sql_type in numeric})


def _known(word: str, known: Iterable[str], kind: str, where: str) -> None:
    candidates = list(known)
    if word not in candidates:
        raise SettingsError(f"There is no {kind} {word!r}.", where=where, remedy=_nearest(word, candidates))


def _nearest(word: str, known: Iterable[str]) -> str:
    close = nearest(word, known)
    return f"Use {close}, or remove it." if close else "Remove it."


def _hours_of(text: str) -> float:
    hours = float(text) if text.replace(".", "", 1).isdecimal() else 0.0
    if hours <= 0:
        remedy = "Write --option heartbeat_hours=1."
        raise ArgumentError(f"{text!r} is no number of hours.", where="option heartbeat_hours", remedy=remedy)
    return hours
