"""The ways out for alerts: console, file, webhooks of every kind, mail, pictures beside the report."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from typing import TextIO
from urllib.parse import urljoin

from pydantic import SecretStr

from earshot.core.errors import DeliveryError, SettingsError
from earshot.core.settings import AlertSettings, Settings
from earshot.integrations.address_guard import AddressGuard
from earshot.integrations.guarded_http import GuardedClient
from earshot.integrations.http import HttpClient, HttpError
from earshot.integrations.smtp import Mailer
from earshot.integrations.webhook_signature import WebhookSigner
from earshot.integrations.webhooks import Webhook

_TRIES_IN_A_RUN = 2
_LONGEST_PAUSE_S = 2.0
_PICTURES = "alerts"
_OURS_BESIDE_US = frozenset({"alertmanager"})


class AlertTransports:
    """Carries messages to the channels that the settings name.

    Args:
        settings: HOME, the report's address, keys.
        console: Where the console channel prints.
        client: For the dead man's switch.
        webhooks: By channel.
        mailer: None where there is no mail.
    """

    def __init__(
        self,
        settings: Settings,
        console: TextIO,
        client: HttpClient,
        webhooks: Mapping[str, Webhook],
        mailer: Mailer | None,
    ) -> None:
        self._settings = settings
        self._console = console
        self._client = client
        self._webhooks = webhooks
        self._mailer = mailer

    def write(self, text: str) -> None:
        """Print on the console."""
        try:
            print(text, file=self._console, flush=True)
        except OSError as error:
            raise DeliveryError(f"The console cannot be written: {error.strerror}.", where="console") from None

    def append(self, message: Mapping[str, object]) -> None:
        """Append one JSON line to HOME/alerts.jsonl, and wait until it is on the disk."""
        line = json.dumps(message, ensure_ascii=False, default=str) + "\n"
        file = self._settings.home / "alerts.jsonl"
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as lines:
                lines.write(line)
                lines.flush()
                os.fsync(lines.fileno())
        except OSError as error:
            raise DeliveryError(
                f"The file cannot be written: {error.strerror}.",
                where=str(file),
                remedy="Make room, or mend rights.",
            ) from None

    def post(self, channel: str, message: object, *, key: str) -> None:
        """Post to the webhook of the channel; to PagerDuty with its routing key, which no table holds."""
        secret = self._settings.alerts.pagerduty_key
        if channel == "pagerduty" and isinstance(message, dict) and secret:
            message = {"routing_key": secret.get_secret_value(), **message}
        self._webhooks[channel].post(message, key=key)

    def mail(self, message: EmailMessage) -> None:
        """Send a mail."""
        if self._mailer is None:
            raise DeliveryError("No mail server is configured.", where="email", remedy="Set smtp.host.")
        self._mailer.send(message)

    def picture(self, name: str, png: bytes) -> str:
        """Put a picture beside the report; returns its address, empty where the report has none.

        Args:
            name: File name.
            png: The picture.
        """
        report = self._settings.alerts.report_url
        if not report.startswith(("http://", "https://")):
            return ""
        file = self._settings.home / "reports" / _PICTURES / name
        draft = file.with_name(f".{name}.{os.getpid()}")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(png)
            draft.replace(file)
        except OSError:  # an alert without its picture is better than none
            return ""
        return urljoin(report, f"{_PICTURES}/{name}")

    def beat(self) -> str:
        """Tell the dead man's switch that alerts were published; it calls people when it is not told.

        Returns:
            `sent`, `off` where none is configured, or what was wrong: it never fails a run.
        """
        url = self._settings.alerts.heartbeat_url
        if not url:
            return "off"
        try:
            self._client.request("POST", url.get_secret_value(), body={"status": "ok"})
        except HttpError as error:
            return error.what
        return "sent"


@contextmanager
def open_transports(settings: Settings, *, console: TextIO) -> Iterator[AlertTransports]:
    """The transports of the enabled channels while the block runs.

    Within a run a call is tried twice in quick succession; longer patience is the outbox's. Private and
    metadata addresses are refused unless `alerts.allow_networks` names them; an Alertmanager may be private.

    Raises:
        SettingsError: A channel is enabled and its address is missing.
    """
    alerts = settings.alerts
    patience = {"attempts": _TRIES_IN_A_RUN, "longest_pause_s": _LONGEST_PAUSE_S}
    public = GuardedClient(settings.http, AddressGuard(alerts.allow_networks), **patience)
    beside = GuardedClient(settings.http, AddressGuard(alerts.allow_networks, private=True), **patience)
    try:
        signer = WebhookSigner(alerts.webhook_secret) if alerts.webhook_secret else None
        webhooks: dict[str, Webhook] = {}
        for channel, (url, key) in _addresses(alerts).items():
            if channel in alerts.channels:
                client = beside if channel in _OURS_BESIDE_US else public
                address = str(_needed(url, key))
                webhooks[channel] = Webhook(client, address, name=key, signer=signer if channel == "webhook" else None)
        if "pagerduty" in alerts.channels:
            _needed(_plain(alerts.pagerduty_key), "alerts.pagerduty_key")
        mailer = None
        if "email" in alerts.channels:
            _needed(settings.smtp.host, "smtp.host")
            _needed(alerts.email_to, "alerts.email_to")
            mailer = Mailer(settings.smtp)
        yield AlertTransports(settings, console, public, webhooks, mailer)
    finally:
        public.close()
        beside.close()


def _addresses(alerts: AlertSettings) -> dict[str, tuple[str, str]]:
    """By channel, its address and the setting that holds it."""
    manager = _plain(alerts.alertmanager_url).rstrip("/")
    return {
        "webhook": (_plain(alerts.webhook_url), "alerts.webhook_url"),
        "slack": (_plain(alerts.slack_url), "alerts.slack_url"),
        "teams": (_plain(alerts.teams_url), "alerts.teams_url"),
        "pagerduty": (alerts.pagerduty_url, "alerts.pagerduty_url"),
        "alertmanager": (f"{manager}/api/v2/alerts" if manager else "", "alerts.alertmanager_url"),
    }


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _needed(value: object, key: str) -> object:
    if not value:
        variable = f"EARSHOT_{key.upper().replace('.', '__')}"
        raise SettingsError(
            f"{key} is missing, and alerts.channels names its channel.",
            where=f"key {key}",
            remedy=f"Set {variable}, or take the channel out of alerts.channels.",
        )
    return value
