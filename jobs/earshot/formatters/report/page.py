"""One HTML file that opens offline."""

from __future__ import annotations

from pathlib import Path

from earshot.formatters.report import money, offers, quality, sections
from earshot.formatters.report.figures import ReportFigures
from earshot.formatters.report.style import CSS

_SECTIONS = (
    sections.activity,
    sections.alerts,
    quality.trust,
    quality.kpis,
    quality.rules,
    sections.charts,
    sections.behaviour,
    sections.audience,
    sections.playback,
    sections.suspects,
    money.moved,
    money.payouts,
    offers.concentration,
    offers.offers,
    sections.recommendations,
    sections.models,
)


def render(figures: ReportFigures, title: str = "Earshot") -> str:
    """The page; all text from the logs is escaped."""
    body = "\n".join(part(figures) for part in _SECTIONS)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title} · {figures.day:%d %B %Y}</title><style>{CSS}</style></head><body>"
        f'<header class="top"><h1>{title}</h1><p class="lead">As of the end of {figures.day:%A, %d %B %Y} (UTC).</p>'
        f"{sections.tiles(figures)}</header><main>{body}"
        "<footer>Every figure comes from the Delta tables in HOME/lake. Times are UTC.</footer></main></body></html>\n"
    )


def write_page(figures: ReportFigures, target: Path) -> Path:
    """Write the page in one step that a kill cannot halve; returns where it is."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_text(render(figures), encoding="utf-8")
    return partial.replace(target)
