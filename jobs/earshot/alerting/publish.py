"""One run of alerting: rows to findings, findings to alerts, alerts to messages in the outbox."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import pyarrow.compute as pc

from earshot.alerting import sources
from earshot.alerting.dispatch import Delivery, compose
from earshot.alerting.feedback import acknowledged
from earshot.alerting.findings import Finding
from earshot.alerting.inhibition import inhibit
from earshot.alerting.maintenance import under_maintenance
from earshot.alerting.outbox import Outbox
from earshot.alerting.routing import SentLog
from earshot.alerting.rules import Rule, Rulebook
from earshot.alerting.series import with_series
from earshot.alerting.silences import read_silences, silencing
from earshot.alerting.state import advance
from earshot.core.alerts import Alert
from earshot.core.logs import StructuredLog
from earshot.core.settings import AlertSettings
from earshot.core.small_tables import SmallTables

ALERTS = "gold.alerts"
_ANOMALIES = "gold.anomalies"
_ACTIVITY = "gold.activity"


@dataclass(frozen=True)
class Published:
    """What a run of alerting did.

    Attributes:
        alerts: Every alert, as it is now.
        findings: What the sources saw.
        changed: Alerts that are new or differ from before.
        silenced: Alerts of which nobody was told because of a silence or planned work.
        queued: Messages that were written into the outbox.
        broken: Rules that could not be applied, with the error.
    """

    alerts: Sequence[Alert]
    findings: int
    changed: int
    silenced: int
    queued: int
    broken: dict[str, str]

    def count(self, state: str) -> int:
        """Alerts in this state."""
        return sum(alert.state == state for alert in self.alerts)


class Alerting:
    """Reads what happened, keeps gold.alerts, and fills the outbox.

    Args:
        small_tables: The lake.
        rulebook: `conf/alerts.toml`.
        settings: Look-back, channels, what is too old to be told.
        log: Told of rules that break.
    """

    def __init__(
        self, small_tables: SmallTables, rulebook: Rulebook, settings: AlertSettings, log: StructuredLog
    ) -> None:
        self._tables = small_tables
        self._rulebook = rulebook.with_runbooks(settings.runbook_root)
        self._settings = settings
        self._log = log
        self._broken: dict[str, str] = {}

    def publish(self, outbox: Outbox, *, as_of: datetime, wall: datetime, notify: bool = False) -> Published:
        """Bring alerts and outbox up to the end of the logical date.

        Logical time is `as_of`, or the wall clock where the day is not over yet, and never runs
        backwards. Messages are written before the alerts: a run that dies between them writes neither
        twice.

        Args:
            outbox: Where messages go.
            as_of: End of the logical date.
            wall: Wall time.
            notify: Whether windows that are long over are delivered too.
        """
        previous = [Alert.from_row(row) for row in self._tables.rows(ALERTS)]
        now = max([min(as_of, wall), *(alert.updated_at for alert in previous), *self._earlier_runs()])
        within = timedelta(hours=self._settings.deliver_within_hours)
        judged_from = _judged_from(previous, now - timedelta(days=self._settings.lookback_days))
        findings = self._findings(now, wall, judged_from)
        kept = [alert for alert in previous if alert.rule in self._broken]
        advanced = kept + advance(
            [alert for alert in previous if alert.rule not in self._broken],
            findings,
            now=now,
            wall=wall,
            historic_before=None if notify else wall - within,
            judged_from=judged_from,
        )
        alerts = inhibit(advanced, self._rulebook)
        silences = read_silences(self._tables)
        planned = self._rulebook.maintenance
        muted = [silencing(alert, silences, wall) or under_maintenance(alert, planned, wall) for alert in alerts]
        sent = SentLog(outbox.sent())
        spoken_of = [a for a, mute in zip(alerts, muted, strict=True) if not mute and _speaks(a, sent)]
        known = {(alert.fingerprint, alert.starts_at) for alert in previous}
        messages = compose(
            spoken_of,
            self._rulebook,
            self._settings.channels,
            sent,
            Delivery(now, wall, known, notify, within, acknowledged(self._tables)),
            report=self._settings.report_url,
        )
        queued = outbox.queue(with_series(messages, self._tables), now)
        before = {(alert.fingerprint, alert.starts_at): alert for alert in previous}
        changed = sum(before.get((alert.fingerprint, alert.starts_at)) != alert for alert in alerts)
        if changed or len(alerts) != len(previous):
            self._tables.overwrite(ALERTS, [alert.row() for alert in alerts])
        return Published(alerts, len(findings), changed, sum(map(bool, muted)), queued, dict(self._broken))

    def _earlier_runs(self) -> Iterator[datetime]:
        """Logical times up to which earlier runs have spoken, so that an old day resurrects nothing."""
        done = (pc.field("job") == "publish_alerts") & (pc.field("status") == "done")
        for row in self._tables.arrow("ops.runs", done, columns=["run_date", "started_at"]).to_pylist():
            end_of_day = datetime.combine(row["run_date"] + timedelta(days=1), time(), UTC)
            yield min(end_of_day, row["started_at"])

    def _findings(self, now: datetime, wall: datetime, judged_from: datetime | None) -> list[Finding]:
        found: list[Finding] = []
        found += self._anomalies(now, judged_from)
        readers: dict[str, Callable[[Rule], Iterable[Finding]]] = {}
        if self._uses("refused_batches"):
            ledger = self._tables.rows("ops.ledger", pc.field("status") == "refused")
            readers["refused_batches"] = lambda rule: sources.refused_batch_findings(rule, ledger)
        if self._uses("quality_kpis"):
            kpis = self._tables.rows("gold.quality_kpis")
            readers["quality_kpis"] = lambda rule: sources.quality_findings(rule, kpis)
        if self._uses("failed_jobs") or self._uses("heartbeat"):
            runs = self._tables.rows("ops.runs")
            readers["failed_jobs"] = lambda rule: sources.failed_job_findings(rule, runs)
            readers["heartbeat"] = lambda rule: sources.heartbeat_findings(rule, runs, wall)
        if self._uses("failed_sources"):
            told = self._tables.rows("ops.sources")
            readers["failed_sources"] = lambda rule: sources.failed_source_findings(rule, told)
        if self._uses("freshness"):
            newest = self._newest_play(now)
            readers["freshness"] = lambda rule: sources.freshness_findings(rule, newest, now)
        if self._uses("no_data"):
            readers["no_data"] = lambda rule: self._quiet_slices(rule, now)
        if self._uses("new_columns"):
            columns = self._tables.rows("ops.source_columns")
            readers["new_columns"] = lambda rule: sources.new_column_findings(rule, columns, now)
        for rule in self._rulebook.rules:
            if rule.source in readers:
                found += self._apply(rule, readers[rule.source])
        return found

    def _anomalies(self, now: datetime, judged_from: datetime | None) -> list[Finding]:
        rules = [rule for rule in self._rulebook.rules if rule.source == "anomalies"]
        if not rules:
            return []
        wanted = pc.field("severity").is_valid() & (pc.field("window_date") <= now.date())
        if judged_from is not None:
            wanted &= pc.field("window_date") >= judged_from.date()
        rows = self._tables.rows(_ANOMALIES, wanted)
        looked_until = self._looked_until(now) if rows else {}
        family = self._rulebook.family_of
        found: list[Finding] = []
        for rule in rules:
            found += self._apply(rule, lambda rule: sources.anomaly_findings(rule, rows, family, looked_until))
        return found

    def _looked_until(self, now: datetime) -> dict[str, datetime]:
        """By grain, the end of the last window that was scored, not after `now`."""
        until: dict[str, datetime] = {}
        for grain, window in sources.WINDOWS.items():
            for since in (now - timedelta(days=3), None):
                wanted = (pc.field("grain") == grain) & (pc.field("window_date") <= now.date())
                wanted &= pc.field("observed").is_valid()
                if since is not None:
                    wanted &= pc.field("window_date") >= since.date()
                starts = self._tables.arrow(_ANOMALIES, wanted, columns=["window_start"]).column("window_start")
                if len(starts):
                    last: datetime = pc.max(starts).as_py()
                    until[grain] = min(now, last.astimezone(UTC) + window)
                    break
        return until

    def _newest_play(self, now: datetime) -> datetime | None:
        """End of the last hour that has plays, not after `now`; None where there never were any."""
        for since in (now - timedelta(days=3), datetime(1970, 1, 1, tzinfo=UTC)):
            day = pc.field("activity_date")
            wanted = (day >= since.date()) & (day <= now.date())
            hours = self._tables.arrow(_ACTIVITY, wanted, columns=["hour_start"]).column("hour_start")
            if len(hours):
                newest: datetime = pc.max(hours).as_py()
                return min(now, newest.astimezone(UTC) + timedelta(hours=1))
        return None

    def _quiet_slices(self, rule: Rule, now: datetime) -> list[Finding]:
        """Values of the rule's dimension whose plays stopped coming within the look-back."""
        day = pc.field("activity_date")
        wanted = (day >= (now - 2 * sources.WEEK).date()) & (day <= now.date())
        hours = self._tables.arrow(_ACTIVITY, wanted, columns=["hour_start", "activity_date", rule.by])
        by_value = hours.group_by(rule.by).aggregate([("hour_start", "max"), ("activity_date", "distinct")])
        slices = []
        for row in by_value.to_pylist():
            if row[rule.by]:
                newest = min(now, row["hour_start_max"].astimezone(UTC) + timedelta(hours=1))
                of_week = [day for day in row["activity_date_distinct"] if day > (newest - sources.WEEK).date()]
                slices.append({"value": row[rule.by], "newest": newest, "days": len(of_week)})
        newest = max((row["newest"] for row in slices), default=None)
        return sources.no_data_findings(rule, slices, newest, now)

    def _uses(self, source: str) -> bool:
        return any(rule.source == source for rule in self._rulebook.rules)

    def _apply(self, rule: Rule, read: Callable[[Rule], Iterable[Finding]]) -> list[Finding]:
        try:
            return list(read(rule))
        except Exception as error:
            # A rule that breaks on strange rows must not keep the other rules from speaking.
            self._broken[rule.name] = f"{type(error).__name__}: {error}"
            self._log.error("alert rule broke", rule=rule.name, error=self._broken[rule.name])
            return []


def _speaks(alert: Alert, sent: SentLog) -> bool:
    """Whether no other alert speaks for it; who was told of its beginning hears of its end in any case."""
    return not alert.evidence.inhibited_by or (alert.state == "resolved" and bool(sent.about(alert)))


def _judged_from(previous: Sequence[Alert], horizon: datetime) -> datetime | None:
    """Start of the range to look at: the horizon, moved back so that it cuts no episode."""
    if not previous:
        return None
    moment = _midnight(horizon)
    margin = timedelta(days=2)
    for alert in sorted(previous, key=lambda alert: alert.starts_at, reverse=True):
        if alert.starts_at < moment and (alert.ends_at is None or alert.ends_at + margin >= moment):
            moment = _midnight(alert.starts_at - margin)
    return moment


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(UTC).date(), time(), UTC)
