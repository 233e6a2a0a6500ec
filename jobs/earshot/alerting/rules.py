"""`conf/alerts.toml` as models: rules, metric families, inhibition, maintenance, routes, escalations."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated, Literal, Self
from urllib.parse import urljoin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from earshot.alerting.durations import Duration, TimeZone
from earshot.alerting.matchers import Matcher, parse_matchers
from earshot.core.alerts import CHANNELS, Channel

Source = Literal[
    "anomalies",
    "refused_batches",
    "quality_kpis",
    "failed_jobs",
    "failed_sources",
    "freshness",
    "no_data",
    "heartbeat",
    "new_columns",
]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

DIMENSIONS = ("country", "device", "tier", "platform", "app_version", "cdn")
SLICES = ("country", "device", "tier")
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
    "no_data": ("where", "newest", "usual", *_AGE),
    "heartbeat": ("job", "last", *_AGE),
    "new_columns": ("source", "column", "batch", "day"),
}
LABELS: dict[Source, tuple[str, ...]] = {
    "anomalies": ("metric", "family", "grain", "severity", "window_state", "detector", *DIMENSIONS),
    "refused_batches": ("batch", "format"),
    "quality_kpis": ("kpi", "suite"),
    "failed_jobs": ("job",),
    "failed_sources": ("source",),
    "freshness": (),
    "no_data": SLICES,
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
        keep: For anomalies: matchers of windows that keep an alert alive which milder ones could not raise
            (hysteresis); without it, those of `match`.
        severity: Of the alert; `finding` takes the anomaly's own.
        labels: Labels added to the alert, for routes.
        windows: Windows (measurements, runs) that it takes to fire (`for` in the file).
        hold: Unseen windows that an alert survives.
        max_age_hours: For freshness, no_data and heartbeat: what is still normal; for new columns: how long
            they are news.
        by: For no_data: the dimension whose values are looked at one by one.
        summary: One sentence with fields of the source in braces.
        runbook: Where a reader finds what to do.
    """

    name: str = Field(pattern="^[a-z][a-z0-9_]*$")
    source: Source
    match: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    severity: Literal["finding", "info", "warning", "critical"] = "warning"
    labels: dict[str, str] = {}
    windows: int = Field(default=1, alias="for", ge=1, le=10_000)
    hold: int = Field(default=0, ge=0, le=10_000)
    max_age_hours: float = Field(default=26.0, gt=0)
    by: Literal["country", "device", "tier"] = "country"
    summary: str = Field(min_length=1, max_length=500)
    runbook: str = ""

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """The conditions, read."""
        return parse_matchers(self.match)

    @property
    def keepers(self) -> tuple[Matcher, ...]:
        """The conditions under which a window keeps an alert alive, read."""
        return parse_matchers(self.keep or self.match)


class Route(_Closed):
    """Who hears of an alert, and when: Alertmanager's grouping, for runs instead of a clock.

    Attributes:
        name: What errors and `earshot alerts route` call it.
        match: Matchers on the alert's labels; all must hold. The first route that matches has the alert.
        channels: Who is told; without it, every enabled channel.
        group_by: Alerts with the same values of these labels share a message.
        group_wait: The first message of a group waits until one of its alerts is so old.
        group_interval: Further messages of a group are at least so far apart.
        repeat_interval: After so long without news, a group that still fires is told of again.
    """

    name: str
    match: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = CHANNELS
    group_by: tuple[str, ...] = ("alertname",)
    group_wait: Duration = timedelta(0)
    group_interval: Duration = timedelta(minutes=5)
    repeat_interval: Duration = timedelta(hours=20)

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """The conditions, read."""
        return parse_matchers(self.match)


class Escalation(_Closed):
    """Who else hears of an alert that fires on and of which nobody has said anything.

    Attributes:
        name: What `earshot alerts route` calls it.
        match: Matchers on the alert's labels; all must hold.
        after: Time since the first message about the alert. `earshot alerts confirm|dismiss` ends it.
        channels: Who is told then.
    """

    name: str
    match: tuple[str, ...] = ()
    after: Duration
    channels: tuple[Channel, ...] = Field(min_length=1)

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """The conditions, read."""
        return parse_matchers(self.match)


class Inhibition(_Closed):
    """While a source fires, its targets are recorded and nobody is told of them.

    Attributes:
        name: What errors call it.
        source: Matchers of the alerts that speak.
        target: Matchers of the alerts for which they speak.
        equal: Labels of which both have the same value (or both none).
        within: Whether the source's dimensions must be among those of the target.
    """

    name: str
    source: tuple[str, ...] = Field(min_length=1)
    target: tuple[str, ...] = Field(min_length=1)
    equal: tuple[str, ...] = ()
    within: bool = False


def _time_of_day(value: object) -> object:
    return time.fromisoformat(value) if isinstance(value, str) else value


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]


class Maintenance(_Closed):
    """Planned work: alerts that match are recorded, and nobody is told.

    Attributes:
        name: What `earshot alerts list` calls it.
        match: Matchers on the alert's labels; all must hold.
        weekdays: Days on which it begins; without it, every day.
        start: Local time of day at which it begins.
        end: Local time of day at which it ends; before `start`: on the next day.
        time_zone: In which `start`, `end` and the weekdays are meant.
        begins: One window instead of a weekly one: from this moment,
        ends: to this one.
    """

    name: str
    match: tuple[str, ...] = Field(min_length=1)
    weekdays: tuple[Weekday, ...] = WEEKDAYS
    start: TimeOfDay | None = None
    end: TimeOfDay | None = None
    time_zone: TimeZone = "UTC"
    begins: datetime | None = None
    ends: datetime | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        weekly, once = (self.start, self.end), (self.begins, self.ends)
        given = [pair for pair in (weekly, once) if all(part is not None for part in pair)]
        halves = [pair for pair in (weekly, once) if any(part is not None for part in pair)]
        if len(given) != 1 or len(halves) != 1:
            raise ValueError("either start and end (times of day), or begins and ends (moments)")
        if self.start is not None and self.start == self.end:
            raise ValueError("start and end that differ")
        if self.begins and self.ends and (not self.begins.tzinfo or not self.ends.tzinfo or self.begins >= self.ends):
            raise ValueError("begins before ends, each with its offset (2026-03-29T02:00:00Z)")
        return self

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """The conditions, read."""
        return parse_matchers(self.match)


class Rulebook(_Closed):
    """The whole file."""

    families: dict[str, tuple[str, ...]] = {}
    rules: tuple[Rule, ...] = ()
    inhibit: tuple[Inhibition, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    routes: tuple[Route, ...] = (Route(name="everything"),)
    escalations: tuple[Escalation, ...] = ()

    def family_of(self, metric: str) -> str:
        """The family of a metric; a metric of none is its own."""
        return next((name for name, metrics in self.families.items() if metric in metrics), metric)

    def rule(self, name: str) -> Rule | None:
        """The rule of that name."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def with_runbooks(self, root: str) -> Rulebook:
        """The same rules, their runbooks below this address; nothing changes without one."""
        if not root:
            return self
        rules = (
            rule.model_copy(update={"runbook": urljoin(root, rule.runbook)}) if rule.runbook else rule
            for rule in self.rules
        )
        return self.model_copy(update={"rules": tuple(rules)})

    def with_heartbeat(self, hours: float) -> Rulebook:
        """The same rules, but runs may be away for so long only."""
        rules = (
            rule.model_copy(update={"max_age_hours": hours}) if rule.source == "heartbeat" else rule
            for rule in self.rules
        )
        return self.model_copy(update={"rules": tuple(rules)})
