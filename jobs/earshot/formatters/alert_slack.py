"""Alerts as Slack messages: Block Kit, within its limits (50 blocks, 3,000 characters a text)."""

from __future__ import annotations

from earshot.core.alerts import Alert, Notification
from earshot.formatters.alert_text import SHOWN, actions, figures, headline, one_line

_SIGNS = {"critical": ":red_circle:", "warning": ":large_orange_circle:", "info": ":large_blue_circle:"}
_OVER = ":white_check_mark:"
_HEADER_CHARS = 150
_TEXT_CHARS = 2_900
_FIELD_CHARS = 1_900
_FIELDS = 10

Block = dict[str, object]


def slack_message(notification: Notification) -> dict[str, object]:
    """The body for an incoming webhook: `text` for notifications, `blocks` for the channel."""
    title = headline(notification)
    blocks: list[Block] = [{"type": "header", "text": {"type": "plain_text", "text": one_line(title, _HEADER_CHARS)}}]
    for alert in notification.alerts[:SHOWN]:
        blocks += _blocks(alert)
    left = len(notification.alerts) - SHOWN
    footer = [f"and {left} more: `earshot alerts list`"] if left > 0 else []
    if notification.report:
        footer.append(f"<{escaped(notification.report)}|Report>")
    footer.append(f"delivery {notification.delivery_id}")
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": " · ".join(footer)}]})
    return {"text": escaped(title), "blocks": blocks}


def escaped(text: str) -> str:
    """The text with Slack's three control characters escaped, so that nobody is mentioned by accident."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _blocks(alert: Alert) -> list[Block]:
    sign = _OVER if alert.state == "resolved" else _SIGNS[alert.severity]
    summary = escaped(one_line(alert.summary, 1_000))
    fields = [
        {"type": "mrkdwn", "text": one_line(f"*{label}* {escaped(value)}", _FIELD_CHARS)}
        for label, value in figures(alert)[:_FIELDS]
    ]
    commands = "\n".join(f"{label}: `{escaped(value.replace('`', ''))}`" for label, value in actions(alert))
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"{sign} *{summary}*"[:_TEXT_CHARS]}},
        {"type": "section", "fields": fields},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": commands[:_TEXT_CHARS]}]},
        {"type": "divider"},
    ]
