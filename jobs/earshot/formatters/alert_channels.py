"""Which shape a message has on which channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from email.message import EmailMessage
from typing import Protocol

from earshot.core.alerts import Notification
from earshot.core.settings import AlertSettings
from earshot.formatters.alert_email import email_message
from earshot.formatters.alert_slack import slack_message
from earshot.formatters.alert_text import as_text
from earshot.formatters.alert_webhook import webhook_message


class Transports(Protocol):
    """What carries a message once it has its shape; each raises DeliveryError where it cannot."""

    def write(self, text: str) -> None:
        """Print on the console."""

    def append(self, message: Mapping[str, object]) -> None:
        """Append to the file of alerts."""

    def post(self, channel: str, message: Mapping[str, object], *, key: str) -> None:
        """Post to the webhook of `webhook` or `slack`."""

    def mail(self, message: EmailMessage) -> None:
        """Send a mail."""


def renderers(
    settings: AlertSettings, transports: Transports, clock: Callable[[], datetime]
) -> dict[str, Callable[[Notification], None]]:
    """By enabled channel, what shapes a message and hands it over."""

    def mail(message: Notification) -> None:
        sender, recipients = settings.email_from, settings.email_to
        transports.mail(email_message(message, sender=sender, recipients=recipients, sent_at=clock()))

    every: dict[str, Callable[[Notification], None]] = {
        "console": lambda message: transports.write(as_text(message)),
        "file": lambda message: transports.append(webhook_message(message)),
        "webhook": lambda message: transports.post("webhook", webhook_message(message), key=message.delivery_id),
        "slack": lambda message: transports.post("slack", slack_message(message), key=message.delivery_id),
        "email": mail,
    }
    return {channel: every[channel] for channel in settings.channels}
