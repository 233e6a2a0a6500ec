"""The parts of the page about trust: where lines went, KPIs over time, and the rules that most lines failed."""

from __future__ import annotations

from html import escape
from typing import Any

from earshot.formatters.report import drawing
from earshot.formatters.report.drawing import duration, number, share
from earshot.formatters.report.figures import ReportFigures
from earshot.formatters.report.quality_figures import RULE_DAYS, Example, FailedRule, KpiReading
from earshot.formatters.report.sections import section, table

_PARTS = ("accepted", "duplicate", "quarantined", "filtered")
_KPI_WORDS = {
    "accuracy": "Values that agree with catalogue and rules",
    "validation_success": "Rows without a failed rule",
    "error_rate": "Failed runs in 30 days",
    "freshness_s": "From arrival to silver, 99th percentile",
    "late_share": "Arrived later than on the day after their own",
    "event_lag_s": "From play to arrival, 99th percentile",
    "quarantined_share": "Lines set aside",
    "unknown_payee_share": "Revenue of unknown payees",
    "unpriced_stream_share": "Streams in no revenue pool",
}
_ACTIONS = {"quarantine": "sets lines aside", "warn": "warns", "fail": "closes the gate"}


def trust(figures: ReportFigures) -> str:
    """Rows in = rows out, batch by batch."""
    total = {part: sum(batch[part] for batch in figures.ledger) for part in (*_PARTS, "read")}
    balanced = total["read"] == sum(total[part] for part in _PARTS)
    verdict = "every line is accounted for" if balanced else "LINES ARE MISSING"
    legend = "".join(f'<span><span class="dot c-{p}"></span>{p} {number(total[p])}</span> &nbsp; ' for p in _PARTS)
    pill = f'<span class="pill {"good" if balanced else "bad"}">{verdict}</span>'
    equation = f"<p>{pill} &nbsp; {number(total['read'])} read = {legend}</p>"
    batches = "".join(_batch(batch, figures.data_docs.get(batch.get("batch", ""))) for batch in figures.ledger[-8:])
    head = "<th>published<th class=n>files<th class=n>lines<th>where they went<th class=wide>status"
    return section("Can the tables be trusted?", "Rows in = rows out.", equation + table(head, batches))


def kpis(figures: ReportFigures) -> str:
    """Each KPI by batch, with its target."""
    if not figures.kpis:
        return section("Quality over time", "Not measured yet.")
    drawn = "".join(map(_kpi, figures.kpis))
    return section(
        "Quality over time",
        "The gate's figures batch by batch; the dashed line is the target, a red dot missed it.",
        f"<div class=sparks>{drawn}</div>",
    )


def rules(figures: ReportFigures) -> str:
    """The rules that most lines failed, each with example lines."""
    index = figures.data_docs.get("")
    docs = f' <a href="{escape(index)}">Data Docs</a> have every expectation of every batch.' if index else ""
    failed = figures.rules
    judged = _judged(figures)
    if not failed.worst:
        return section("Worst rules", f"No line failed a rule in {RULE_DAYS} days.{docs}", judged)
    note = f"Of {failed.all_of_them} that lines failed in the last {RULE_DAYS} days." if failed.all_of_them > 1 else ""
    top = failed.worst[0].lines
    return section("Worst rules", f"{note}{docs}", "".join(_rule(rule, top) for rule in failed.worst) + judged)


def _judged(figures: ReportFigures) -> str:
    """Tables whose verdicts cost a scan; those of the batches cost none."""
    if not figures.judged:
        return ""
    rows = "".join(
        f"<tr><td>{_linked(judged.name, figures.data_docs.get(judged.name))}</td>"
        f"<td class=n>{judged.met} of {judged.expectations}</td><td class=n>{duration(judged.scan_seconds)}</td></tr>"
        for judged in figures.judged
    )
    head = "<th>judged after it was written<th class=n>expectations met<th class=n>one scan took"
    return f'<div class="rule-failed">{table(head, rows)}</div>'


def _linked(text: str, page: str | None) -> str:
    return f'<a href="{escape(page)}">{escape(text)}</a>' if page else escape(text)


def _batch(batch: dict[str, Any], page: str | None) -> str:
    at = f"{batch['at']:%d %b %H:%M}"
    return (
        f"<tr><td>{_linked(at, page)}</td><td class=n>{number(batch['files'])}</td>"
        f"<td class=n>{number(batch['read'])}</td><td>{_stack(batch)}</td>"
        f"<td class=wide>{escape(batch['status'])}</td></tr>"
    )


def _stack(batch: dict[str, Any]) -> str:
    total = max(batch["read"], 1)
    return (
        '<div class="stack">'
        + "".join(
            f'<i class="c-{p}" style="width:{batch[p] / total:.2%}" title="{p} {number(batch[p])}"></i>'
            for p in _PARTS
            if batch[p]
        )
        + "</div>"
    )


def _kpi(kpi: KpiReading) -> str:
    show = duration if kpi.name.endswith("_s") else _fraction
    last = kpi.points[-1]
    words = _KPI_WORDS.get(kpi.name, kpi.name.removesuffix("_s").replace("_", " "))
    pill, aim = "", "no target"
    if kpi.target is not None:
        met = sum(bool(point.met) for point in kpi.points)
        kind, word = ("good", "met") if last.met else ("bad", "missed")
        pill = f'<span class="pill {kind}">{word}</span>'
        aim = (
            f"target {show(kpi.target)}, met by {met} of {len(kpi.points)} batch{'' if len(kpi.points) == 1 else 'es'}"
        )
    return (
        f'<figure class="spark"><figcaption class=reading>{escape(words)}<br><b>{show(last.value)}</b> {pill}'
        "</figcaption>"
        f"{drawing.trend([(p.value, p.met) for p in kpi.points], kpi.target, words)}<small>{aim}</small></figure>"
    )


def _fraction(value: float) -> str:
    return share(value, 2) if 0 <= value <= 1 else number(value)


def _rule(rule: FailedRule, top: int) -> str:
    action = escape(_ACTIONS.get(rule.action, rule.action))
    owner = f" · {escape(rule.owner)}" if rule.owner else ""
    batches = f"{rule.batches} batch{'' if rule.batches == 1 else 'es'}"
    examples = "".join(map(_example, rule.examples))
    return (
        f'<div class="rule-failed"><h3>{escape(rule.name)} <span class="pill">{action}</span></h3>'
        f"<p>{escape(rule.why)}</p>{drawing.bar(rule.lines / top, 'bad')}"
        f"<small>{number(rule.lines)} line{'' if rule.lines == 1 else 's'}, {share(rule.share, 3)} of those judged, "
        f"in {batches}{owner}</small>{f'<ul class=lines>{examples}</ul>' if examples else ''}</div>"
    )


def _example(example: Example) -> str:
    cut = "<i>kept encrypted: it cannot be read, so it may name somebody</i>"
    if example.cut is not None:
        cut = f"<code>{escape(example.cut)}</code>"
    return f"<li><b>{escape(example.where)}</b><br>{cut}</li>"
