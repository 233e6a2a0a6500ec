"""One alert of a demo, delivered to every channel on loopback, and a picture of what arrived there.

    make demo
    PYTHONPATH=jobs:tests .venv/bin/python tests/gallery/alerts.py .earshot docs/images/alerts.png

The mail is shown as Chromium shows its HTML part. Of the other channels the JSON that arrived is drawn in the manner
of their clients: nothing is shown that did not arrive.
"""

from __future__ import annotations

import base64
import email
import email.policy
import html
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from aiosmtpd.controller import Controller
from PIL import Image, ImageChops

from browser import chromium
from earshot.core.alerts import CHANNELS, Notification
from earshot.core.config import load_settings
from earshot.core.settings import Settings
from earshot.core.small_tables import SmallTables
from earshot.formatters.alert_channels import renderers
from earshot.integrations.alert_transports import open_transports
from gallery.clients import CARDS, page
from loopback import Seen, Server, free_port, http_server

_SHOWN = [channel for channel in CHANNELS if channel not in {"console", "file"}]
_WIDTH = 1_600


class Mailbox:
    """Keeps the mails that it takes."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(envelope.content)
        return "250 taken"


def newest(home: Path) -> Notification:
    """The last message of a demo's outbox in which something fires, the shortest of them."""
    lake = SmallTables(load_settings(overrides={"home": str(home)}).lake_root)
    told = [Notification.model_validate_json(row["payload"]) for row in lake.rows("ops.alert_outbox")]
    firing = [one for one in told if one.status == "firing" and one.series]
    return max(firing, key=lambda one: (one.alerts[0].updated_at, -len(one.alerts)))


def settings_of(scratch: Path, server: Server, smtp_port: int) -> Settings:
    """Every channel on loopback; the report's address is loopback, too, so that pictures lie beside it."""
    alerts = {
        "channels": _SHOWN,
        "allow_networks": ["127.0.0.0/8"],
        "report_url": f"{server.url}/report.html",
        "runbook_root": "https://example.org/",
        "webhook_secret": "whsec_" + base64.b64encode(bytes(range(32))).decode(),
        "pagerduty_key": "a-routing-key",
        "pagerduty_url": f"{server.url}/pagerduty",
        "alertmanager_url": f"{server.url}/alertmanager",
        "email_from": "earshot@example.org",
        "email_to": ["on-call@example.org"],
        **{f"{name}_url": f"{server.url}/{name}" for name in ("webhook", "slack", "teams")},
    }
    smtp = {"host": "127.0.0.1", "port": smtp_port}
    return load_settings(overrides={"home": str(scratch), "alerts": alerts, "smtp": smtp})


def delivered(message: Notification, scratch: Path) -> tuple[dict[str, Seen], EmailMessage, dict[str, bytes]]:
    """What arrived by channel, the mail, and the pictures beside the report by name."""
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        with http_server() as server:
            settings = settings_of(scratch, server, controller.port)
            with open_transports(settings, console=sys.stderr) as transports:
                channels = renderers(settings.alerts, transports, lambda: datetime.now(UTC))
                for channel in _SHOWN:
                    report = settings.alerts.report_url
                    channels[channel](message.model_copy(update={"channel": channel, "report": report}))
    finally:
        controller.stop()
    arrived = {call.path.strip("/").split("/")[0]: call for call in server.seen}
    mail = cast("EmailMessage", email.message_from_bytes(mailbox.taken[0], policy=email.policy.default))
    pictures = {file.name: file.read_bytes() for file in (scratch / "reports" / "alerts").glob("*.png")}
    return arrived, mail, pictures


def page_of_mail(mail: EmailMessage) -> str:
    """The HTML part with its pictures in it, as a mail program shows it."""
    body = mail.get_body(("html",))
    assert body is not None
    shown = str(body.get_content())
    for part in mail.walk():
        if part.get_content_maintype() == "image":
            name = str(part["Content-ID"]).strip("<>")
            shown = shown.replace(f"cid:{name}", data_address(cast("bytes", part.get_payload(decode=True))))
    return shown


def data_address(png: bytes) -> str:
    """The picture as an address that needs no server."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def draw(arrived: Mapping[str, Seen], mail: EmailMessage, pictures: Mapping[str, bytes], scratch: Path) -> Path:
    """The picture of all channels."""
    cards = {
        channel: CARDS[channel](call.json(), call.headers) for channel, call in arrived.items() if channel in CARDS
    }
    head = "".join(f"<b>{name}</b> {html.escape(str(mail[name]))}<br>" for name in ("From", "To", "Subject"))
    frame = f'<iframe srcdoc="{html.escape(page_of_mail(mail))}"></iframe>'
    cards["email"] = f'<div class="mail">{head}</div>{frame}'
    text = page(cards)
    for name, png in pictures.items():
        for call in arrived.values():
            origin = f"http://{call.headers['host']}"
            text = text.replace(f"{origin}/alerts/{name}", data_address(png))
    file, shot = scratch / "alerts.html", scratch / "alerts.png"
    file.write_text(text, encoding="utf-8")
    flags = (
        f"--screenshot={shot}",
        f"--window-size={_WIDTH},4000",
        "--hide-scrollbars",
        "--force-device-scale-factor=1",
    )
    subprocess.run([*chromium(scratch), *flags, file.as_uri()], check=True, capture_output=True, timeout=120)
    return shot


def cropped(shot: Path, out: Path) -> None:
    """Save the picture without the empty rest of the window, in few colours."""
    with Image.open(shot) as whole:
        colour = whole.convert("RGB")
    empty = Image.new("RGB", colour.size, colour.getpixel((0, colour.height - 1)))
    box = ImageChops.difference(colour, empty).getbbox()
    assert box is not None
    colour.crop((0, 0, colour.width, box[3] + 24)).quantize(128).save(out, optimize=True)


def main(home: Path, out: Path) -> None:
    """Deliver, draw, save."""
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        arrived, mail, pictures = delivered(newest(home), scratch)
        cropped(draw(arrived, mail, pictures, scratch), out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
