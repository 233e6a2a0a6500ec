"""From rows of gold and ops to findings, one function a source; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from typing import Any

from earshot.alerting.findings import Finding, fingerprint_of
from earshot.alerting.matchers import all_hold
from earshot.alerting.rules import Rule
from earshot.core.alerts import Contributor, Evidence, Severity
from earshot.core.figures import finite, spoken

Row = Mapping[str, Any]

WINDOWS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
_SHARES_NAMED = 3
_EXAMPLES = 5
_LONGEST_TEXT = 300
_EXTRA = "extra."
_RULED_OUT = "; not "
WEEK = timedelta(days=7)
_USUAL_DAYS = 5


def anomaly_findings(
    rule: Rule, rows: Iterable[Row], family_of: Callable[[str], str], looked_until: Mapping[str, datetime]
) -> list[Finding]:
    """Detections of gold.anomalies as windows.

    Args:
        rule: The rule; its matchers see metric, family, grain, severity, window_state, detector and dimensions.
        rows: Rows of gold.anomalies with a severity.
        family_of: The family of a metric.
        looked_until: By grain, the end of the last window that was scored.
    """
    found = []
    for row in rows:
        dimensions = {str(key): str(value) for key, value in sorted((row["dimensions"] or {}).items())}
        identity = {"metric": row["metric"], "grain": row["grain"], **dimensions}
        labels = {**identity, "family": family_of(row["metric"])}
        told = {"detector": row.get("detector") or "", "window_state": row.get("state") or ""}
        seen = {**labels, "severity": row["severity"], **told}
        opens = all_hold(rule.matchers, seen)
        if not opens and not (rule.keep and all_hold(rule.keepers, seen)):
            continue
        window = WINDOWS.get(row["grain"], WINDOWS["hour"])
        starts_at = _utc(row["window_start"])
        severity: Severity = row["severity"] if rule.severity == "finding" else rule.severity
        score = finite(row["score"]) or 0.0
        evidence = _anomaly_evidence(row, starts_at, rule)
        found.append(
            Finding(
                rule=rule.name,
                fingerprint=fingerprint_of(rule.name, identity),
                labels={**labels, **rule.labels},
                severity=severity,
                starts_at=starts_at,
                ends_at=starts_at + window,
                summary=_say(rule, _anomaly_fields(row, dimensions, evidence)),
                evidence=evidence,
                weight=score,
                hold=rule.hold * window,
                needed=rule.windows,
                opens=opens,
                looked_until=looked_until.get(row["grain"]),
            )
        )
    return found


def refused_batch_findings(rule: Rule, ledger: Iterable[Row]) -> list[Finding]:
    """Batches of ops.ledger that the gate refused and nobody has released."""
    batches: dict[str, list[Row]] = defaultdict(list)
    for row in ledger:
        if row["status"] == "refused":
            batches[row["batch_id"]].append(row)
    found = []
    for batch, files in sorted(batches.items()):
        if not all_hold(rule.matchers, {"batch": batch, "format": files[0].get("format") or ""}):
            continue
        reason = next((file["reason"] for file in files if file["reason"]), "no reason was recorded")
        fields = {
            "batch": batch,
            "reason": _short(reason),
            "files": str(len(files)),
        }
        named = tuple(sorted(file["source_file"] for file in files)[:_EXAMPLES])
        evidence = Evidence(examples=named, facts={**fields, "explain": f"earshot gate show {batch}"})
        since = min(_utc(file["committed_at"] or file["started_at"]) for file in files)
        found.append(_condition(rule, {"batch": batch}, since, fields, evidence))
    return found


def quality_findings(rule: Rule, kpis: Iterable[Row]) -> list[Finding]:
    """KPIs of gold.quality_kpis whose latest measurements miss their target."""
    measured = [row for row in kpis if row["met"] is not None and all_hold(rule.matchers, _texts(row, "kpi", "suite"))]
    found = []
    for (kpi, suite), rows in _series(measured, "kpi", "suite", at="measured_at"):
        missed = _trailing(rows, lambda row: not row["met"])
        if not missed:
            continue
        last = missed[-1]
        value, target = finite(last["value"]), finite(last["target"])
        fields = {
            "kpi": kpi,
            "suite": suite,
            "value": _exact(value),
            "target": _exact(target),
            "batch": str(last["batch_id"]),
            "times": str(len(missed)),
        }
        evidence = Evidence(observed=value, expected=target, facts={"batch": fields["batch"]})
        identity = {"kpi": kpi, "suite": suite}
        found.append(_condition(rule, identity, _utc(missed[0]["measured_at"]), fields, evidence, len(missed)))
    return found


def failed_job_findings(rule: Rule, runs: Iterable[Row]) -> list[Finding]:
    """Jobs of ops.runs whose latest run failed."""
    ended = [row for row in runs if row["status"] in {"done", "failed"} and all_hold(rule.matchers, _texts(row, "job"))]
    found = []
    for (job,), rows in _series(ended, "job", at="started_at"):
        failed = _trailing(rows, lambda row: row["status"] == "failed")
        if not failed:
            continue
        last = failed[-1]
        error = next(iter(str(last["error"] or "no error was recorded").strip().splitlines()), "")
        fields = {"job": job, "run_date": str(last["run_date"]), "error": _short(error), "times": str(len(failed))}
        evidence = Evidence(facts={"error": _short(str(last["error"] or "")), "run_id": str(last["run_id"])})
        since = _utc(failed[0]["started_at"])
        found.append(_condition(rule, {"job": job}, since, fields, evidence, len(failed)))
    return found


def failed_source_findings(rule: Rule, told: Iterable[Row]) -> list[Finding]:
    """Sources of ops.sources that could not be read since they last could."""
    seen = [row for row in told if all_hold(rule.matchers, _texts(row, "source"))]
    found = []
    for (source,), rows in _series(seen, "source", at="at"):
        failed = _trailing(rows, lambda row: row["status"] == "failed")
        if not failed:
            continue
        since, reason = _utc(failed[0]["at"]), str(failed[-1]["reason"] or "no reason was recorded")
        first = next(iter(reason.splitlines()), "")
        fields = {"source": source, "reason": _short(first), "since": _minute(since), "times": str(len(failed))}
        evidence = Evidence(facts={**fields, "reason": _short(reason)})
        found.append(_condition(rule, {"source": source}, since, fields, evidence, len(failed)))
    return found


def freshness_findings(rule: Rule, newest: datetime | None, now: datetime) -> list[Finding]:
    """The newest play is older than the rule allows; nothing is found where there never was one."""
    if newest is None or now - newest <= timedelta(hours=rule.max_age_hours):
        return []
    fields = {"newest": _minute(newest), **_age(newest, now, rule)}
    return [_condition(rule, {}, newest, fields, Evidence(facts=fields))]


def no_data_findings(rule: Rule, days: Iterable[Row], newest: datetime | None, now: datetime) -> list[Finding]:
    """Slices that had plays on most days of the week before and have none, while others go on.

    Args:
        rule: The rule; its matchers see the dimension of `by`.
        days: A row a value of that dimension: `value`, `newest` (end of the last hour with plays), `days`
            (days with plays among the `WEEK` that end with `newest`).
        newest: End of the last hour with plays of any slice: when all are quiet, `freshness` speaks.
        now: Logical time.
    """
    found = []
    limit = timedelta(hours=rule.max_age_hours)
    for row in days:
        value, last = str(row["value"]), _utc(row["newest"])
        gone = newest is not None and newest - last > limit
        if not gone or row["days"] < _USUAL_DAYS or not all_hold(rule.matchers, {rule.by: value}):
            continue
        fields = {"where": f"{rule.by} {value}", "newest": _minute(last), "usual": str(row["days"])}
        fields |= _age(last, now, rule)
        evidence = Evidence(facts={key: text for key, text in fields.items() if key != "where"})
        found.append(_condition(rule, {rule.by: value}, last, fields, evidence))
    return found


def heartbeat_findings(rule: Rule, runs: Iterable[Row], now: datetime) -> list[Finding]:
    """Jobs that once succeeded and have not for longer than the rule allows: a dead man's switch."""
    done = [row for row in runs if row["status"] in {"done", "skipped"} and all_hold(rule.matchers, _texts(row, "job"))]
    found = []
    for (job,), rows in _series(done, "job", at="ended_at"):
        last = _utc(rows[-1]["ended_at"])
        if now - last > timedelta(hours=rule.max_age_hours):
            fields = {"job": job, "last": _minute(last), **_age(last, now, rule)}
            found.append(_condition(rule, {"job": job}, last, fields, Evidence(facts=fields)))
    return found


