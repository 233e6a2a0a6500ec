"""Alerts as Adaptive Cards for Microsoft Teams: what a workflow's "When a Teams webhook request is received" takes.

A message may have 28 KB; alerts beyond that are counted, and pictures go before alerts do.
https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from earshot.core.alerts import Alert, Notification
from earshot.formatters.alert_text import SHOWN, actions, figures, headline, one_line

_LARGEST = 27_000
_COLOURS = {"critical": "Attention", "warning": "Warning", "info": "Accent"}
_TEXT_CHARS = 1_000

Element = dict[str, object]


def teams_message(
    notification: Notification, charts: Mapping[str, bytes], addresses: Mapping[str, str]
) -> dict[str, object]:
    """The body, as large as it may be.

    Args:
        notification: The message.
        charts: By fingerprint, the picture as PNG.
        addresses: By fingerprint, where the picture can be fetched; those that cannot are put into the card.
    """
    shown = min(len(notification.alerts), SHOWN)
    drawn = shown
    while True:
        pictures = {a.fingerprint: _source(a, charts, addresses) for a in notification.alerts[:drawn]}
        message = _message(notification, shown, pictures)
        if len(json.dumps(message, ensure_ascii=False).encode()) <= _LARGEST or shown <= 1:
            return message
        drawn, shown = (drawn - 1, shown) if drawn > 0 else (0, shown - 1)


def _message(notification: Notification, shown: int, pictures: Mapping[str, str]) -> dict[str, object]:
    body: list[Element] = [
        {
            "type": "TextBlock",
            "text": _plain(headline(notification)),
            "weight": "Bolder",
            "size": "Medium",
            "wrap": True,
        }
    ]
    for alert in notification.alerts[:shown]:
        body.append(_card(alert, pictures.get(alert.fingerprint, "")))
    left = len(notification.alerts) - shown
    footer = [f"and {left} more: earshot alerts list"] if left > 0 else []
    footer.append(f"delivery {notification.delivery_id}")
    body.append({"type": "TextBlock", "text": " · ".join(footer), "isSubtle": True, "size": "Small", "wrap": True})
    links = [("Open the report", notification.report)] if notification.report else []
    runbooks = {alert.evidence.facts.get("runbook", "") for alert in notification.alerts[:shown]}
    links += [("Runbook", address) for address in sorted(runbooks)[:3]]
    card: dict[str, object] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": _plain(headline(notification)),
        "msteams": {"width": "Full"},
        "body": body,
        "actions": [
            {"type": "Action.OpenUrl", "title": title, "url": url}
            for title, url in links
            if url.startswith(("https://", "http://"))
        ],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _card(alert: Alert, picture: str) -> Element:
    over = alert.state == "resolved"
    facts = [{"title": label, "value": _plain(value)} for label, value in figures(alert)]
    items: list[Element] = [
        {
            "type": "TextBlock",
            "text": _plain(one_line(alert.summary, _TEXT_CHARS)),
            "weight": "Bolder",
            "color": "Good" if over else _COLOURS[alert.severity],
            "wrap": True,
        },
        {"type": "FactSet", "facts": facts},
    ]
    if picture:
        items.append({"type": "Image", "url": picture, "altText": _plain(one_line(alert.summary)), "size": "Stretch"})
    items += [
        {
            "type": "TextBlock",
            "text": f"{label}: {_plain(value)}",
            "fontType": "Monospace",
            "size": "Small",
            "wrap": True,
        }
        for label, value in actions(alert)
    ]
    return {"type": "Container", "style": "emphasis", "separator": True, "items": items}


def _source(alert: Alert, charts: Mapping[str, bytes], addresses: Mapping[str, str]) -> str:
    if alert.fingerprint in addresses:
        return addresses[alert.fingerprint]
    png = charts.get(alert.fingerprint)
    return "" if png is None else f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _plain(text: str) -> str:
    """The text without the Markdown of Adaptive Cards, so that nothing of it is a link."""
    for sign in "\\*_[]":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("](", "]\u200b(")
