"""The audience on the report: who comes back, who they are, what rises, and from which eras and genres they play."""

from __future__ import annotations

from html import escape

from earshot.formatters.report import year_drawing as shapes
from earshot.formatters.report.audience_figures import AudienceFigures
from earshot.formatters.report.drawing import number, share


def body(figures: AudienceFigures) -> str:
    """The section's inside."""
    columns = [
        (f"{day:%d}", float(new), f"{day:%d %B}, {new} new, {back} returning") for day, new, back in figures.came
    ]
    returning = [
        (f"{day:%d}", float(back), f"{day:%d %B}, {new} new, {back} returning") for day, new, back in figures.came
    ]
    kept = [
        (f"day {age}", value, f"{share(value)} of {number(asked)}") for age, (value, asked) in figures.retention.items()
    ]
    parts = [
        _two(
            f"<h3>New listeners</h3>{shapes.columns(columns)}",
            f"<h3>Returning listeners</h3>{shapes.columns(returning)}",
        )
    ]
    segments = [
        (name.replace("_", " "), float(n), number(n) + (f" · risk {share(risk, 0)}" if risk is not None else ""))
        for name, n, risk in figures.segments
    ]
    parts.append(
        _two(
            f"<h3>Back on a day after the first</h3>{shapes.bars(kept, 1) if kept else '<p>Too early to tell.</p>'}",
            f"<h3>Segments (RFM)</h3>{shapes.bars(segments)}{_risk(figures)}",
        )
    )
    if figures.eras or figures.genres:
        eras = shapes.columns([(era, value, share(value)) for era, value in figures.eras])
        genres = shapes.bars([(name, value, share(value)) for name, value in figures.genres])
        parts.append(_two(f"<h3>Genres of the week</h3>{genres}", f"<h3>Released in the</h3>{eras}"))
    return "".join(parts) + _moved(figures)


def _risk(figures: AudienceFigures) -> str:
    if figures.risk is None:
        return '<p class="note">No churn risk yet: the model needs a longer history.</p>'
    return f'<p class="note">Mean risk of those active lately to leave: {share(figures.risk)}.</p>'


def _moved(figures: AudienceFigures) -> str:
    if not figures.tested:
        return '<p class="note">Trends need two earlier weeks of charts.</p>'
    if not figures.movers:
        return f'<p class="note">Of {number(figures.tested)} tracks and artists none moved by more than chance.</p>'
    lines = "".join(
        f"<tr><td class=name>{escape(m.name)}</td><td class=n>{number(m.streams)}</td>"
        f'<td class="n {"up" if m.ratio >= 1 else "down"}">× {m.ratio:.2g}</td></tr>'
        for m in figures.movers
    )
    note = f"Of {number(figures.tested)} tested; one in twenty of those listed may be chance (Benjamini-Hochberg, 5 %)."
    head = "<tr><th>track or artist<th class=n>streams<th class=n>of expected"
    return f"<h3>What moved</h3><p class=note>{note}</p><div class=scroll><table>{head}{lines}</table></div>"


def _two(left: str, right: str) -> str:
    return f"<div class=two><div>{left}</div><div>{right}</div></div>"
