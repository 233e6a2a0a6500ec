"""One HTML file that opens offline."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from earshot.formatters.report import gallery_sections, offers, quality, sections
from earshot.formatters.report.figure_style import FIGURE_CSS
from earshot.formatters.report.figures import ReportFigures
from earshot.formatters.report.style import CSS

_TITLE: Final = re.compile("<section><h2>([^<]+)</h2>")
_WORD: Final = re.compile("[a-z]+")
_SECTIONS = (
    sections.activity,
    sections.alerts,
    quality.trust,
    quality.kpis,
    quality.rules,
    gallery_sections.chart,
    gallery_sections.moved,
    sections.behaviour,
    sections.audience,
    gallery_sections.cohorts,
    sections.playback,
    sections.suspects,
    gallery_sections.payouts,
    gallery_sections.concentrated,
    offers.concentration,
    offers.offers,
    sections.recommendations,
    sections.models,
)


def render(figures: ReportFigures, title: str = "Earshot") -> str:
    """The page; all text from the logs is escaped."""
    contents, body = _with_contents("\n".join(part(figures) for part in _SECTIONS))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title} · {figures.day:%d %B %Y}</title><style>{CSS}{FIGURE_CSS}</style></head><body>"
        f'<header class="top"><h1>{title}</h1><p class="lead">As of the end of {figures.day:%A, %d %B %Y} (UTC).</p>'
        f"{sections.tiles(figures)}{contents}</header><main>{body}"
        "<footer>Every figure comes from the Delta tables in HOME/lake. Times are UTC.</footer></main></body></html>\n"
    )


def _with_contents(body: str) -> tuple[str, str]:
    """Links to the sections, and the sections with what they point to; the titles are our own words."""
    titles = _TITLE.findall(body)
    links = "".join(f'<a href="#{_anchor(title)}">{title}</a>' for title in titles)
    marked = _TITLE.sub(lambda found: f'<section id="{_anchor(found[1])}"><h2>{found[1]}</h2>', body)
    return f'<nav aria-label="Sections">{links}</nav>', marked


def _anchor(title: str) -> str:
    return "-".join(_WORD.findall(title.lower()))


def write_page(figures: ReportFigures, target: Path) -> Path:
    """Write the page in one step that a kill cannot halve; returns where it is."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_text(render(figures), encoding="utf-8")
    return partial.replace(target)
