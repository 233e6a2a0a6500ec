"""The ways out for alerts: console, file, webhooks, mail."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import TextIO

from pydantic import SecretStr

from earshot.core.errors import DeliveryError, SettingsError
from earshot.core.settings import Settings
from earshot.integrations.http import HttpClient
from earshot.integrations.smtp import Mailer
from earshot.integrations.webhooks import Webhook

_TRIES_IN_A_RUN = 2
_LONGEST_PAUSE_S = 2.0


class AlertTransports:
    """Carries messages to the channels that the settings name.

    Args:
        console: Where the console channel prints.
        file: HOME/alerts.jsonl.
        webhooks: By channel (`webhook`, `slack`).
        mailer: None where there is no mail.
    """

    def __init__(self, console: TextIO, file: Path, webhooks: Mapping[str, Webhook], mailer: Mailer | None) -> None:
        self._console = console
        self._file = file
        self._webhooks = webhooks
        self._mailer = mailer

    def write(self, text: str) -> None:
        """Print on the console."""
        try:
            print(text, file=self._console, flush=True)
        except OSError as error:
            raise DeliveryError(f"The console cannot be written: {error.strerror}.", where="console") from None

    def append(self, message: Mapping[str, object]) -> None:
        """Append one JSON line, and wait until it is on the disk."""
        line = json.dumps(message, ensure_ascii=False, default=str) + "\n"
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as lines:
                lines.write(line)
                lines.flush()
                os.fsync(lines.fileno())
        except OSError as error:
            raise DeliveryError(
                f"The file cannot be written: {error.strerror}.",
                where=str(self._file),
                remedy="Make room, or mend rights.",
            ) from None

    def post(self, channel: str, message: Mapping[str, object], *, key: str) -> None:
        """Post to the webhook of the channel."""
        self._webhooks[channel].post(message, key=key)

    def mail(self, message: EmailMessage) -> None:
        """Send a mail."""
        if self._mailer is None:
            raise DeliveryError("No mail server is configured.", where="email", remedy="Set smtp.host.")
        self._mailer.send(message)


@contextmanager
def open_transports(settings: Settings, *, console: TextIO) -> Iterator[AlertTransports]:
    """The transports of the enabled channels while the block runs.

    Within a run a call is tried twice in quick succession; longer patience is the outbox's.

    Raises:
        SettingsError: A channel is enabled and its address is missing.
    """
    alerts = settings.alerts
    client = HttpClient(settings.http, attempts=_TRIES_IN_A_RUN, longest_pause_s=_LONGEST_PAUSE_S)
    try:
        webhooks: dict[str, Webhook] = {
            str(channel): Webhook(client, _address(url, key), name=key)
            for channel, url, key in (
                ("webhook", alerts.webhook_url, "alerts.webhook_url"),
                ("slack", alerts.slack_url, "alerts.slack_url"),
            )
            if channel in alerts.channels
        }
        mailer = None
        if "email" in alerts.channels:
            _needed(settings.smtp.host, "smtp.host")
            _needed(alerts.email_to, "alerts.email_to")
            mailer = Mailer(settings.smtp)
        yield AlertTransports(console, settings.home / "alerts.jsonl", webhooks, mailer)
    finally:
        client.close()


def _address(url: SecretStr | None, key: str) -> str:
    return str(_needed(url.get_secret_value() if url else "", key))


def _needed(value: object, key: str) -> object:
    if not value:
        variable = f"EARSHOT_{key.upper().replace('.', '__')}"
        raise SettingsError(
            f"{key} is missing, and alerts.channels names its channel.",
            where=f"key {key}",
            remedy=f"Set {variable}, or take the channel out of alerts.channels.",
        )
    return value