def new_column_findings(rule: Rule, columns: Iterable[Row], now: datetime) -> list[Finding]:
    """Keys of ops.source_columns without a column that came after their source was known, while they are news."""
    found = []
    for row in columns:
        key = str(row["column"]).removeprefix(_EXTRA)
        labels = {"source": str(row["source"]), "column": key}
        if not row["is_new"] or key == row["column"] or not all_hold(rule.matchers, labels):
            continue
        end_of_day = datetime.combine(row["first_day"] + timedelta(days=1), time(), UTC)
        since = min(end_of_day, _utc(row["first_seen_at"]))
        if timedelta() <= now - since < timedelta(hours=rule.max_age_hours):
            fields = {**labels, "batch": str(row["first_batch"]), "day": f"{row['first_day']}"}
            found.append(_condition(rule, labels, since, fields, Evidence(facts=fields)))
    return found


def _condition(
    rule: Rule,
    identity: Mapping[str, str],
    since: datetime,
    fields: Mapping[str, str],
    evidence: Evidence,
    windows: int = 1,
) -> Finding:
    severity: Severity = "warning" if rule.severity == "finding" else rule.severity
    return Finding(
        rule=rule.name,
        fingerprint=fingerprint_of(rule.name, identity),
        labels={**identity, **rule.labels},
        severity=severity,
        starts_at=since,
        ends_at=None,
        summary=_say(rule, fields),
        evidence=evidence.model_copy(update={"facts": _with_runbook(evidence.facts, rule)}),
        needed=rule.windows,
        windows=windows,
    )


