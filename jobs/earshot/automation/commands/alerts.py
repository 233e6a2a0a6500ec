"""`earshot alerts`: list, show, silence, route, confirm, dismiss."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from earshot.automation.actor import actor
from earshot.automation.invocation import current
from earshot.core.errors import ArgumentError

if TYPE_CHECKING:
    from earshot.alerting.rules import Rulebook
    from earshot.alerting.silences import Silence
    from earshot.core.alerts import Alert

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
Reason = Annotated[str, typer.Option("--reason", help="Why.")]
Fingerprint = Annotated[str, typer.Argument(help="Fingerprint, or its first digits.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    alerts = typer.Typer(help="Alerts: what fires, who is told, what it was.")
    for name, command in (
        ("list", list_alerts),
        ("show", show),
        ("silence", silence),
        ("route", route),
        ("confirm", confirm),
        ("dismiss", dismiss),
    ):
        alerts.command(name)(command)
    app.add_typer(alerts, name="alerts")


def list_alerts(
    state: Annotated[str | None, typer.Option(help="pending, firing or resolved.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Alerts for which another one speaks, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
) -> None:
    """List alerts, newest first."""
    from rich.table import Table  # noqa: PLC0415 (keeps --help instant)

    from earshot.alerting.feedback import verdicts  # noqa: PLC0415
    from earshot.alerting.silences import read_silences, silencing  # noqa: PLC0415

    tables = current().small_tables
    if state not in {None, "pending", "firing", "resolved"}:
        remedy = "Use pending, firing or resolved."
        raise ArgumentError(f"There is no state {state!r}.", where="option --state", remedy=remedy)
    every = sorted(_alerts(), key=lambda alert: (alert.starts_at, alert.fingerprint), reverse=True)
    speaking = [alert for alert in every if everything or not alert.evidence.inhibited_by]
    shown = [alert for alert in speaking if state in {None, alert.state}][:limit]
    said, silences, now = verdicts(tables), read_silences(tables), datetime.now(UTC)
    table = Table(title=f"{len(shown)} of {len(every)} alerts")
    for heading in ("fingerprint", "severity", "state", "since", "until", "what", "note"):
        table.add_column(heading, overflow="fold")
    rows = []
    for alert in shown:
        silenced = silencing(alert, silences, now)
        notes = [
            f"spoken for by {alert.evidence.inhibited_by}" if alert.evidence.inhibited_by else "",
            f"silenced by {silenced.author}" if silenced else "",
            said.get(alert.fingerprint, ""),
        ]
        until = f"{alert.ends_at:%Y-%m-%d %H:%M}" if alert.ends_at else ""
        since = f"{alert.starts_at:%Y-%m-%d %H:%M}"
        note = ", ".join(filter(None, notes))
        table.add_row(alert.fingerprint, alert.severity, alert.state, since, until, alert.summary, note)
        rows.append({**alert.model_dump(mode="json"), "note": note})
    none = f"No alert is {state}." if state else "There are no alerts."
    current().emit(table if shown else none, {"alerts": rows, "total": len(every)})


def show(fingerprint: Fingerprint) -> None:
    """Show one alert: every episode, its evidence, its deliveries, what people said."""
    from earshot.alerting.feedback import FEEDBACK, find_alert  # noqa: PLC0415 (keeps --help instant)
    from earshot.core.alerts import Notification  # noqa: PLC0415
    from earshot.formatters.alert_text import as_text  # noqa: PLC0415

    tables = current().small_tables
    episodes = find_alert(tables, fingerprint)
    full = episodes[0].fingerprint
    sent = [
        {key: row[key] for key in ("delivery_id", "channel", "state", "attempts", "queued_at", "sent_at", "last_error")}
        for row in tables.rows("ops.alert_outbox")
        if any(member.startswith(f"{full}|") for member in row["members"] or ())
    ]
    said = [row for row in tables.rows(FEEDBACK) if row["subject"] == full]
    text = as_text(Notification(delivery_id="", channel="console", alerts=tuple(episodes)))
    lines = [text, *(f"Delivery: {row['channel']} {row['state']} after {row['attempts']} tries" for row in sent)]
    lines += [f"Said: {row['verdict']} by {row['author']}: {row['reason']}" for row in said]
    machine = {"alerts": [alert.model_dump(mode="json") for alert in episodes], "deliveries": sent, "feedback": said}
    current().emit("\n".join(lines), machine)


def silence(
    matchers: Annotated[list[str] | None, typer.Argument(help="country=BR metric=~'listens|skips' ...")] = None,
    reason: Reason = "",
    duration: Annotated[str, typer.Option("--for", help="30m, 2h, 7d.")] = "2h",
    since: Annotated[str | None, typer.Option("--from", help="Start, ISO 8601; default now.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="End, ISO 8601, instead of --for.")] = None,
    expire: Annotated[str | None, typer.Option("--expire", metavar="ID", help="End a silence now.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List silences.")] = False,
) -> None:
    """Silence alerts that match: they are recorded, and nobody is told."""
    from earshot.alerting import silences  # noqa: PLC0415 (keeps --help instant)
    from earshot.alerting.matchers import parse_matcher  # noqa: PLC0415

    tables, now = current().small_tables, datetime.now(UTC)
    if listed or expire:
        if expire:
            ended = silences.expire_silence(tables, expire, now)
            _audit("alert.silence.expire", ended.silence_id, {})
        known = [] if expire else sorted(silences.read_silences(tables), key=lambda one: one.ends_at, reverse=True)
        lines = [_spoken(one, now) for one in known] or ["Expired." if expire else "There are no silences."]
        current().emit("\n".join(lines), {"silences": [_plain(one) for one in known]})
        return
    _check_labels([parse_matcher(text).label for text in matchers or []])
    starts_at = _moment(since, "--from") if since else now
    ends_at = _moment(until, "--until") if until else starts_at + _duration(duration)
    made = silences.add_silence(
        tables, matchers or [], author=actor(), reason=_required(reason), starts_at=starts_at, ends_at=ends_at
    )
    _audit("alert.silence", made.silence_id, {"matchers": matchers, "until": ends_at, "reason": reason})
    covered = sum(made.holds(alert, max(now, starts_at)) and alert.state != "resolved" for alert in _alerts())
    ending = f"earshot alerts silence --expire {made.silence_id}"
    text = f"{_spoken(made, now)}\nIt covers {covered} open alerts. End it with: {ending}"
    current().emit(text, {"silence": _plain(made), "covered": covered})


def route(
    test: Annotated[str, typer.Option("--test", help="Labels: country=BR,severity=critical")],
) -> None:
    """Say who would hear of an alert with these labels, and what would keep it from them."""
    from earshot.alerting.matchers import all_hold, parse_labels  # noqa: PLC0415 (keeps --help instant)
    from earshot.alerting.routing import route_of  # noqa: PLC0415
    from earshot.alerting.silences import read_silences  # noqa: PLC0415

    labels = parse_labels(test)
    _check_labels(labels)
    rulebook = _rulebook()
    rule = next((rule for rule in rulebook.rules if rule.name == labels.get("alertname")), None)
    labels = {**(rule.labels if rule else {}), **labels}
    if "metric" in labels:
        labels.setdefault("family", rulebook.family_of(labels["metric"]))
    found, now = route_of(labels, rulebook), datetime.now(UTC)
    enabled = current().settings.alerts.channels
    channels = [channel for channel in found.channels if channel in enabled] if found else []
    silenced = [
        one.silence_id
        for one in read_silences(current().small_tables)
        if one.starts_at <= now < one.ends_at and all_hold(one.matchers, labels)
    ]
    grouped = {label: labels.get(label, "") for label in found.group_by} if found else {}
    lines = [
        f"route:    {found.name if found else 'none: it is recorded, and nobody is told'}",
        f"channels: {', '.join(channels) or 'none'}" + (f" (enabled: {', '.join(enabled)})" if found else ""),
        f"group:    {', '.join(f'{key}={value}' for key, value in grouped.items()) or 'none'}",
        f"silenced: {', '.join(silenced) or 'no'}",
    ]
    machine = {
        "route": found.name if found else None,
        "channels": channels,
        "group": grouped,
        "labels": labels,
        "silenced_by": silenced,
    }
    current().emit("\n".join(lines), machine)


def confirm(fingerprint: Fingerprint, reason: Reason = "") -> None:
    """Say that an alert was right."""
    _judge(fingerprint, "confirmed", reason)


def dismiss(fingerprint: Fingerprint, reason: Reason = "") -> None:
    """Say that an alert was a false alarm."""
    _judge(fingerprint, "dismissed", reason)


def _judge(fingerprint: str, verdict: Literal["confirmed", "dismissed"], reason: str) -> None:
    from earshot.alerting.feedback import find_alert, record_verdict  # noqa: PLC0415 (keeps --help instant)

    tables, author = current().small_tables, actor()
    alert = find_alert(tables, fingerprint)[0]
    record_verdict(tables, alert.fingerprint, verdict, author=author, reason=_required(reason), at=datetime.now(UTC))
    _audit(f"alert.{verdict}", alert.fingerprint, {"reason": reason, "rule": alert.rule})
    text = f"{alert.fingerprint} is {verdict} by {author}: {alert.summary}"
    current().emit(text, {"fingerprint": alert.fingerprint, "verdict": verdict, "author": author, "reason": reason})


def _alerts() -> list[Alert]:
    from earshot.core.alerts import Alert  # noqa: PLC0415 (keeps --help instant)

    return [Alert.from_row(row) for row in current().small_tables.rows("gold.alerts")]


def _rulebook() -> Rulebook:
    from earshot.alerting.rules import load_rulebook  # noqa: PLC0415 (keeps --help instant)
    from earshot.core.locations import conf_folder  # noqa: PLC0415

    return load_rulebook(conf_folder() / current().settings.alerts.rules_file)


def _check_labels(labels: Iterable[str]) -> None:
    from earshot.alerting.rules import known_label, known_labels  # noqa: PLC0415 (keeps --help instant)

    known = known_labels(_rulebook())
    for label in labels:
        known_label(label, known)


def _audit(action: str, subject: str, detail: dict[str, object]) -> None:
    from earshot.security.audit import AuditChain  # noqa: PLC0415 (keeps --help instant)
    from earshot.security.keys import load_keys  # noqa: PLC0415

    settings = current().settings
    master_key = load_keys(settings).master_key
    AuditChain(current().small_tables, actor(), master_key=master_key, home=settings.home).record(
        action, subject, detail
    )


def _required(reason: str) -> str:
    if not reason.strip():
        raise ArgumentError("A reason is missing.", where="option --reason", remedy='Write --reason "what it was".')
    return reason.strip()


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if not found or int(found[1]) == 0:
        raise ArgumentError(f"{text!r} is no duration.", where="option --for", remedy="Write 30m, 2h or 7d.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _moment(text: str, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        remedy = "Write ISO 8601, for example 2026-03-29T10:00Z."
        raise ArgumentError(f"{text!r} is no time.", where=f"option {option}", remedy=remedy) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _spoken(one: Silence, now: datetime) -> str:
    over = " (over)" if one.ends_at <= now else ""
    matchers = " ".join(map(str, one.matchers))
    times = f"{one.starts_at:%Y-%m-%d %H:%M} to {one.ends_at:%Y-%m-%d %H:%M} UTC{over}"
    return f"{one.silence_id}  {matchers}  {times}  {one.author}: {one.reason}"


def _plain(one: Silence) -> dict[str, object]:
    values = {**vars(one), "matchers": [str(matcher) for matcher in one.matchers]}
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in values.items()}
