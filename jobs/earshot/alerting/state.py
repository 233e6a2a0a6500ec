"""The state machine, pure: previous alerts and findings in, alerts out.

An alert is an *episode*: findings of one fingerprint with pauses of at most `hold`. Its state
follows from the episode and the logical time alone, so running a day twice changes nothing, and
the way in which time was cut into runs does not matter. What was known before only decides what a
correction leaves behind: an alert that is no longer found is resolved, not deleted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from earshot.alerting.findings import Finding
from earshot.core.alerts import Alert, Severity, State, severity_rank


def advance(
    previous: Sequence[Alert],
    findings: Iterable[Finding],
    *,
    now: datetime,
    wall: datetime | None = None,
    historic_before: datetime | None = None,
    judged_from: datetime | None = None,
) -> list[Alert]:
    """The alerts as of `now`.

    Args:
        previous: The alerts as the last run left them.
        findings: Everything that the sources see in the judged range.
        now: Logical time; it never runs backwards, and windows that start later are not looked at.
        wall: Wall time, at which conditions end that began after `now` (a failed job of a backfill).
        historic_before: Episodes that ended before it are resolved whatever they would be.
        judged_from: Start of the range that the sources looked at: alerts that ended before it stay
            as they are. None: everything was looked at.

    Returns:
        Alerts ordered by fingerprint and start. `updated_at` moves only where something changed.
    """
    latest = max([now, *(alert.updated_at for alert in previous)])
    frozen = [alert for alert in previous if _ended_before(alert, judged_from)]
    known: dict[str, list[Alert]] = defaultdict(list)
    for alert in previous:
        if not _ended_before(alert, judged_from):
            known[alert.fingerprint].append(alert)
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.ends_at is None or finding.starts_at < latest:
            found[finding.fingerprint].append(finding)
    alerts = list(frozen)
    for fingerprint in {*found, *known}:
        unmatched = sorted(known[fingerprint], key=lambda alert: alert.starts_at)
        for episode in episodes(found[fingerprint]):
            matched = [alert for alert in unmatched if _same(alert, episode)]
            unmatched = [alert for alert in unmatched if alert not in matched]
            alerts += _as_alert(episode, matched, latest, historic_before)
        for alert in unmatched:
            alerts += _no_longer_found(alert, latest, wall or latest)
    return sorted(alerts, key=lambda alert: (alert.fingerprint, alert.starts_at))


def episodes(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings of one fingerprint, cut where the pause exceeds `hold`; each window once, the worst.

    Those that cannot open an episode (hysteresis) prolong the one before them, and are else left out.
    """
    unique = {finding.starts_at: finding for finding in sorted(findings, key=_weight)}
    found: list[list[Finding]] = []
    end: datetime | None = None
    for finding in (unique[start] for start in sorted(unique)):
        if found and (end is None or finding.starts_at - end <= finding.hold):
            found[-1].append(finding)
            end = None if end is None or finding.ends_at is None else max(end, finding.ends_at)
        elif finding.opens:
            found.append([finding])
            end = finding.ends_at
    return found


def _ended_before(alert: Alert, moment: datetime | None) -> bool:
    return moment is not None and alert.ends_at is not None and alert.ends_at < moment


def _same(alert: Alert, episode: Sequence[Finding]) -> bool:
    """Whether the alert and the episode lie within `hold` of each other."""
    hold = episode[0].hold
    end = _end(episode)
    alert_end = alert.evidence.last or alert.ends_at
    begins_before_end = end is None or alert.starts_at - hold <= end
    return begins_before_end and (alert_end is None or episode[0].starts_at - hold <= alert_end)


def _as_alert(
    episode: Sequence[Finding], matched: Sequence[Alert], now: datetime, historic_before: datetime | None
) -> list[Alert]:
    worst = max(episode, key=_weight)
    end = _end(episode)
    looked_until = min(worst.looked_until or now, now)
    historic = end is not None and historic_before is not None and end < historic_before
    over = historic or (end is not None and looked_until - end > worst.hold)
    windows = sum(finding.windows for finding in episode if finding.opens)
    state: State = "resolved" if over else "firing"
    if windows < worst.needed and all(alert.state == "pending" for alert in matched):
        if over:
            return []
        state = "pending"
    severities: list[Severity] = [finding.severity for finding in episode if finding.opens]
    current = Alert(
        fingerprint=worst.fingerprint,
        rule=worst.rule,
        severity=max(severities, key=severity_rank),
        state=state,
        labels=dict(worst.labels),
        summary=worst.summary,
        evidence=worst.evidence.model_copy(update={"windows": windows, "last": end}),
        starts_at=episode[0].starts_at,
        ends_at=end if state == "resolved" else None,
        updated_at=now,
    )
    return [next((alert for alert in matched if _says_the_same(alert, current)), current)]


def _says_the_same(alert: Alert, current: Alert) -> bool:
    silent = alert.evidence.model_copy(update={"inhibited_by": ""})
    return alert.model_copy(update={"evidence": silent, "updated_at": current.updated_at}) == current


def _no_longer_found(alert: Alert, now: datetime, wall: datetime) -> list[Alert]:
    if alert.state == "resolved":
        return [alert]
    if alert.state == "pending":
        return []
    ends_at = now if now >= alert.starts_at else max(wall, alert.starts_at)
    return [alert.model_copy(update={"state": "resolved", "ends_at": ends_at, "updated_at": now})]


def _end(episode: Sequence[Finding]) -> datetime | None:
    ends = [finding.ends_at for finding in episode]
    known = [end for end in ends if end is not None]
    return None if len(known) < len(ends) else max(known)


def _weight(finding: Finding) -> tuple[bool, int, float, float]:
    return (finding.opens, severity_rank(finding.severity), finding.weight, -finding.starts_at.timestamp())
