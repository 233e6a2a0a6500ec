"""Webhooks on loopback: every fault is an error that the outbox understands, doubles have the same key."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from earshot.core.errors import DeliveryError
from earshot.core.settings import HttpSettings
from earshot.integrations.http import HttpClient
from earshot.integrations.probes import probe_webhook
from earshot.integrations.webhooks import Webhook
from loopback import Answer, Server, free_port, http_server

SETTINGS = HttpSettings(timeout_s=0.4, attempts=2, rate_per_s=1000, burst=1000)


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as running:
        yield running


def webhook(url: str) -> Webhook:
    return Webhook(HttpClient(SETTINGS, longest_pause_s=1.0, sleep=lambda s: None), url, name="alerts.slack_url")


def test_a_message_arrives_as_json_with_its_key(server) -> None:
    webhook(f"{server.url}/services/T0/SECRET").post({"text": "hä?"}, key="k1")
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.json()) == ("POST", "/services/T0/SECRET", {"text": "hä?"})
    assert seen.headers["idempotency-key"] == "k1"
    assert seen.headers["content-type"].startswith("application/json")


def test_a_message_that_is_sent_again_has_the_same_key(server) -> None:
    server.script = [Answer(drop=True)]
    webhook(server.url).post({}, key="k1")
    assert [seen.headers["idempotency-key"] for seen in server.seen] == ["k1", "k1"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(500), "500"),
        (Answer(404, b"no_service"), "404"),
        (Answer(drop=True), "No answer"),
        (Answer(delay_s=0.8), "too long"),
    ],
    ids=["5xx", "4xx", "reset", "time-out"],
)
def test_a_fault_is_an_error_that_names_the_setting_and_hides_the_address(server, answer, words) -> None:
    server.answer = lambda seen: answer
    with pytest.raises(DeliveryError, match=words) as caught:
        webhook(f"{server.url}/services/SECRET").post({}, key="k1")
    assert "alerts.slack_url" in caught.value.where
    assert "SECRET" not in str(caught.value)


def test_a_long_retry_after_goes_to_the_outbox(server) -> None:
    server.answer = lambda seen: Answer(429, headers={"Retry-After": "90"})
    with pytest.raises(DeliveryError) as caught:
        webhook(server.url).post({}, key="k1")
    assert caught.value.retry_after_s == 90.0


def test_a_webhook_does_not_show_its_address() -> None:
    assert "SECRET" not in repr(webhook("http://x/SECRET"))


def test_the_probe_sees_whether_somebody_answers_and_posts_nothing(server) -> None:
    server.answer = lambda seen: Answer(405)
    assert probe_webhook(f"{server.url}/SECRET").ok
    assert [seen.method for seen in server.seen] == ["HEAD"]
    missing = probe_webhook(f"http://127.0.0.1:{free_port()}/SECRET")
    assert not missing.ok
    assert missing.remedy
    assert "SECRET" not in missing.detail
