"""The state machine: said as sentences, and against a plain reference that walks window by window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from earshot.alerting.findings import Finding
from earshot.alerting.state import advance
from earshot.core.alerts import Alert, Evidence

HOUR = timedelta(hours=1)
T0 = datetime(2026, 3, 16, tzinfo=UTC)


def at(hour: float) -> datetime:
    return T0 + hour * HOUR


def window(hour: int, *, hold: int = 2, needed: int = 1, fingerprint: str = "f1", severity="warning", until=None):
    return Finding(
        rule="kpi",
        fingerprint=fingerprint,
        labels={"metric": "listens"},
        severity=severity,
        starts_at=at(hour),
        ends_at=at(hour + 1),
        summary=f"hour {hour}",
        weight=0.5,
        hold=hold * HOUR,
        needed=needed,
        looked_until=None if until is None else at(until),
    )


def condition(since: float, fingerprint: str = "batch"):
    return Finding("gate", fingerprint, {"batch": "b1"}, "critical", at(since), None, "refused")


def test_consecutive_windows_are_one_alert() -> None:
    (alert,) = advance([], [window(3), window(4), window(5)], now=at(6))
    assert (alert.state, alert.starts_at, alert.ends_at, alert.evidence.windows) == ("firing", at(3), None, 3)


def test_a_pause_within_hold_does_not_split_an_alert() -> None:
    (alert,) = advance([], [window(3), window(6)], now=at(7))
    assert alert.evidence.windows == 2


def test_a_longer_pause_makes_two_alerts() -> None:
    first, second = advance([], [window(3), window(7)], now=at(8))
    assert (first.state, first.ends_at) == ("resolved", at(4))
    assert (second.state, second.starts_at) == ("firing", at(7))


def test_an_alert_resolves_when_it_was_not_seen_for_more_than_hold() -> None:
    assert advance([], [window(3)], now=at(6))[0].state == "firing"
    (resolved,) = advance([], [window(3)], now=at(6.5))
    assert (resolved.state, resolved.ends_at) == ("resolved", at(4))


def test_an_alert_does_not_resolve_while_nobody_has_looked() -> None:
    (alert,) = advance([], [window(3, until=4)], now=at(40))
    assert alert.state == "firing"


def test_an_alert_is_pending_until_it_was_seen_often_enough() -> None:
    assert advance([], [window(3, needed=2)], now=at(4))[0].state == "pending"
    assert advance([], [window(3, needed=2), window(4, needed=2)], now=at(5))[0].state == "firing"


def test_what_was_pending_and_went_away_leaves_no_alert() -> None:
    pending = advance([], [window(3, needed=2)], now=at(4))
    assert advance(pending, [window(3, needed=2)], now=at(20)) == []


def test_the_worst_window_speaks_and_gives_its_severity() -> None:
    worst = replace(window(4, severity="critical"), weight=0.9)
    (alert,) = advance([], [window(3), worst, window(5)], now=at(6))
    assert (alert.severity, alert.summary) == ("critical", "hour 4")


def test_running_twice_changes_nothing() -> None:
    findings = [window(3), window(4)]
    once = advance([], findings, now=at(5))
    assert advance(once, findings, now=at(5)) == once


def test_a_day_that_is_run_out_of_order_does_not_resurrect_an_alert() -> None:
    later = advance([], [window(3)], now=at(30))
    assert later[0].state == "resolved"
    assert advance(later, [window(3)], now=at(4)) == later


def test_a_correction_resolves_an_alert_rather_than_deleting_it() -> None:
    firing = advance([], [window(3)], now=at(4))
    (alert,) = advance(firing, [], now=at(5))
    assert (alert.state, alert.ends_at, alert.updated_at) == ("resolved", at(5), at(5))


def test_a_correction_that_leaves_too_few_windows_takes_no_alert_back_that_fired() -> None:
    firing = advance([], [window(3, needed=2), window(4, needed=2)], now=at(5))
    (alert,) = advance(firing, [window(4, needed=2)], now=at(5))
    assert (alert.state, alert.evidence.windows) == ("firing", 1)


def test_late_plays_that_extend_an_alert_backwards_keep_it_one() -> None:
    firing = advance([], [window(5)], now=at(6))
    (alert,) = advance(firing, [window(4), window(5)], now=at(7))
    assert (alert.starts_at, alert.state) == (at(4), "firing")


def test_windows_that_are_long_over_are_resolved_whatever_they_would_be() -> None:
    (alert,) = advance([], [window(3)], now=at(4), historic_before=at(100))
    assert (alert.state, alert.ends_at) == ("resolved", at(4))


def test_a_condition_fires_while_it_is_seen_and_resolves_when_it_is_not() -> None:
    firing = advance([], [condition(2)], now=at(3))
    assert (firing[0].state, firing[0].ends_at) == ("firing", None)
    again = advance(firing, [condition(2)], now=at(90))
    assert again == firing
    (resolved,) = advance(again, [], now=at(91))
    assert (resolved.state, resolved.ends_at) == ("resolved", at(91))


def test_a_condition_that_began_after_the_logical_time_ends_on_the_wall_clock() -> None:
    firing = advance([], [condition(500)], now=at(3), wall=at(501))
    (resolved,) = advance(firing, [], now=at(3), wall=at(502))
    assert resolved.ends_at == at(502)


def test_alerts_from_before_the_judged_range_stay_as_they_are() -> None:
    old = advance([], [window(3)], now=at(10))
    both = advance(old, [window(100)], now=at(101), judged_from=at(50))
    assert both[0] == old[0]
    assert len(both) == 2


def test_windows_after_the_logical_time_are_not_looked_at() -> None:
    assert advance([], [window(9)], now=at(5)) == []


def test_an_alert_survives_its_table_row() -> None:
    (alert,) = advance([], [window(3)], now=at(4))
    assert Alert.from_row(alert.row()) == alert
    assert Alert.from_row({**alert.row(), "labels": list(alert.labels.items())}) == alert


def test_figures_that_are_no_numbers_become_null() -> None:
    evidence = Evidence.model_validate_json(Evidence(observed=float("nan"), expected=float("inf")).model_dump_json())
    assert (evidence.observed, evidence.expected) == (None, None)


def mild(hour: int) -> Finding:
    return replace(window(hour, severity="info"), opens=False)


def test_a_window_that_is_too_mild_raises_no_alert() -> None:
    assert advance([], [mild(3)], now=at(4)) == []


def test_a_mild_window_keeps_an_alert_alive_and_neither_makes_it_worse_nor_speaks_for_it() -> None:
    (alert,) = advance([], [mild(1), window(3), mild(5), mild(7)], now=at(8))
    assert (alert.state, alert.starts_at, alert.severity, alert.summary) == ("firing", at(3), "warning", "hour 3")
    assert (alert.evidence.windows, alert.evidence.last) == (1, at(8))


@dataclass
class _Open:
    start: int
    last: int
    count: int


def reference(abnormal: list[bool], hold: int, needed: int) -> list[tuple[str, int, int | None, int]]:
    """Walks window by window with three counters: (state, start, end, windows)."""
    closed: list[tuple[str, int, int | None, int]] = []
    current: _Open | None = None
    for hour, wrong in enumerate(abnormal):
        now = hour + 1
        if wrong:
            current = current or _Open(hour, now, 0)
            current.last, current.count = now, current.count + 1
        elif current and now - current.last > hold:
            if current.count >= needed:
                closed.append(("resolved", current.start, current.last, current.count))
            current = None
    if current:
        state = "firing" if current.count >= needed else "pending"
        closed.append((state, current.start, None, current.count))
    return closed


def said(alerts: list[Alert]) -> list[tuple[str, int, int | None, int]]:
    def hour(moment: datetime) -> int:
        return int((moment - T0) / HOUR)

    return [(a.state, hour(a.starts_at), a.ends_at and hour(a.ends_at), a.evidence.windows) for a in alerts]


series = st.lists(st.booleans(), min_size=1, max_size=40)


@given(series, st.integers(0, 4), st.integers(1, 4), st.sets(st.integers(1, 40)))
def test_any_way_of_cutting_time_into_runs_gives_what_the_reference_gives(abnormal, hold, needed, cuts) -> None:
    findings = [window(hour, hold=hold, needed=needed) for hour, wrong in enumerate(abnormal) if wrong]
    alerts: list[Alert] = []
    for cut in sorted({cut for cut in cuts if cut < len(abnormal)} | {len(abnormal)}):
        seen = [finding for finding in findings if finding.starts_at < at(cut)]
        alerts = advance(alerts, seen, now=at(cut))
        assert said(alerts) == reference(abnormal[:cut], hold, needed)
        assert advance(alerts, seen, now=at(cut)) == alerts


@given(series, st.integers(0, 4), st.integers(1, 4), st.lists(st.integers(1, 40), max_size=6))
def test_no_earlier_day_that_is_run_again_changes_an_alert_that_fired(abnormal, hold, needed, earlier) -> None:
    findings = [window(hour, hold=hold, needed=needed) for hour, wrong in enumerate(abnormal) if wrong]
    alerts = advance([], findings, now=at(len(abnormal)))
    for day in earlier:
        again = advance(alerts, findings, now=at(min(day, len(abnormal))))
        told = [alert for alert in again if alert.state != "pending"]
        assert said(told) == said([alert for alert in alerts if alert.state != "pending"])


@given(st.lists(st.sets(st.sampled_from("abcd")), min_size=1, max_size=12))
def test_conditions_fire_exactly_while_they_are_seen(runs) -> None:
    since: dict[str, int] = {}
    alerts: list[Alert] = []
    for hour, seen in enumerate(runs):
        since = {name: since.get(name, hour) for name in seen}
        found = [replace(condition(begun), fingerprint=name) for name, begun in since.items()]
        alerts = advance(alerts, found, now=at(hour + 1))
        assert {alert.fingerprint for alert in alerts if alert.state == "firing"} == seen
