"""Which shape a message has on which channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Protocol

from earshot.core.alerts import Channel, Notification
from earshot.core.settings import AlertSettings
from earshot.formatters.alert_alertmanager import alertmanager_alerts
from earshot.formatters.alert_chart import chart_name, chart_of
from earshot.formatters.alert_email import email_message
from earshot.formatters.alert_pagerduty import pagerduty_event
from earshot.formatters.alert_slack import slack_message
from earshot.formatters.alert_teams import teams_message
from earshot.formatters.alert_text import SHOWN, as_text
from earshot.formatters.alert_webhook import webhook_message


class Transports(Protocol):
    """What carries a message once it has its shape; each raises DeliveryError where it cannot."""

    def write(self, text: str) -> None:
        """Print on the console."""

    def append(self, message: Mapping[str, object]) -> None:
        """Append to the file of alerts."""

    def post(self, channel: str, message: object, *, key: str) -> None:
        """Post to the webhook of the channel."""

    def mail(self, message: EmailMessage) -> None:
        """Send a mail."""

    def picture(self, name: str, png: bytes) -> str:
        """Put a picture where others can fetch it; returns its address, or nothing where there is no such place."""


def renderers(
    settings: AlertSettings, transports: Transports, clock: Callable[[], datetime]
) -> dict[str, Callable[[Notification], None]]:
    """By enabled channel, what shapes a message and hands it over."""

    def post(message: Notification, body: object) -> None:
        transports.post(message.channel, body, key=message.delivery_id)

    def addresses(message: Notification) -> dict[str, str]:
        if not settings.report_url:
            return {}
        names = {alert.fingerprint: chart_name(alert) for alert in message.alerts}
        hosted = {key: transports.picture(names[key], png) for key, png in _charts(message).items()}
        return {key: address for key, address in hosted.items() if address}

    def mail(message: Notification) -> None:
        sender, recipients = settings.email_from, settings.email_to
        shaped = email_message(message, sender=sender, recipients=recipients, sent_at=clock(), charts=_charts(message))
        transports.mail(shaped)

    lasting = timedelta(hours=settings.alertmanager_hours)
    every: dict[Channel, Callable[[Notification], None]] = {
        "console": lambda message: transports.write(as_text(message)),
        "file": lambda message: transports.append(webhook_message(message)),
        "webhook": lambda message: post(message, webhook_message(message)),
        "slack": lambda message: post(message, slack_message(message, addresses(message))),
        "teams": lambda message: post(message, teams_message(message, _charts(message), addresses(message))),
        "pagerduty": lambda message: post(message, pagerduty_event(message, addresses(message))),
        "alertmanager": lambda message: post(message, alertmanager_alerts(message, now=clock(), lasting=lasting)),
        "email": mail,
    }
    return {channel: every[channel] for channel in settings.channels}


def _charts(message: Notification) -> dict[str, bytes]:
    """By fingerprint, the pictures of the alerts that a message shows."""
    drawn = {alert.fingerprint: chart_of(alert, message) for alert in message.alerts[:SHOWN]}
    return {fingerprint: png for fingerprint, png in drawn.items() if png}