def _anomaly_evidence(row: Row, starts_at: datetime, rule: Rule) -> Evidence:
    own = {(str(name), str(value)) for name, value in (row["dimensions"] or {}).items()}
    ruled_out = [str(name) for name in row.get("ruled_out") or ()]
    contributors = (
        Contributor(name=str(part["name"]), value=str(part["value"]), share=finite(part["share"]))
        for part in row["contributors"] or ()
        if part["name"] not in ruled_out
    )
    facts = {key: str(row[key]) for key in ("detector", "model_version") if row.get(key)}
    if row.get("cause"):
        facts["cause"] = str(row["cause"]).partition(_RULED_OUT)[0]
    if ruled_out:
        facts["ruled_out"] = ", ".join(ruled_out)
    facts["score"] = spoken(finite(row["score"]))
    return Evidence(
        observed=finite(row["observed"]),
        expected=finite(row["expected"]),
        lower=finite(row["lower"]),
        upper=finite(row["upper"]),
        at=starts_at,
        contributors=tuple(
            sorted(contributors, key=lambda part: ((part.name, part.value) not in own, -(part.share or 0.0)))
        ),
        facts=_with_runbook(facts, rule),
    )


def _with_runbook(facts: Mapping[str, str], rule: Rule) -> dict[str, str]:
    return {**facts, **({"runbook": rule.runbook} if rule.runbook else {})}


def _anomaly_fields(row: Row, dimensions: Mapping[str, str], evidence: Evidence) -> dict[str, str]:
    metric = str(row["metric"])
    above = evidence.observed is not None and evidence.observed > (evidence.expected or 0.0)
    return {
        "metric": metric,
        "grain": str(row["grain"]),
        "where": ", ".join(f"{key} {value}" for key, value in dimensions.items()) or "overall",
        "window": _minute(_utc(row["window_start"])),
        "direction": "above" if above else "below",
        "observed": spoken(evidence.observed, metric),
        "expected": spoken(evidence.expected, metric),
        "lower": spoken(evidence.lower, metric),
        "upper": spoken(evidence.upper, metric),
        "score": evidence.facts["score"],
        "severity": str(row["severity"]),
        "because": _because(dimensions, evidence),
        "detector": str(row.get("detector") or ""),
    }


def _because(dimensions: Mapping[str, str], evidence: Evidence) -> str:
    """The cause, where one is known; what was ruled out stands in the evidence. Else the slices that moved most."""
    if cause := evidence.facts.get("cause"):
        return f"; {cause}"
    named = [part for part in evidence.contributors if dimensions.get(part.name) != part.value][:_SHARES_NAMED]
    moved = ", ".join(f"{part.name} {part.value}{_percent(part.share)}" for part in named)
    return f"; explained by {moved}" if moved else ""


def _say(rule: Rule, fields: Mapping[str, str]) -> str:
    return rule.summary.format_map(fields)


def _series(rows: Sequence[Row], *keys: str, at: str) -> list[tuple[tuple[str, ...], list[Row]]]:
    def key(row: Row) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in keys)

    timed = sorted((row for row in rows if row[at] is not None), key=lambda row: (key(row), _utc(row[at])))
    return [(name, list(group)) for name, group in groupby(timed, key=key)]


def _trailing(rows: Sequence[Row], wrong: Callable[[Row], bool]) -> list[Row]:
    right = [number for number, row in enumerate(rows) if not wrong(row)]
    return list(rows[right[-1] + 1 :]) if right else list(rows)


def _texts(row: Row, *keys: str) -> dict[str, str]:
    return {key: str(row[key]) for key in keys}


def _age(since: datetime, now: datetime, rule: Rule) -> dict[str, str]:
    hours = (now - since).total_seconds() / 3600
    return {"age_hours": f"{hours:.0f}", "max_age_hours": f"{rule.max_age_hours:g}"}


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _percent(share: float | None) -> str:
    return "" if share is None else f" ({share:.0%})"


def _exact(value: float | None) -> str:
    return "nothing" if value is None else f"{value:.6g}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"
