"""The parts of the page, each a function from figures to HTML; what has no figures says so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from earshot.formatters.report import audience as of_audience
from earshot.formatters.report import drawing
from earshot.formatters.report import playback as of_playback
from earshot.formatters.report.drawing import number, share
from earshot.formatters.report.figures import ReportFigures
from earshot.formatters.report.listening_clock import draw_clock, utc_clock
from earshot.formatters.report.playback_map import startup_section


def tiles(figures: ReportFigures) -> str:
    """The headline numbers."""
    firing = sum(alert["state"] == "firing" for alert in figures.alerts)
    read = sum(batch["read"] for batch in figures.ledger)
    aside = sum(batch["quarantined"] for batch in figures.ledger)
    skips, listens = figures.totals.get("skips", 0), figures.totals.get("listens", 0)
    entries = [
        (number(listens), "plays in 14 days"),
        (number(figures.listeners), "listener" if figures.listeners == 1 else "listeners"),
        (number(figures.totals.get("counted_listens", 0)), "counted streams"),
        (share(skips / listens) if listens else "–", "skipped"),
        (share(aside / read, 2) if read else "–", "of lines set aside"),
        (str(firing), f"firing alert{'' if firing == 1 else 's'}"),
    ]
    return (
        '<div class="tiles">'
        + "".join(f'<div class="tile"><b>{b}</b><span>{w}</span></div>' for b, w in entries)
        + "</div>"
    )


def activity(figures: ReportFigures) -> str:
    """Plays by hour with the expected band."""
    if not figures.hours:
        return section("Plays by hour", "No play in these two weeks.")
    banded = any(point.expected is not None for point in figures.hours)
    note = "Seen against expected; a dot is a detection." if banded else "Too little history for an expected band yet."
    keys = "<span><i></i>seen</span>"
    if banded:
        keys += (
            '<span><i class="k-expected"></i>expected</span><span><i class="k-band"></i>expected range</span>'
            '<span><i class="k-mark"></i>detection</span>'
        )
    return section("Plays by hour", note, drawing.hourly(figures.hours) + f'<div class="key">{keys}</div>')


def alerts(figures: ReportFigures) -> str:
    """Every alert with what was expected, what was seen, and the slices that explain it."""
    if not figures.alerts:
        return section("Alerts", "None: nothing was out of the ordinary, or there is too little history to tell.")
    first = "".join(_alert(alert) for alert in figures.alerts[:5])
    rest = figures.alerts[5:]
    more = f"<details><summary>{len(rest)} more</summary>{''.join(map(_alert, rest))}</details>" if rest else ""
    return section("Alerts", "The newest that still fire come first.", first + more)


def behaviour(figures: ReportFigures) -> str:
    """Rhythm of the week, and the rates that tell how people listen."""
    clock = figures.gallery.clock or utc_clock(figures.rhythm)
    week = draw_clock(clock) if clock else ""
    whose = "on the listeners' own clocks" if clock and clock.is_local else "in UTC: these logs name no time zones"
    shown = ("skip_rate", "completion_rate", "repeat_rate", "discovery_rate")
    lines = "".join(
        drawing.spark(figures.behaviour[name], name.replace("_", " ")) for name in shown if figures.behaviour.get(name)
    )
    return section(
        "How people listen",
        f"Plays by weekday and hour {whose}, and daily rates.",
        f"{week}<div class=sparks>{lines}</div>",
    )


def audience(figures: ReportFigures) -> str:
    """Who is new and who returns, who they are, and from which eras and genres they play."""
    if not figures.audience.came:
        return section("Audience", "No session yet.")
    week = figures.audience.week
    of_week = f" Eras and genres: week of {week:%d %B %Y}, suspect listens left out." if week else ""
    note = "A listener is new on the UTC day of their first session, and back on a later day with a session on it."
    return section("Audience", note + of_week, of_audience.body(figures.audience))


def playback(figures: ReportFigures) -> str:
    """Start, stalls and bitrate by day, country, CDN and device."""
    note, body = of_playback.playback(figures.playback)
    startup = startup_section(figures.gallery.startup) if figures.gallery.startup else ""
    return section("Playback quality", note, startup + body)


def suspects(figures: ReportFigures) -> str:
    """Listeners whose streams look manipulated, with the signals that say so."""
    if not figures.suspects:
        return section("Stream manipulation", "No listener looks manipulated.")
    rows = "".join(
        f"<tr><td>{escape(s['listener'][:14])}…</td><td class=n>{s['days']}</td><td class=n>{number(s['streams'])}</td>"
        f"<td>{drawing.bar(s['score'], 'bad')}</td>"
        f'<td class="name signals">{escape(", ".join(s["signals"]).replace("_", " "))}</td></tr>'
        for s in figures.suspects[:8]
    )
    streams = sum(s["streams"] for s in figures.suspects)
    note = (
        f"{len(figures.suspects)} listeners, {number(streams)} streams. "
        "Left out of the charts above until a person clears them."
    )
    head = "<th>listener<th class=n>days<th class=n>streams<th>score<th>signals"
    return section("Stream manipulation", note, table(head, rows))


def recommendations(figures: ReportFigures) -> str:
    """One listener's favourites beside what is recommended."""
    if not figures.recommended:
        return section(
            "Recommendations", "Too few listeners or plays to learn from: one listener cannot feed this part."
        )
    favourites = "".join(f"<li>{escape(name)}</li>" for name in figures.sample_history)
    offered = "".join(f"<li>{escape(name)}</li>" for name in figures.recommended)
    body = two(f"<h3>Plays most</h3><ol>{favourites}</ol>", f"<h3>Might like</h3><ol>{offered}</ol>")
    return section(
        "Recommendations", f"A sample listener; algorithm: {escape(figures.algorithm)}. Nothing already played.", body
    )


