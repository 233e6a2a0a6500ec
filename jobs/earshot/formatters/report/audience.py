"""The audience on the report: who is new and who returns, who they are, and from which eras and genres they play."""

from __future__ import annotations

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
    parts.append(f"<h3>Segments (RFM)</h3>{shapes.bars(segments)}{_risk(figures)}")
    if figures.eras or figures.genres:
        eras = shapes.columns([(era, value, share(value)) for era, value in figures.eras])
        genres = shapes.bars([(name, value, share(value)) for name, value in figures.genres])
        parts.append(_two(f"<h3>Genres of the week</h3>{genres}", f"<h3>Released in the</h3>{eras}"))
    return "".join(parts)


def _risk(figures: AudienceFigures) -> str:
    if figures.risk is None:
        return '<p class="note">No churn risk yet: the model needs a longer history.</p>'
    return f'<p class="note">Mean risk of those active lately to leave: {share(figures.risk)}.</p>'


def _two(left: str, right: str) -> str:
    return f"<div class=two><div>{left}</div><div>{right}</div></div>"
