"""The page of one listener's year: one HTML file that opens offline, in light and dark, on a phone and on paper."""

from __future__ import annotations

import json
from datetime import date
from html import escape
from pathlib import Path

from earshot.formatters.report import year_drawing as drawing
from earshot.formatters.report.drawing import heat, number, share
from earshot.formatters.report.sections import section, two
from earshot.formatters.report.style import CSS
from earshot.formatters.report.year_figures import Favourite, YearInReview

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MINUTES_PER_DAY = 1_440

_OWN_CSS = """
.hero{background:linear-gradient(135deg,#23348f,#5b3fc4 55%,#b0418f);color:#fff;border-radius:20px;padding:34px 30px;
margin:24px 0 16px}.hero p{margin:0;opacity:.86}.hero h1{font-size:clamp(46px,11vw,104px);line-height:1;
margin:10px 0 6px;letter-spacing:-.04em}.hero .unit{font-size:20px;opacity:.92}
.hero .facts{display:flex;flex-wrap:wrap;gap:10px 34px;
margin-top:22px}.hero .facts b{display:block;font-size:26px;letter-spacing:-.02em}.hero .facts span{font-size:13px;
opacity:.86}
.clock{display:block;width:100%;max-width:330px;margin:4px auto}.ring{fill:var(--line);opacity:.45}
.petal{fill:var(--accent)}.hour{font-size:13px;fill:var(--soft);text-anchor:middle;dominant-baseline:middle}
.calendar{display:block;width:100%;min-width:640px}
.calendar .cell{fill:rgba(var(--shade),calc(.18 + var(--heat)*.82))}.calendar .none{fill:var(--line);opacity:.55}
.month{font-size:10px;fill:var(--soft)}
.moments{display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:14px}.moment{border:1px solid
var(--line);border-radius:14px;padding:16px}.moment small{display:block}.moment b{display:block;font-size:22px;
letter-spacing:-.02em;line-height:1.25;margin:3px 0;overflow-wrap:anywhere}
@media print{.hero{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""


def render(review: YearInReview) -> str:
    """The page; all text from the logs is escaped."""
    parts = (_hero, _favourites, _moments, _clock, _calendar, _tastes, _next)
    body = "\n".join(part(review) for part in parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{review.year} in listening</title><style>{CSS}{_OWN_CSS}</style></head><body><main>{body}"
        f"<footer>Listener {escape(review.listener)}. Days and hours are those of the listener's clock "
        f"({escape(', '.join(review.zones[:3]))}{_assumed(review)}). A stream counts from 30 seconds on, or as this "
        "service's settings have it. Minutes are time heard; of plays whose source does not tell, the track's length."
        "</footer></main></body></html>\n"
    )


def write_page(review: YearInReview, folder: Path, *, with_data: bool) -> tuple[Path, Path | None]:
    """Write the page, and beside it the plain data as JSON; each in one step that a kill cannot halve.

    Returns:
        Where they are.
    """
    name = f"listener-{review.listener.replace(':', '-')}-{review.year}"
    data = None
    if with_data:
        text = json.dumps(review.as_dict(), ensure_ascii=False, indent=1)
        data = _put(folder / f"{name}.json", text)
    return _put(folder / f"{name}.html", render(review)), data


def _put(target: Path, text: str) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    return partial.replace(target)


def _day(day: date) -> str:
    return f"{day.day} {day:%B}"


def _assumed(review: YearInReview) -> str:
    return f"; assumed for {number(review.assumed)} plays without one" if review.assumed else ""


def _hero(review: YearInReview) -> str:
    facts = [
        (number(review.plays), "plays"),
        (number(review.tracks), "different tracks"),
        (number(review.artists), "artists"),
        (number(review.active_days), "days with music"),
        (share(review.skipped / review.plays), "skipped"),
    ]
    shown = "".join(f"<div><b>{value}</b><span>{what}</span></div>" for value, what in facts)
    days = review.minutes / _MINUTES_PER_DAY
    whole = f"That is {days:,.1f} days without a pause." if days >= 1 else f"That is {review.minutes / 60:,.1f} hours."
    return (
        f'<div class="hero"><p>Your {review.year} in listening · {_day(review.first)} to {_day(review.last)}</p>'
        f'<h1>{review.minutes:,.0f}</h1><p class="unit">minutes of music. {whole}</p>'
        f'<div class="facts">{shown}</div></div>'
    )


def _favourites(review: YearInReview) -> str:
    left = f"<h3>Tracks</h3>{_top(review.top_tracks)}"
    right = f"<h3>Artists</h3>{_top(review.top_artists)}"
    return section("What you played most", "By streams that count.", two(left, right))


def _top(entries: tuple[Favourite, ...]) -> str:
    said = [(e.name, float(e.streams), f"{number(e.streams)} · {e.minutes:,.0f} min") for e in entries]
    return drawing.bars(said) if said else "<p>No play was long enough to count.</p>"


def _moments(review: YearInReview) -> str:
    streak, repeated, (busiest, minutes) = review.longest_streak, review.most_repeated, review.busiest
    found = f"{number(review.discovered_tracks)} tracks, {number(review.discovered_artists)} artists"
    cards = [
        (
            "Longest streak",
            f"{streak.days} day{'s' * (streak.days > 1)}",
            f"{_day(streak.first)} to {_day(streak.last)}",
        ),
        ("Busiest day", f"{busiest:%A}, {_day(busiest)}", f"{minutes:,.0f} minutes"),
        (
            "On repeat",
            repeated.name,
            f"{number(repeated.plays)} time{'s' * (repeated.plays > 1)} on {_day(repeated.day)}",
        ),
        ("Heard for the first time", found, f"{number(review.streams_of_discoveries)} streams of them"),
    ]
    if review.best_discovery:
        best = review.best_discovery
        cards.append(("Discovery of the year", best.name, f"{number(best.streams)} streams"))
    if review.longest_session:
        day, length = review.longest_session
        cards.append(("Longest session", f"{length:,.0f} minutes", f"begun on {_day(day)} (UTC)"))
    shown = "".join(
        f'<div class="moment"><small>{escape(what)}</small><b>{escape(value)}</b><small>{escape(more)}</small></div>'
        for what, value, more in cards
    )
    return section("Moments", "What stood out.", f'<div class="moments">{shown}</div>')


def _clock(review: YearInReview) -> str:
    hours = review.hours
    top = max(hours, key=lambda hour: (hours[hour], -hour))
    cells = {(_WEEKDAYS[d - 1], f"{h:02d}"): float(n) for (d, h), n in review.clock.items()}
    week = heat(cells, _WEEKDAYS, [f"{hour:02d}" for hour in range(24)], "count")
    note = f"Most plays begin between {top:02d}:00 and {(top + 1) % 24:02d}:00 by your own clock."
    return section("Your listening clock", note, two(drawing.clock(hours), f"<h3>By weekday and hour</h3>{week}"))


def _calendar(review: YearInReview) -> str:
    names = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    months = [(names[m - 1], minutes, f"{minutes:,.0f} min") for m, minutes in review.months.items()]
    body = drawing.calendar(review.calendar, review.year, review.until) + drawing.columns(months)
    return section("Day by day", "Minutes of each day, and of each month.", body)


def _tastes(review: YearInReview) -> str:
    if not review.genres and not review.eras:
        return section("Genres and eras", "The catalogue does not know these tracks yet.")
    streams = sum(n for _, n in review.genres) or 1
    genres = drawing.bars([(name, n, share(n / streams, 0)) for name, n in review.genres])
    eras = drawing.columns([(era, float(n), f"{number(n)} streams") for era, n in review.eras])
    body = two(f"<h3>Genres</h3>{genres}", f"<h3>Released in the</h3>{eras}")
    return section("Genres and eras", "Of the streams whose track the catalogue knows.", body)


def _next(review: YearInReview) -> str:
    if not review.recommended:
        return ""
    offered = "".join(f"<li>{escape(name)}</li>" for name in review.recommended)
    return section("What you might like next", "None of it already played.", f"<ol>{offered}</ol>")
