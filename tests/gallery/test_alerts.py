"""The gallery shows what arrived, on every channel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from earshot.core.alerts import Alert, Evidence, Notification, Point
from gallery import alerts, clients

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
SUMMARY = "listens country US was below expectation: saw 63, expected 135"


def message() -> Notification:
    alert = Alert(
        fingerprint="6428aac10cac34d7",
        rule="kpi_anomaly",
        severity="critical",
        state="firing",
        labels={"metric": "listens", "country": "US"},
        summary=SUMMARY,
        evidence=Evidence(observed=63, expected=135, at=NOON),
        starts_at=NOON,
        updated_at=NOON,
    )
    points = tuple(
        Point(at=NOON + timedelta(hours=n), observed=63, expected=135, lower=66, upper=204) for n in range(9)
    )
    return Notification(delivery_id="d1", channel="file", alerts=(alert,), series={alert.fingerprint: points})


def test_every_channel_is_told_and_shows_the_summary(tmp_path: Path) -> None:
    arrived, mail, pictures = alerts.delivered(message(), tmp_path)
    assert set(arrived) == set(clients.CARDS)
    shown = {channel: clients.CARDS[channel](call.json(), call.headers) for channel, call in arrived.items()}
    for channel, text in {**shown, "email": alerts.page_of_mail(mail)}.items():
        assert SUMMARY in text, channel
    assert len(pictures) == 1


def test_the_mail_has_its_picture_in_it(tmp_path: Path) -> None:
    _, mail, _ = alerts.delivered(message(), tmp_path)
    text = alerts.page_of_mail(mail)
    assert "data:image/png;base64," in text
    assert "cid:" not in text
