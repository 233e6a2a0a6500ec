"""Signatures as Standard Webhooks defines them: the published example, a receiver's own check, rotation."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from earshot.core.errors import DeliveryError, SettingsError
from earshot.core.settings import HttpSettings
from earshot.integrations.http import HttpClient
from earshot.integrations.webhook_signature import WebhookSigner
from earshot.integrations.webhooks import Webhook
from loopback import Answer, http_server

# The example of the specification's reference libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID, TIMESTAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"


def test_the_published_example_has_its_signature() -> None:
    at = datetime.fromtimestamp(TIMESTAMP, UTC)
    assert WebhookSigner(SecretStr(SECRET)).headers(MESSAGE_ID, BODY, at) == {
        "webhook-id": MESSAGE_ID,
        "webhook-timestamp": str(TIMESTAMP),
        "webhook-signature": SIGNATURE,
    }


def test_while_keys_change_hands_both_sign() -> None:
    at = datetime.fromtimestamp(TIMESTAMP, UTC)
    first, second = (
        WebhookSigner(SecretStr(f"{OTHER} {SECRET}")).headers(MESSAGE_ID, BODY, at)["webhook-signature"].split()
    )
    assert second == SIGNATURE
    assert first.startswith("v1,")
    assert first != second


@pytest.mark.parametrize(
    "secret", ["", "plaintext", "whsec_", "whsec_c2hvcnQ=", "whsec_%%%%", SECRET.removeprefix("whsec_")]
)
def test_what_is_no_key_is_a_wrong_setting_and_is_not_shown(secret: str) -> None:
    with pytest.raises(SettingsError, match=r"alerts\.webhook_secret") as caught:
        WebhookSigner(SecretStr(secret))
    assert secret in {"", "whsec_"} or secret not in caught.value.what
    assert "MfKQ" not in repr(WebhookSigner(SecretStr(SECRET)))


def test_a_receiver_can_check_what_arrives_also_of_a_second_try() -> None:
    settings = HttpSettings(timeout_s=2, attempts=2, rate_per_s=1000, burst=1000)
    with http_server() as server:
        server.script = [Answer(drop=True)]
        hook = Webhook(
            HttpClient(settings, sleep=lambda s: None),
            server.url,
            name="alerts.webhook_url",
            signer=WebhookSigner(SecretStr(SECRET)),
        )
        hook.post({"text": "hä?"}, key="d1")
    assert len(server.seen) == 2
    for seen in server.seen:
        signed = f"{seen.headers['webhook-id']}.{seen.headers['webhook-timestamp']}.".encode() + seen.body
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert seen.headers["webhook-signature"] == f"v1,{expected}"
        assert seen.headers["webhook-id"] == seen.headers["idempotency-key"] == "d1"
        assert abs(int(seen.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60


@pytest.mark.parametrize(
    ("status", "refused"), [(400, True), (422, True), (413, True), (404, False), (401, False), (503, False)]
)
def test_a_body_that_is_refused_is_told_from_a_channel_that_fails(status: int, refused: bool) -> None:
    settings = HttpSettings(timeout_s=2, attempts=1, rate_per_s=1000, burst=1000)
    with http_server() as server:
        server.answer = lambda seen: Answer(status)
        with pytest.raises(DeliveryError) as caught:
            Webhook(HttpClient(settings), server.url, name="x").post({}, key="d1")
    assert caught.value.refused == refused
