"""Who comes back: the listeners of each first day, 1, 7 and 30 days later."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from earshot.formatters.report.drawing import number, share

_METRIC: Final = "retention_day_"
_Z: Final = 1.959964  # 95 %
_WEEKS: Final = 8


@dataclass(frozen=True)
class Returned:
    """Of a cohort, who was back.

    Attributes:
        back: Listeners with a session on the day.
        size: Listeners of the cohort.
    """

    back: float
    size: int

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.back / self.size

    @property
    def interval(self) -> tuple[float, float]:
        """95 % by Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22."""
        n, p, z = self.size, self.share, _Z
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(centre - half, 0.0), min(centre + half, 1.0)


@dataclass(frozen=True)
class Retention:
    """Cohorts by the week of their first session.

    Attributes:
        ages: Days after the first session.
        overall: By age, of all cohorts.
        weeks: By the Monday of the cohort's first day, then by age; newest last.
    """

    ages: tuple[int, ...]
    overall: Mapping[int, Returned]
    weeks: Mapping[date, Mapping[int, Returned]]


def retention(rows: Iterable[Mapping[str, Any]]) -> Retention | None:
    """The cohorts that gold.audience tells of.

    Args:
        rows: Of all countries: period_start (the day of the look), metric (`retention_day_N`), value (fraction),
            volume (cohort).

    Returns:
        None where there is no cohort.
    """
    sums: dict[tuple[date, int], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in rows:
        if not row["metric"].startswith(_METRIC) or not row["volume"]:
            continue
        age = int(row["metric"].removeprefix(_METRIC))
        first = row["period_start"] - timedelta(days=age)
        monday = first - timedelta(days=first.weekday())
        sums[monday, age][0] += row["value"] * row["volume"]
        sums[monday, age][1] += row["volume"]
    if not sums:
        return None
    found = {key: Returned(back, round(size)) for key, (back, size) in sums.items()}
    ages = tuple(sorted({age for _, age in found}))
    overall = {
        age: Returned(
            sum(cohort.back for (_, a), cohort in found.items() if a == age),
            sum(cohort.size for (_, a), cohort in found.items() if a == age),
        )
        for age in ages
    }
    mondays = sorted({monday for monday, _ in found})[-_WEEKS:]
    weeks = {monday: {age: found[monday, age] for age in ages if (monday, age) in found} for monday in mondays}
    return Retention(ages, overall, weeks)


def retention_section(cohorts: Retention) -> str:
    """The overall shares with their intervals, and a row for each week of first sessions."""
    tiles = "".join(
        f"<div><b>{share(seen.share)}</b><span>back on day {age}</span>"
        f"<small>{share(seen.interval[0])} to {share(seen.interval[1])}, {number(seen.size)} listeners</small></div>"
        for age, seen in cohorts.overall.items()
    )
    head = "".join(f"<th scope=col class=n>day {age}</th>" for age in cohorts.ages)
    body = "".join(_row(monday, cohorts) for monday in cohorts.weeks)
    note = (
        "Of the listeners whose first session was on a day, the share with a session exactly 1, 7 and 30 days later; "
        "95 % intervals by Wilson. Days that are not over yet are left out."
    )
    return (
        f'<section><h2>Who comes back</h2><p>{note}</p><div class="figures">{tiles}</div>'
        f'<div class="scroll"><table class="cohorts"><tr><th scope=col>first session in the week of</th>{head}</tr>'
        f"{body}</table></div></section>"
    )


def _row(monday: date, cohorts: Retention) -> str:
    cells = ""
    for age in cohorts.ages:
        seen = cohorts.weeks[monday].get(age)
        if seen is None:
            cells += '<td class="n note">–</td>'
        else:
            told = f"{number(round(seen.back))} of {number(seen.size)} listeners"
            cells += f'<td class="n shade" style="--heat:{seen.share:.3f}" title="{told}">{share(seen.share)}</td>'
    return f"<tr><th scope=row>{monday:%d %b %Y}</th>{cells}</tr>"
