"""What alerting means, said as plainly as can be: whole hours, dictionaries, nothing clever. Tests compare with it."""

from __future__ import annotations

from dataclasses import dataclass, field

Key = tuple[str, int]


@dataclass
class PlainAlert:
    name: str
    state: str
    start: int
    end: int | None
    last: int | None
    severity: int


@dataclass
class PlainLog:
    """What one group was told: when last, of whom, and the latest word on each alert."""

    at: int
    firing: list[tuple[str, int, int]]
    words: list[tuple[str, int, str]]


@dataclass
class PlainAlerting:
    hold: int
    needed: int
    wait: int
    interval: int
    repeat: int
    fresh: int = 24
    alerts: list[PlainAlert] = field(default_factory=list)
    logs: dict[str, PlainLog] = field(default_factory=dict)

    def run(
        self,
        now: int,
        windows: dict[str, dict[int, tuple[int, bool]]],
        conditions: dict[str, int],
        muted: set[str],
        groups: dict[str, str],
    ) -> list[tuple[str, list[tuple[str, int, str]]]]:
        """One run: the alerts change, and the messages that are due come back, each as group and members."""
        before = {(alert.name, alert.start) for alert in self.alerts}
        self._judge(now, windows, conditions)
        messages = []
        for group in sorted(set(groups.values())):
            members = [a for a in self.alerts if groups[a.name] == group and a.name not in muted]
            spoken = self._speak(group, members, now, before)
            if spoken:
                messages.append((group, sorted(spoken)))
        return messages

    def _judge(self, now: int, windows: dict[str, dict[int, tuple[int, bool]]], conditions: dict[str, int]) -> None:
        after: list[PlainAlert] = []
        for name in {*windows, *conditions, *(alert.name for alert in self.alerts)}:
            old = sorted((alert for alert in self.alerts if alert.name == name), key=lambda alert: alert.start)
            hold = self.hold if name not in conditions and name in windows else 0
            for start, end, count, severity in self._episodes(name, windows, conditions):
                matched = [alert for alert in old if self._same(alert, start, end, hold)]
                old = [alert for alert in old if alert not in matched]
                over = end is not None and now - end > hold
                fired = any(alert.state != "pending" for alert in matched)
                needed = self.needed if name in windows else 1
                if count >= needed or fired:
                    state = "resolved" if over else "firing"
                    after.append(PlainAlert(name, state, start, end if over else None, end, severity))
                elif not over:
                    after.append(PlainAlert(name, "pending", start, None, end, severity))
            for alert in old:
                if alert.state == "firing":
                    after.append(PlainAlert(name, "resolved", alert.start, now, alert.last, alert.severity))
                elif alert.state == "resolved":
                    after.append(alert)
        self.alerts = after

    def _episodes(
        self, name: str, windows: dict[str, dict[int, tuple[int, bool]]], conditions: dict[str, int]
    ) -> list[tuple[int, int | None, int, int]]:
        if name in conditions:
            return [(conditions[name], None, 1, 2)]
        found: list[list[int]] = []
        for hour, (severity, opens) in sorted(windows.get(name, {}).items()):
            if found and hour - found[-1][1] <= self.hold:
                found[-1][1] = hour + 1
            elif opens:
                found.append([hour, hour + 1, 0, 0])
            else:
                continue
            if opens:
                found[-1][2] += 1
                found[-1][3] = max(found[-1][3], severity)
        return [(start, end, count, severity) for start, end, count, severity in found]

    def _same(self, alert: PlainAlert, start: int, end: int | None, hold: int) -> bool:
        last = alert.last if alert.last is not None else alert.end
        return (end is None or alert.start - hold <= end) and (last is None or start - hold <= last)

    def _speak(
        self, group: str, members: list[PlainAlert], now: int, before: set[Key]
    ) -> list[tuple[str, int, str]] | None:
        log = self.logs.get(group)
        firing = [alert for alert in members if alert.state == "firing"]
        begun, ended, unheard = [], [], []
        for alert in members:
            words = [word for name, start, word in (log.words if log else []) if self._about(alert, name, start)]
            if alert.state == "firing":
                known = log.firing if log else []
                if not any(self._about(alert, name, start) and rank >= alert.severity for name, start, rank in known):
                    begun.append(alert)
            elif alert.state == "resolved" and words:
                ended += [alert] if words[-1] == "firing" else []
            elif alert.state == "resolved" and (alert.name, alert.start) not in before:
                unheard += [alert] if (alert.end or now) >= now - self.fresh else []
        news = [*begun, *ended, *unheard]
        if news:
            if log is None:
                in_time = now - min(alert.start for alert in news) >= self.wait
            else:
                in_time = now - log.at >= self.interval
            if not in_time and not unheard:
                return None
        elif not (firing and log is not None and now - log.at >= self.repeat):
            return None
        said = [(alert.name, alert.start, alert.state) for alert in (*firing, *ended, *unheard)]
        words = (log.words if log else []) + said
        self.logs[group] = PlainLog(now, [(a.name, a.start, a.severity) for a in firing], words)
        return said

    @staticmethod
    def _about(alert: PlainAlert, name: str, start: int) -> bool:
        if alert.name != name:
            return False
        return start == alert.start or (alert.start <= start and (alert.end is None or start < alert.end))
