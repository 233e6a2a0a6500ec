"""Alerts as e-mail: a text part, and an HTML part with its pictures inside the mail: nothing is fetched."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from earshot.core.alerts import Alert, Notification
from earshot.formatters.alert_chart import HEIGHT, WIDTH
from earshot.formatters.alert_text import SHOWN, actions, as_text, figures, headline, one_line

_COLOURS = {"critical": "#b3261e", "warning": "#a15c00", "info": "#1f5fa8"}
_OVER = "#2e6b34"
_FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"


def email_message(
    notification: Notification,
    *,
    sender: str,
    recipients: Sequence[str],
    sent_at: datetime,
    charts: Mapping[str, bytes] | None = None,
) -> EmailMessage:
    """The mail: its Message-ID is the delivery_id, so that a repetition is known as one.

    Args:
        notification: The message.
        sender: From.
        recipients: To.
        sent_at: Date.
        charts: By fingerprint, the picture as PNG.
    """
    message = EmailMessage()
    message["Subject"] = headline(notification)
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Date"] = format_datetime(sent_at)
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    message["Message-ID"] = f"<{notification.delivery_id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Earshot-Status"] = notification.status
    message.set_content(as_text(notification))
    drawn = {
        alert.fingerprint: png
        for alert in notification.alerts[:SHOWN]
        if (png := (charts or {}).get(alert.fingerprint))
    }
    message.add_alternative(as_html(notification, drawn), subtype="html")
    *_, page = message.iter_parts()
    for fingerprint, png in drawn.items():
        page.add_related(
            png, "image", "png", cid=f"<{_picture(fingerprint)}>", filename=f"{fingerprint}.png", disposition="inline"
        )
    return message


def as_html(notification: Notification, drawn: Iterable[str] = ()) -> str:
    """The HTML part; `drawn` are the fingerprints whose pictures the mail holds."""
    pictures = set(drawn)
    cards = "".join(_card(alert, alert.fingerprint in pictures) for alert in notification.alerts[:SHOWN])
    left = len(notification.alerts) - SHOWN
    more = f"<p>and {left} more: <code>earshot alerts list</code></p>" if left > 0 else ""
    report = notification.report
    link = f'<p><a href="{html.escape(report)}">Open the report</a></p>' if report else ""
    title = html.escape(headline(notification))
    body = f"margin:0;padding:16px;background:#f4f4f2;color:#1c1c1a;{_FONT};font-size:15px;line-height:1.45"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"></head><body style="{body}">'
        f'<div style="max-width:640px;margin:0 auto">{cards}{more}{link}</div></body></html>'
    )


def _picture(fingerprint: str) -> str:
    return f"{fingerprint}@earshot"


def _card(alert: Alert, drawn: bool) -> str:
    over = alert.state == "resolved"
    colour = _OVER if over else _COLOURS[alert.severity]
    cell = "padding:2px 14px 2px 0;vertical-align:top"
    rows = "".join(
        f'<tr><td style="{cell};color:#5c5c58;white-space:nowrap">{html.escape(label)}</td>'
        f'<td style="{cell}">{html.escape(value)}</td></tr>'
        for label, value in figures(alert)
    )
    next_steps = "".join(
        f'<div style="margin-top:4px">{html.escape(label)}: '
        f'<code style="font-size:12px;word-break:break-all">{html.escape(value)}</code></div>'
        for label, value in actions(alert)
    )
    picture = (
        f'<img src="cid:{html.escape(_picture(alert.fingerprint))}" width="{WIDTH}" height="{HEIGHT}" '
        f'alt="{html.escape(one_line(alert.summary))}" style="max-width:100%;height:auto;margin:8px 0 4px">'
        if drawn
        else ""
    )
    badge = "resolved" if over else f"{alert.severity}, {alert.state}"
    frame = f"background:#fff;border-left:5px solid {colour};border-radius:4px;padding:14px 18px;margin:0 0 14px"
    small = f"color:{colour};font-size:12px;font-weight:600;text-transform:uppercase;letter-spacing:.04em"
    summary = html.escape(one_line(alert.summary, 1_000))
    return (
        f'<div style="{frame}"><div style="{small}">{badge}</div>'
        f'<div style="font-size:17px;font-weight:600;margin:2px 0 8px">{summary}</div>'
        f'<table style="border-collapse:collapse;font-size:14px">{rows}</table>{picture}'
        f'<div style="margin-top:10px;color:#5c5c58;font-size:13px">{next_steps}</div></div>'
    )
