"""`earshot alerts`: list, show, silence, route, confirm, dismiss, deliveries, redeliver."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from earshot.automation.actor import actor
from earshot.automation.invocation import current
from earshot.core.alerts import CHANNELS
from earshot.core.errors import ArgumentError
from earshot.core.explanations import nearest

if TYPE_CHECKING:
    from earshot.alerting.matchers import Matcher
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
        ("deliveries", list_deliveries),
        ("redeliver", redeliver),
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
    from earshot.alerting.maintenance import under_maintenance  # noqa: PLC0415
    from earshot.alerting.rulebooks import load_sound  # noqa: PLC0415
    from earshot.alerting.silences import read_silences, silencing  # noqa: PLC0415

    tables = current().small_tables
    _one_of(state, ("pending", "firing", "resolved"), "state", "option --state")
    every = sorted(_alerts(), key=lambda alert: (alert.starts_at, alert.fingerprint), reverse=True)
    speaking = [alert for alert in every if everything or not alert.evidence.inhibited_by]
    shown = [alert for alert in speaking if state in {None, alert.state}][:limit]
    said, silences, now = verdicts(tables), read_silences(tables), datetime.now(UTC)
    planned = load_sound(_rules_file())[0].maintenance
    table = Table(title=f"{len(shown)} of {len(every)} alerts")
    for heading in ("fingerprint", "severity", "state", "since", "until", "what", "note"):
        table.add_column(heading, overflow="fold")
    rows = []
    for alert in shown:
        silenced, work = silencing(alert, silences, now), under_maintenance(alert, planned, now)
        notes = [
            f"spoken for by {alert.evidence.inhibited_by}" if alert.evidence.inhibited_by else "",
            f"silenced by {silenced.author}" if silenced else "",
            f"planned work {work.name}" if work else "",
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
    _check_matchers([parse_matcher(text) for text in matchers or []])
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
    from earshot.alerting.durations import spoken_duration  # noqa: PLC0415 (keeps --help instant)
    from earshot.alerting.matchers import Matcher, all_hold, parse_labels  # noqa: PLC0415
    from earshot.alerting.routing import escalations_of, grouped, route_of  # noqa: PLC0415
    from earshot.alerting.silences import read_silences  # noqa: PLC0415

    labels = parse_labels(test)
    _check_matchers([Matcher(label, "=", value) for label, value in labels.items()])
    rulebook = _rulebook()
    rule = rulebook.rule(labels.get("alertname", ""))
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
    group = grouped(labels, found.group_by) if found else {}
    timing = {
        key: spoken_duration(getattr(found, key))
        for key in ("group_wait", "group_interval", "repeat_interval")
        if found
    }
    escalations = [
        {
            "name": one.name,
            "after": spoken_duration(one.after),
            "channels": [channel for channel in one.channels if channel in enabled],
        }
        for one in escalations_of(labels, rulebook)
        if found
    ]
    spoken = [f"{one['name']} after {one['after']} to {', '.join(one['channels']) or 'none'}" for one in escalations]
    lines = [
        f"route:    {found.name if found else 'none: it is recorded, and nobody is told'}",
        f"channels: {', '.join(channels) or 'none'}" + (f" (enabled: {', '.join(enabled)})" if found else ""),
        f"group:    {', '.join(f'{key}={value}' for key, value in group.items()) or 'none'}",
        f"timing:   {', '.join(f'{key} {value}' for key, value in timing.items()) or 'none'}",
        f"escalates: {'; '.join(spoken) or 'no'}",
        f"silenced: {', '.join(silenced) or 'no'}",
    ]
    machine = {
        "route": found.name if found else None,
        "channels": channels,
        "group": group,
        "timing": timing,
        "escalations": escalations,
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


def list_deliveries(
    state: Annotated[str | None, typer.Option(help="waiting, sent or given_up (dead letters).")] = None,
    channel: Annotated[str | None, typer.Option(help="Of one channel.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
) -> None:
    """List messages of the outbox, newest first."""
    from rich.table import Table  # noqa: PLC0415 (keeps --help instant)

    from earshot.alerting.outbox import GIVEN_UP, SENT, WAITING, deliveries  # noqa: PLC0415

    _one_of(state, (WAITING, SENT, GIVEN_UP), "state", "option --state")
    _one_of(channel, CHANNELS, "channel", "option --channel")
    found = deliveries(current().small_tables, state=state, channel=channel)
    table = Table(title=f"{min(limit, len(found))} of {len(found)} deliveries")
    for heading in ("delivery", "channel", "state", "tries", "queued", "next try", "last error"):
        table.add_column(heading, overflow="fold")
    for row in found[:limit]:
        following = f"{row['next_attempt_at']:%Y-%m-%d %H:%M}" if row["state"] == WAITING else ""
        queued = f"{row['queued_at']:%Y-%m-%d %H:%M}"
        tries, error = str(row["attempts"]), row["last_error"] or ""
        table.add_row(row["delivery_id"], row["channel"], row["state"], tries, queued, following, error)
    machine = {"deliveries": found[:limit], "total": len(found)}
    current().emit(table if found else "There are no such deliveries.", machine)


def redeliver(
    delivery: Annotated[str | None, typer.Argument(help="Delivery, or its first digits.")] = None,
    channel: Annotated[str | None, typer.Option(help="Everything that this channel has not taken.")] = None,
) -> None:
    """Let the next run send again, under the old key, what was given up or waits for its time."""
    from earshot.alerting import outbox  # noqa: PLC0415 (keeps --help instant)

    _one_of(channel, CHANNELS, "channel", "option --channel")
    if (delivery is None) == (channel is None):
        remedy = "Write `earshot alerts redeliver DELIVERY`, or --channel NAME."
        raise ArgumentError("Name a delivery or a channel.", where="command line", remedy=remedy)
    now = datetime.now(UTC)
    again = outbox.redeliver(current().small_tables, now, delivery_id=delivery, channel=channel)
    _audit("alert.redeliver", delivery or channel or "", {"deliveries": again})
    current().emit(f"{len(again)} messages go out with the next run of publish_alerts.", {"deliveries": again})


def _one_of(word: str | None, known: Sequence[str], noun: str, where: str) -> None:
    if word is not None and word not in known:
        close = nearest(word, known)
        remedy = f"Use {close}; known are {', '.join(known)}."
        raise ArgumentError(f"There is no {noun} {word!r}.", where=where, remedy=remedy)


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
    from earshot.alerting.rulebooks import load_rulebook  # noqa: PLC0415 (keeps --help instant)

    return load_rulebook(_rules_file())


def _rules_file() -> Path:
    from earshot.core.locations import conf_folder  # noqa: PLC0415 (keeps --help instant)

    return conf_folder() / current().settings.alerts.rules_file


def _check_matchers(matchers: Sequence[Matcher]) -> None:
    from earshot.alerting.rulebooks import check_matchers  # noqa: PLC0415 (keeps --help instant)

    check_matchers(matchers, _rulebook(), {alert.labels.get("metric", "") for alert in _alerts()})


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
