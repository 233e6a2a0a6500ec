"""Alerts as Slack messages: Block Kit, within its limits (50 blocks, 3,000 characters a text)."""

from __future__ import annotations

from collections.abc import Mapping

from earshot.core.alerts import Alert, Notification
from earshot.formatters.alert_text import SHOWN, actions, bars, figures, headline, one_line

_SIGNS = {"critical": ":red_circle:", "warning": ":large_orange_circle:", "info": ":large_blue_circle:"}
_OVER = ":white_check_mark:"
_HEADER_CHARS = 150
_TEXT_CHARS = 2_900
_FIELD_CHARS = 1_900
_FIELDS = 10
_SHOWN = min(SHOWN, 9)  # five blocks each, and two: 50 are allowed

Block = dict[str, object]


def slack_message(notification: Notification, addresses: Mapping[str, str] | None = None) -> dict[str, object]:
    """The body for an incoming webhook: `text` for notifications, `blocks` for the channel.

    Args:
        notification: The message.
        addresses: By fingerprint, where Slack can fetch the picture; the others are drawn in bars.
    """
    title = headline(notification)
    blocks: list[Block] = [{"type": "header", "text": {"type": "plain_text", "text": one_line(title, _HEADER_CHARS)}}]
    for alert in notification.alerts[:_SHOWN]:
        blocks += _blocks(alert, notification, (addresses or {}).get(alert.fingerprint, ""))
    left = len(notification.alerts) - _SHOWN
    footer = [f"and {left} more: `earshot alerts list`"] if left > 0 else []
    if notification.report:
        footer.append(f"<{escaped(notification.report)}|Report>")
    footer.append(f"delivery {notification.delivery_id}")
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": " · ".join(footer)}]})
    return {"text": escaped(title), "blocks": blocks}


def escaped(text: str) -> str:
    """The text with Slack's three control characters escaped, so that nobody is mentioned by accident."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _blocks(alert: Alert, notification: Notification, picture: str) -> list[Block]:
    sign = _OVER if alert.state == "resolved" else _SIGNS[alert.severity]
    summary = escaped(one_line(alert.summary, 1_000))
    fields = [
        {"type": "mrkdwn", "text": one_line(f"*{label}* {escaped(value)}", _FIELD_CHARS)}
        for label, value in figures(alert)[:_FIELDS]
    ]
    commands = "\n".join(f"{label}: `{escaped(value.replace('`', ''))}`" for label, value in actions(alert))
    drawn: list[Block] = []
    if picture:
        drawn = [{"type": "image", "image_url": picture, "alt_text": one_line(alert.summary, _HEADER_CHARS)}]
    elif rows := bars(alert, notification):
        text = "\n".join(f"`{row}` {label.lower()}" for label, row in rows)
        drawn = [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"{sign} *{summary}*"[:_TEXT_CHARS]}},
        {"type": "section", "fields": fields},
        *drawn,
        {"type": "context", "elements": [{"type": "mrkdwn", "text": commands[:_TEXT_CHARS]}]},
        {"type": "divider"},
    ]
