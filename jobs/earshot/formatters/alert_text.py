"""Alerts in words: the sentences that every channel says, and the console's plain text."""

from __future__ import annotations

import shlex
from datetime import datetime

from earshot.core.alerts import Alert, Contributor, Notification
from earshot.core.figures import spoken
from earshot.formatters.alert_chart import sparklines

SHOWN = 10
_CONTRIBUTORS = 5
_HIDDEN_FACTS = {"runbook", "explain", "score", "model_version"}
_SILENCED_BY = (
    "metric",
    "grain",
    "country",
    "device",
    "tier",
    "platform",
    "app_version",
    "cdn",
    "batch",
    "job",
    "kpi",
    "suite",
)


def moment(at: datetime) -> str:
    """`2026-03-29 10:00 UTC`."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def one_line(text: str, longest: int = 300) -> str:
    """The text on one line, without control characters, cut to `longest` characters."""
    flat = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return flat if len(flat) <= longest else f"{flat[: longest - 1]}…"


def headline(notification: Notification) -> str:
    """`[critical] firing: SUMMARY (and 2 more)`; what fires on, or on unanswered, says so."""
    first = notification.alerts[0]
    more = len(notification.alerts) - 1
    rest = f" (and {more} more)" if more else ""
    status = notification.status
    if status == "firing":
        status_of = {"news": "firing", "reminder": "still firing", "escalation": "firing, unanswered"}
        return one_line(f"[{notification.severity}] {status_of[notification.why]}: {first.summary}{rest}")
    return one_line(f"[{notification.severity}] {status}: {first.summary}{rest}")


def bars(alert: Alert, notification: Notification) -> list[tuple[str, str]]:
    """The last windows as rows of bars, with their labels; nothing where the alert has no series."""
    seen, expected = sparklines(notification.series.get(alert.fingerprint, ()))
    return [("Lately", seen), ("Normally", expected)] if seen else []


def figures(alert: Alert) -> list[tuple[str, str]]:
    """Label and value of what was expected, what was seen, when, and which slice explains it."""
    evidence = alert.evidence
    metric = alert.labels.get("metric", "")
    said: list[tuple[str, str]] = []
    if evidence.expected is not None:
        bounds = ""
        if evidence.lower is not None and evidence.upper is not None:
            bounds = f" ({spoken(evidence.lower, metric)} to {spoken(evidence.upper, metric)})"
        said.append(("Expected", spoken(evidence.expected, metric) + bounds))
    if evidence.observed is not None:
        at = f" at {moment(evidence.at)}" if evidence.at else ""
        said.append(("Seen", spoken(evidence.observed, metric) + at))
    until = f" to {moment(alert.ends_at)}" if alert.ends_at else ", still on"
    said.append(("When", f"{moment(alert.starts_at)}{until}"))
    if evidence.windows > 1:
        said.append(("Windows", str(evidence.windows)))
    said += _explanation(alert)
    said += [("Example", one_line(example)) for example in evidence.examples]
    said += [
        (name.replace("_", " ").capitalize(), one_line(value))
        for name, value in evidence.facts.items()
        if name not in _HIDDEN_FACTS
    ]
    return said


def _explanation(alert: Alert) -> list[tuple[str, str]]:
    """The alert's own slice as its cause, and the slices within it (or, of an alert of the total, of the total)."""
    parts = alert.evidence.contributors
    own = [part for part in parts if alert.labels.get(part.name) == part.value]
    others = [part for part in parts if part not in own][:_CONTRIBUTORS]
    said = []
    if own:
        slice_ = " x ".join(f"{part.name} {part.value}" for part in own)
        said.append(("Explained by", slice_ + _share(own[0])))
    if others:
        named = ", ".join(f"{part.name} {part.value}{_share(part)}" for part in others)
        said.append(("Within it" if own else "Explained by", named))
    return said


def _share(part: Contributor) -> str:
    return "" if part.share is None else f" ({part.share:.0%})"


def actions(alert: Alert) -> list[tuple[str, str]]:
    """Label and command or address of what a reader can do next."""
    matchers = [f"alertname={alert.rule}"]
    matchers += [f"{label}={alert.labels[label]}" for label in _SILENCED_BY if label in alert.labels]
    said = []
    if "explain" in alert.evidence.facts:
        said.append(("Look closer", alert.evidence.facts["explain"]))
    said.append(("Silence", shlex.join(["earshot", "alerts", "silence", *matchers, "--for", "2h", "--reason", "..."])))
    said.append(("Judge", f"earshot alerts confirm|dismiss {alert.fingerprint} --reason ..."))
    if alert.evidence.facts.get("runbook"):
        said.append(("Runbook", alert.evidence.facts["runbook"]))
    return said


def as_text(notification: Notification) -> str:
    """The message for a terminal or the text part of a mail."""
    lines = [headline(notification), ""]
    for alert in notification.alerts[:SHOWN]:
        lines.append(f"{alert.state.upper()} {alert.severity}: {one_line(alert.summary, 1_000)}")
        said = (*figures(alert), *bars(alert, notification), *actions(alert))
        lines += [f"    {label + ':':<14}{value}" for label, value in said]
        lines.append("")
    left = len(notification.alerts) - SHOWN
    if left > 0:
        lines += [f"and {left} more: earshot alerts list", ""]
    if notification.report:
        lines += [f"Report: {notification.report}", ""]
    return "\n".join(lines)


def as_markdown(notification: Notification) -> str:
    """The message as Markdown."""
    lines = [f"## {_plain(headline(notification))}", ""]
    for alert in notification.alerts[:SHOWN]:
        lines += [f"### {_plain(one_line(alert.summary, 1_000))}", "", "| | |", "|---|---|"]
        lines += [f"| {label} | {_plain(value)} |" for label, value in (*figures(alert), *bars(alert, notification))]
        lines += ["", *(f"- {label}: `{value.replace('`', '')}`" for label, value in actions(alert)), ""]
    left = len(notification.alerts) - SHOWN
    if left > 0:
        lines += [f"and {left} more: `earshot alerts list`", ""]
    if notification.report:
        lines += [f"[Report]({notification.report})", ""]
    return "\n".join(lines)


def _plain(text: str) -> str:
    for sign in "\\`*_[]<>|#":
        text = text.replace(sign, f"\\{sign}")
    return text
