"""Playback quality on the page: days, CDNs and devices, and whether people left when sound stalled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from earshot.formatters.report import drawing
from earshot.formatters.report.drawing import number, share
from earshot.formatters.report.playback_figures import PlaybackFigures


def playback(figures: PlaybackFigures) -> tuple[str, str]:
    """The sentence below the heading, and the body."""
    if not figures.whole:
        return "These logs carry no playback measurements.", ""
    note = (
        "Time to sound, failures, stalls and bitrate by CDN (CTA-2066). Percentiles come from sketches of every hour, "
        "within half a percent. Below: time stalled as a share of time stalled or heard, by device and CDN."
    )
    devices = sorted({device for device, _ in figures.stalls})
    cdns = sorted({cdn for _, cdn in figures.stalls})
    heat = drawing.heat(figures.stalls, devices, cdns, "share") if figures.stalls else ""
    return note, f"{_sparks(figures.days)}{_table(figures)}{heat}{_leaving(figures.whole)}"


def _sparks(days: Sequence[Mapping[str, Any]]) -> str:
    series: dict[str, Callable[[Mapping[str, Any]], float | None]] = {
        "quality score": lambda row: _known(row["quality_score"], 100),
        "starts that failed": lambda row: row["start_failures"] / row["plays"],
        "time stalled": lambda row: row["rebuffer_ratio"],
    }
    lines = ""
    for label, value_of in series.items():
        points = [(row["period_start"].date(), value) for row in days if (value := value_of(row)) is not None]
        lines += drawing.spark(points, label) if points else ""
    return f"<div class=sparks>{lines}</div>"


def _table(figures: PlaybackFigures) -> str:
    head = "".join(
        f"<th class=n>{name}"
        for name in (
            "plays",
            "sound after: p50",
            "p95",
            "p99 ms",
            "failed",
            "stalled",
            "stalls/h",
            "kbit/s",
            "switches/h",
        )
    )
    rows = "".join(_row(row["cdn"], row) for row in figures.cdns) + _row("all", figures.whole)
    return f"<div class=scroll><table><tr><th>CDN{head}<th class=n>score</tr>{rows}</table></div>"


def _row(name: str, row: Mapping[str, Any]) -> str:
    cells = (
        number(row["plays"]),
        *(_shown(row[f"startup_ms_{which}"]) for which in ("p50", "p95", "p99")),
        share(row["start_failures"] / row["plays"]),
        "–" if row["rebuffer_ratio"] is None else share(row["rebuffer_ratio"], 2),
        *(_shown(row[key]) for key in ("rebuffer_per_hour", "bitrate_kbps_mean", "bitrate_switches_per_hour")),
        _shown(row["quality_score"]),
    )
    return f"<tr><td class=name>{escape(name)}</td>" + "".join(f"<td class=n>{cell}</td>" for cell in cells) + "</tr>"


def _leaving(whole: Mapping[str, Any]) -> str:
    """Whether people left when sound stalled, with what was compared."""
    if whole["leaving_ratio"] is None:
        return "<p class=note>Whether people leave when sound stalls: too few stalls to tell.</p>"
    low, high = whole["leaving_lower"], whole["leaving_upper"]
    verdict = "more often" if low > 1 else "less often" if high < 1 else "neither clearly more nor less often"
    return (
        f"<p class=note>People left {verdict} after a play that stalled: the odds that it was the last of its session "
        f"were <b>{whole['leaving_ratio']:.2f}</b> times those of other plays (95 % interval {low:.2f} to {high:.2f}), "
        f"from {number(whole['leaving_stalled'])} stalled among {number(whole['leaving_plays'])} plays of the same "
        "listener in the same hour, on the same device, CDN and version, heard for about as long. An association, "
        "if stalls fall on such plays by chance; no proof of cause.</p>"
    )


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"  # noqa: PLR2004 (a hundred)


def _known(value: float | None, scale: float) -> float | None:
    return None if value is None else value / scale
