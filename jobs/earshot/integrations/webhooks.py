"""Messages to webhooks: plain and signed, Slack, Teams, PagerDuty, Alertmanager."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from earshot.core.errors import DeliveryError
from earshot.integrations.http import HttpClient, HttpError, as_json
from earshot.integrations.webhook_signature import WebhookSigner

# Answers of a server that is well and will never take this body.
_REFUSED = frozenset({400, 413, 415, 422})


class Webhook:
    """Posts JSON with an idempotency key.

    Args:
        client: Whose rate limit and tries hold.
        url: The address; a secret, never shown.
        name: What errors call it: the setting that holds the address.
        signer: Signs the bodies; None leaves them unsigned.
        clock: Wall time.
    """

    def __init__(
        self,
        client: HttpClient,
        url: str,
        *,
        name: str,
        signer: WebhookSigner | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._url = url
        self._name = name
        self._signer = signer
        self._clock = clock

    def __repr__(self) -> str:
        """The name alone."""
        return f"Webhook({self._name})"

    def post(self, body: object, *, key: str) -> None:
        """Hand one message over; the receiver knows a repetition by `Idempotency-Key` and `webhook-id`.

        Raises:
            DeliveryError: It was not taken.
        """
        content = as_json(body) or b""
        headers: Mapping[str, str] = {"Idempotency-Key": key, "webhook-id": key}
        if self._signer:
            headers = {**headers, **self._signer.headers(key, content, self._clock())}
        try:
            self._client.request("POST", self._url, headers=headers, body=content)
        except HttpError as error:
            raise DeliveryError(
                error.what,
                where=f"{self._name}: {error.where}",
                remedy=error.remedy,
                retry_after_s=error.retry_after_s,
                refused=error.status in _REFUSED,
            ) from None
