"""Inhibition: the alert of a whole slice speaks for its parts and its metric's family; others as the rules say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from earshot.alerting.matchers import all_hold, parse_matchers
from earshot.alerting.rules import DIMENSIONS, Inhibition, Rulebook
from earshot.core.alerts import Alert, severity_rank

_GRAINS = ("hour", "day")
_WINDOWS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
_Speakers = dict[tuple[str, datetime], str]


def inhibit(alerts: Sequence[Alert], rulebook: Rulebook) -> list[Alert]:
    """The alerts, each with the fingerprint of the one that speaks for it (or empty) in its evidence.

    An alert speaks for another of the same rule and metric family when both overlap in time, the
    dimensions of the first are among those of the second, it is at least as severe, it is not
    pending, and its contributors do not name another value of the second's dimensions. With equal
    dimensions the metric that the family names first speaks, then the hourly series. The rules of
    `[[inhibit]]` come after that, with Alertmanager's meaning.

    For an alert that fires on only a firing one speaks, or one whose end it has outlived by no more
    than its rule holds: what goes on alone is told of.
    """
    holds = {rule.name: rule.hold for rule in rulebook.rules}
    latest = max((max(alert.starts_at, alert.updated_at) for alert in alerts), default=None)
    speakers = _by_family(alerts, rulebook, latest, holds)
    for rule in rulebook.inhibit:
        _by_rule(rule, alerts, speakers, latest, holds)
    return [_told(alert, speakers) for alert in alerts]


def _by_family(
    alerts: Sequence[Alert], rulebook: Rulebook, latest: datetime | None, holds: Mapping[str, int]
) -> _Speakers:
    families: dict[tuple[str, str], list[Alert]] = defaultdict(list)
    for alert in alerts:
        if "family" in alert.labels:
            families[alert.rule, alert.labels["family"]].append(alert)
    speakers: _Speakers = {}
    for (_, family), members in families.items():
        order = {metric: rank for rank, metric in enumerate(rulebook.families.get(family, ()))}
        by_day: dict[date, list[Alert]] = defaultdict(list)
        for alert in sorted(members, key=lambda alert: _rank(alert, order)):
            days = _days(alert, latest)
            found = [other for day in days for other in by_day[day] if _speaks_for(other, alert, order, holds)]
            if found:
                speaker = min(found, key=lambda other: (_rank(other, order), other.starts_at, other.fingerprint))
                speakers[alert.fingerprint, alert.starts_at] = speaker.fingerprint
            for day in days:
                by_day[day].append(alert)
    return speakers


def _by_rule(
    rule: Inhibition,
    alerts: Sequence[Alert],
    speakers: _Speakers,
    latest: datetime | None,
    holds: Mapping[str, int],
) -> None:
    source, target = parse_matchers(rule.source), parse_matchers(rule.target)
    by_day: dict[tuple[date, tuple[str, ...]], list[Alert]] = defaultdict(list)
    for alert in alerts:
        if alert.state != "pending" and all_hold(source, alert.matching_labels):
            for day in _days(alert, latest):
                by_day[day, _values(alert, rule.equal)].append(alert)
    for alert in alerts:
        key = (alert.fingerprint, alert.starts_at)
        if key in speakers or not all_hold(target, alert.matching_labels):
            continue
        # As in Alertmanager: who is source and target is not silenced by another that is both.
        both = all_hold(source, alert.matching_labels)
        equal = _values(alert, rule.equal)
        found = [
            other
            for day in _days(alert, latest)
            for other in by_day[day, equal]
            if other.fingerprint != alert.fingerprint
            and not (both and all_hold(target, other.matching_labels))
            and (not rule.within or _dimensions(other).items() <= _dimensions(alert).items())
            and _speaks_now(other, alert, holds)
        ]
        if found:
            speakers[key] = min(found, key=lambda other: (other.starts_at, other.fingerprint)).fingerprint


def _values(alert: Alert, labels: Sequence[str]) -> tuple[str, ...]:
    found = alert.matching_labels
    return tuple(found.get(label, "") for label in labels)


def _days(alert: Alert, latest: datetime | None) -> list[date]:
    """The days that an alert touches: only alerts that share one can overlap."""
    first = alert.starts_at.date()
    last = max(alert.starts_at, alert.ends_at or latest or alert.starts_at).date()
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _told(alert: Alert, speakers: Mapping[tuple[str, datetime], str]) -> Alert:
    speaker = speakers.get((alert.fingerprint, alert.starts_at), "")
    if speaker == alert.evidence.inhibited_by:
        return alert
    return alert.model_copy(update={"evidence": alert.evidence.model_copy(update={"inhibited_by": speaker})})


def _dimensions(alert: Alert) -> dict[str, str]:
    return {name: alert.labels[name] for name in DIMENSIONS if name in alert.labels}


def _rank(alert: Alert, order: Mapping[str, int]) -> tuple[int, int, int]:
    grain = alert.labels.get("grain", "")
    return (
        len(_dimensions(alert)),
        order.get(alert.labels.get("metric", ""), len(order)),
        _GRAINS.index(grain) if grain in _GRAINS else len(_GRAINS),
    )


def _speaks_for(speaker: Alert, alert: Alert, order: Mapping[str, int], holds: Mapping[str, int]) -> bool:
    slice_of = _dimensions(alert)
    return (
        _rank(speaker, order) < _rank(alert, order)
        and speaker.state != "pending"
        and severity_rank(speaker.severity) >= severity_rank(alert.severity)
        and _dimensions(speaker).items() <= slice_of.items()
        and _speaks_now(speaker, alert, holds)
        and _explains(speaker, slice_of)
    )


def _explains(speaker: Alert, slice_of: Mapping[str, str]) -> bool:
    named: dict[str, set[str]] = defaultdict(set)
    for part in speaker.evidence.contributors:
        named[part.name].add(part.value)
    return all(value in named[name] for name, value in slice_of.items() if name in named)


def _speaks_now(speaker: Alert, alert: Alert, holds: Mapping[str, int]) -> bool:
    if not _overlap(speaker, alert):
        return False
    if alert.state == "resolved" or speaker.state != "resolved":
        return True
    ended, last = speaker.ends_at, alert.evidence.last
    grace = (holds.get(alert.rule, 0) + 1) * _WINDOWS.get(alert.labels.get("grain", ""), timedelta(0))
    return ended is not None and last is not None and last <= ended + grace


def _overlap(one: Alert, other: Alert) -> bool:
    return _before_end(one.starts_at, other) and _before_end(other.starts_at, one)


def _before_end(moment: datetime, alert: Alert) -> bool:
    end = alert.ends_at or alert.evidence.last
    return end is None or alert.state != "resolved" or moment < end