def models(figures: ReportFigures) -> str:
    """Runs side by side."""
    if not figures.models:
        return section("Models", "None was trained: there is too little history.")
    metrics = [name for name in figures.models[0] if name not in {"name", "kind", "champion"}]
    head = "".join(f"<th class=n>{escape(metric)}</th>" for metric in metrics)
    rows = ""
    for model in figures.models:
        crown = ' <span class="pill good">champion</span>' if model.get("champion") else ""
        cells = "".join(f"<td class=n>{_figure(model.get(metric))}</td>" for metric in metrics)
        rows += f"<tr><td>{escape(str(model['name']))}{crown}</td>{cells}</tr>"
    note = "On held-out days, by time. The same runs stand in the MLflow UI."
    return section(
        "Models compared", note, f"<div class=scroll><table><tr><th>model</th>{head}</tr>{rows}</table></div>"
    )


def section(title: str, note: str, body: str = "") -> str:
    """A card with a title, a sentence and what is in it."""
    return f"<section><h2>{title}</h2><p>{note}</p>{body}</section>"


def table(head: str, rows: str) -> str:
    """A table that scrolls where it is wider than the page."""
    return f"<div class=scroll><table><tr>{head}</tr>{rows}</table></div>"


def two(left: str, right: str) -> str:
    """Two parts beside one another, where there is room."""
    return f"<div class=two><div>{left}</div><div>{right}</div></div>"


def _figure(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else escape(str(value if value is not None else "–"))


def _alert(alert: dict[str, Any]) -> str:
    until = f" to {alert['ends_at']:%d %b %H:%M}" if alert["ends_at"] else ", still on"
    labels = ", ".join(f"{name}={value}" for name, value in sorted(alert["labels"].items()) if value)
    state = "resolved" if alert["state"] == "resolved" else ""
    evidence = _evidence(alert.get("evidence"), alert["labels"])
    return (
        f'<div class="alert {escape(alert["severity"])} {state}"><b>{escape(alert["summary"])}</b>{evidence}'
        f"<small>{escape(alert['severity'])} · {escape(alert['state'])} · "
        f"{alert['starts_at']:%d %b %H:%M}{until} UTC · "
        f"{escape(labels)}</small></div>"
    )


def _evidence(text: str | None, labels: Mapping[str, str]) -> str:
    try:
        evidence = json.loads(text or "{}")
    except ValueError:
        return ""
    contributors: Iterable[Any] = evidence.get("contributors") or ()
    named = [(str(c.get("name")), str(c.get("value"))) for c in contributors if isinstance(c, dict)]
    own = [pair for pair in named if labels.get(pair[0]) == pair[1]]
    names = ", ".join(f"{name}={value}" for name, value in own or named)
    ruled_out = (evidence.get("facts") or {}).get("ruled_out")
    told = f"Explained by {names}{f'; not {ruled_out}' if ruled_out else ''}." if names else ""
    return f"<small>{escape(told)}</small><br>" if told else ""
