"""The whole of alerting against a plain reference: windows, late plays, corrections, conditions, silences, runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from earshot.alerting.dispatch import Delivery, compose
from earshot.alerting.findings import Finding
from earshot.alerting.routing import Sent, SentLog, Told, member_of
from earshot.alerting.rules import Rulebook
from earshot.alerting.state import advance
from earshot.core.alerts import SEVERITIES, Alert, severity_rank
from plain_alerting import PlainAlerting

HOUR = timedelta(hours=1)
T0 = datetime(2026, 3, 16, tzinfo=UTC)
TEAMS = {"a": "one", "b": "one", "c": "two", "x": "two"}
LONGEST_HOLD, NEEDED, WAIT, INTERVAL, REPEAT = 2, 2, 2, 3, 6

series = st.sampled_from("abc")
window = st.sampled_from([None, (0, True), (1, True), (2, True), (1, False)])


def at(hour: int) -> datetime:
    return T0 + hour * HOUR


def hour_of(moment: datetime | None) -> int | None:
    return None if moment is None else int((moment - T0) / HOUR)


class Alerts(RuleBasedStateMachine):
    """Earshot and the reference see the same hours."""

    @initialize(
        hold=st.integers(0, LONGEST_HOLD),
        needed=st.integers(1, NEEDED),
        active=st.sets(series, max_size=2),
        quiet=st.booleans(),
    )
    def begin(self, hold: int, needed: int, active: set[str], quiet: bool) -> None:
        """Few series and often nothing new: only then do pauses, holds and reminders come into play."""
        self.now = 10
        self.active, self.quiet = active, quiet
        self.hold, self.needed = hold, needed
        self.windows: dict[str, dict[int, tuple[int, bool]]] = {}
        self.conditions: dict[str, int] = {}
        self.muted: set[str] = set()
        self.alerts: list[Alert] = []
        self.sent: list[Sent] = []
        self.plain = PlainAlerting(hold, needed, WAIT, INTERVAL, REPEAT)
        route = {"name": "all", "group_by": ["team"], "group_wait": f"{WAIT}h"}
        route |= {"group_interval": f"{INTERVAL}h", "repeat_interval": f"{REPEAT}h"}
        self.book = Rulebook.model_validate({"routes": [route]})

    @rule(seen=st.fixed_dictionaries({name: window for name in "abc"}), hours=st.sampled_from([1, 1, 1, 2, 3, 6]))
    def hours_pass_and_a_run_comes(self, seen: dict[str, tuple[int, bool] | None], hours: int) -> None:
        for name in sorted(self.active):
            found = seen[name]
            if found is not None:
                self.windows.setdefault(name, {})[self.now] = found
        self.now += hours
        self._runs()

    @precondition(lambda self: not self.quiet)
    @rule(name=series, back=st.integers(0, 6), found=window)
    def a_late_play_changes_an_old_window(self, name: str, back: int, found: tuple[int, bool] | None) -> None:
        if found is not None:
            self.windows.setdefault(name, {})[self.now - 1 - back] = found

    @precondition(lambda self: not self.quiet)
    @rule(which=st.integers(0, 3))
    def a_correction_takes_one_of_the_last_windows_away(self, which: int) -> None:
        known = sorted((hour, name) for name, hours in self.windows.items() for hour in hours)
        if known:
            hour, name = known[-1 - which % len(known)]
            del self.windows[name][hour]

    @rule()
    def condition_begins(self) -> None:
        self.conditions.setdefault("x", self.now)

    @rule()
    def condition_ends(self) -> None:
        self.conditions.pop("x", None)

    @precondition(lambda self: not self.quiet)
    @rule(name=st.sampled_from("abcx"))
    def is_silenced_or_not_any_more(self, name: str) -> None:
        self.muted ^= {name}

    def _runs(self) -> None:
        before = {(alert.fingerprint, alert.starts_at) for alert in self.alerts}
        self.alerts = advance(self.alerts, self._findings(), now=at(self.now))
        spoken_of = [alert for alert in self.alerts if alert.fingerprint not in self.muted]
        delivery = Delivery(at(self.now), at(self.now), before)
        messages = compose(spoken_of, self.book, ("file",), SentLog(self.sent), delivery)
        assert compose(spoken_of[::-1], self.book, ("file",), SentLog(self.sent), delivery) == messages, (
            "order says nothing"
        )
        for message in messages:
            members = tuple(Told.parse(member_of(alert)) for alert in message.alerts)
            one = Sent(message.delivery_id, "file", message.group_key, at(self.now), at(self.now), members)
            assert one.delivery_id not in {earlier.delivery_id for earlier in self.sent}
            self.sent.append(one)
        said = [
            (m.group_labels["team"], sorted((a.fingerprint, hour_of(a.starts_at), a.state) for a in m.alerts))
            for m in messages
        ]
        expected = self.plain.run(self.now, self.windows, self.conditions, self.muted, TEAMS)
        assert sorted(said) == sorted(expected)
        self._says_nothing_twice()

    def _says_nothing_twice(self) -> None:
        before = {(alert.fingerprint, alert.starts_at) for alert in self.alerts}
        again = advance(self.alerts, self._findings(), now=at(self.now))
        assert again == self.alerts
        spoken_of = [alert for alert in again if alert.fingerprint not in self.muted]
        assert (
            compose(spoken_of, self.book, ("file",), SentLog(self.sent), Delivery(at(self.now), at(self.now), before))
            == []
        )

    @invariant()
    def alerts_are_those_of_the_reference(self) -> None:
        if not hasattr(self, "plain"):
            return
        ours = sorted(
            (a.fingerprint, a.state, hour_of(a.starts_at), hour_of(a.ends_at), severity_rank(a.severity))
            for a in self.alerts
        )
        plain = sorted((a.name, a.state, a.start, a.end, a.severity) for a in self.plain.alerts)
        assert [repr(one) for one in ours] == [repr(one) for one in plain]

    def _findings(self) -> list[Finding]:
        found = [
            Finding(
                rule="kpi",
                fingerprint=name,
                labels={"team": TEAMS[name]},
                severity=SEVERITIES[severity],
                starts_at=at(hour),
                ends_at=at(hour + 1),
                summary="s",
                hold=self.hold * HOUR,
                needed=self.needed,
                opens=opens,
            )
            for name, hours in self.windows.items()
            for hour, (severity, opens) in hours.items()
        ]
        return found + [
            Finding("cond", name, {"team": TEAMS[name]}, "critical", at(since), None, "s")
            for name, since in self.conditions.items()
        ]


Alerts.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestAlerts = Alerts.TestCase
