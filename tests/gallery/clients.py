"""What arrived on a channel, drawn in the manner of the channel's client."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Headers = Mapping[str, str]

_COLUMNS = (("slack", "pagerduty"), ("teams", "alertmanager"), ("email", "webhook"))
_LINES = 32
_TITLES = {
    "slack": "Slack: Block Kit",
    "teams": "Microsoft Teams: Adaptive Card",
    "email": "E-mail: HTML part, as Chromium shows it",
    "pagerduty": "PagerDuty: Events API v2",
    "alertmanager": "Alertmanager: POST /api/v2/alerts",
    "webhook": "Webhook: signed (Standard Webhooks)",
}
_EMOJI = {
    ":red_circle:": "#dd2e44",
    ":large_orange_circle:": "#f4900c",
    ":large_blue_circle:": "#55acee",
    ":white_check_mark:": "#77b255",
}
_COLOURS = {"Attention": "#c4314b", "Warning": "#a15c00", "Accent": "#4f52b2", "Good": "#237b4b"}
_LONGEST_LIST = 1
_STYLE = """
body { margin: 0; padding: 20px; background: #eef0f3; font: 14px/1.4 "DejaVu Sans", sans-serif; color: #1d1c1d; }
main { display: grid; grid-template-columns: repeat(3, 1fr); gap: 18px; align-items: start; }
section { background: #fff; border: 1px solid #d5d8dd; border-radius: 8px; padding: 12px 14px; margin-bottom: 18px;
  overflow: hidden; overflow-wrap: anywhere; }
h2 { font-size: 12px; letter-spacing: .03em; color: #626a75; margin: 0 0 8px; border-bottom: 1px solid #e6e8ec;
  padding-bottom: 6px; }
h3 { font-size: 17px; margin: 4px 0; }
img { max-width: 100%; border: 1px solid #e6e8ec; border-radius: 4px; margin: 6px 0; }
code { font: 11.5px "DejaVu Sans Mono", monospace; background: #f3f4f6; color: #b3124e; padding: 0 2px; }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 3px 12px; font-size: 13px; margin: 6px 0; }
.small { color: #626a75; font-size: 12px; }
.facts td { font-size: 12.5px; padding: 1px 8px 1px 0; vertical-align: top; }
.facts td:first-child { color: #626a75; white-space: nowrap; }
.container { background: #f5f5f5; border-radius: 4px; padding: 8px 10px; margin: 6px 0; }
.button { display: inline-block; border: 1px solid #c7c9d1; border-radius: 4px; padding: 3px 10px; margin-right: 6px;
  font-size: 12.5px; }
.mono { font: 11.5px "DejaVu Sans Mono", monospace; color: #4a5059; }
.mail { font-size: 12.5px; border-bottom: 1px solid #e6e8ec; padding-bottom: 6px; margin-bottom: 6px; }
.pager { display: inline-block; background: #c4314b; color: #fff; border-radius: 3px; padding: 1px 8px;
  font-size: 12px; }
.dot { display: inline-block; width: 12px; height: 12px; border-radius: 6px; margin-right: 4px; }
iframe { width: 100%; height: 660px; border: 0; }
pre { font: 11px/1.35 "DejaVu Sans Mono", monospace; white-space: pre-wrap; margin: 0; }
"""


def page(cards: Mapping[str, str]) -> str:
    """All channels on one page, in three columns."""
    columns = "".join(f"<div>{''.join(_card(name, cards[name]) for name in names)}</div>" for names in _COLUMNS)
    return f'<!doctype html><meta charset="utf-8"><style>{_STYLE}</style><main>{columns}</main>'


def _card(channel: str, shown: str) -> str:
    return f"<section><h2>{_TITLES[channel]}</h2>{shown}</section>"


def _slack(body: Any, headers: Headers) -> str:
    return "".join(_block(block) for block in body["blocks"])


def _block(block: Any) -> str:
    if block["type"] == "header":
        return f"<h3>{html.escape(block['text']['text'])}</h3>"
    if block["type"] == "divider":
        return ""
    if block["type"] == "image":
        return f'<img src="{html.escape(block["image_url"])}">'
    if block["type"] == "context":
        return "".join(f'<div class="small">{_marked(one["text"])}</div>' for one in block["elements"])
    fields = "".join(f"<div>{_marked(one['text'])}</div>" for one in block.get("fields", ()))
    text = _marked(block["text"]["text"]) if "text" in block else ""
    return f'<div>{text}</div><div class="fields">{fields}</div>'


def _marked(text: str) -> str:
    """Slack's mrkdwn, which comes escaped, as HTML."""
    for name, colour in _EMOJI.items():
        text = text.replace(name, f'<span class="dot" style="background:{colour}"></span>')
    text = re.sub(r"<(https?://[^|>]+)\|([^>]+)>", r'<a href="\1">\2</a>', text)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", text).replace("\n", "<br>")


def _teams(body: Any, headers: Headers) -> str:
    card = body["attachments"][0]["content"]
    links = "".join(f'<span class="button">{html.escape(one["title"])}</span>' for one in card["actions"])
    return "".join(_element(one) for one in card["body"]) + links


def _element(element: Any) -> str:
    kind = element["type"]
    if kind == "Container":
        return f'<div class="container">{"".join(_element(one) for one in element["items"])}</div>'
    if kind == "Image":
        return f'<img src="{html.escape(element["url"])}">'
    if kind == "FactSet":
        return _facts({fact["title"]: fact["value"] for fact in element["facts"]}, unescape=True)
    style = f"color:{_COLOURS[element['color']]};" if "color" in element else ""
    style += "font-weight:600;" if element.get("weight") == "Bolder" else ""
    style += "font-size:16px;" if element.get("size") == "Medium" else ""
    name = "mono" if element.get("fontType") == "Monospace" else "small" if element.get("isSubtle") else ""
    return f'<div class="{name}" style="{style}">{html.escape(_plain(element["text"]))}</div>'


def _plain(text: str) -> str:
    return re.sub(r"\\([\\*_\[\]])", r"\1", text)


def _pagerduty(body: Any, headers: Headers) -> str:
    told = body["payload"]
    rows = {"dedup_key": body["dedup_key"]}
    rows |= {key: told[key] for key in ("source", "component", "class", "group", "timestamp") if key in told}
    first = told["custom_details"]["alerts"][0]
    rows |= {key: value for key, value in first.items() if key not in {"summary", "severity"}}
    links = "".join(f'<span class="button">{html.escape(one["text"])}</span>' for one in body["links"])
    action = html.escape(f"{body['event_action']} · {told['severity']}")
    return f'<span class="pager">{action}</span><h3>{html.escape(told["summary"])}</h3>{_facts(rows)}{links}'


def _facts(rows: Mapping[str, Any], *, unescape: bool = False) -> str:
    shown = {key: _plain(str(value)) if unescape else str(value) for key, value in rows.items()}
    cells = "".join(
        f"<tr><td>{html.escape(key)}</td><td>{html.escape(value)}</td></tr>" for key, value in shown.items()
    )
    return f'<table class="facts">{cells}</table>'


def _alertmanager(body: Any, headers: Headers) -> str:
    return f"<pre>{html.escape(json.dumps(body, indent=1, ensure_ascii=False))}</pre>"


def _webhook(body: Any, headers: Headers) -> str:
    signed = "\n".join(f"{name}: {headers[name]}" for name in headers if name.startswith("webhook-"))
    lines = json.dumps(_shortened(body["alerts"][0]), indent=1, ensure_ascii=False).splitlines()
    text = "\n".join(lines[:_LINES])
    return f'<pre>{html.escape(signed)}\n\n{html.escape(text)}</pre><div class="small">... and so on</div>'


def _shortened(value: Any) -> Any:
    """Lists by their first items, and how many more there are."""
    if isinstance(value, dict):
        return {key: _shortened(one) for key, one in value.items()}
    if isinstance(value, list):
        left = len(value) - _LONGEST_LIST
        return [_shortened(one) for one in value[:_LONGEST_LIST]] + ([f"... {left} more"] if left > 0 else [])
    return value


CARDS: dict[str, Callable[[Any, Headers], str]] = {
    "slack": _slack,
    "teams": _teams,
    "pagerduty": _pagerduty,
    "alertmanager": _alertmanager,
    "webhook": _webhook,
}
"""By channel, what draws the JSON that arrived."""
