"""Messages to webhooks, plain and Slack-shaped."""

from __future__ import annotations

from collections.abc import Mapping

from earshot.core.errors import DeliveryError
from earshot.integrations.http import HttpClient, HttpError


class Webhook:
    """Posts JSON with an idempotency key.

    Args:
        client: Whose rate limit and tries hold.
        url: The address; a secret, never shown.
        name: What errors call it: the setting that holds the address.
    """

    def __init__(self, client: HttpClient, url: str, *, name: str) -> None:
        self._client = client
        self._url = url
        self._name = name

    def __repr__(self) -> str:
        """The name alone."""
        return f"Webhook({self._name})"

    def post(self, body: Mapping[str, object], *, key: str) -> None:
        """Hand one message over; the receiver knows a repetition by `Idempotency-Key`.

        Raises:
            DeliveryError: It was not taken.
        """
        try:
            self._client.request("POST", self._url, headers={"Idempotency-Key": key}, body=body)
        except HttpError as error:
            raise DeliveryError(
                error.what,
                where=f"{self._name}: {error.where}",
                remedy=error.remedy,
                retry_after_s=error.retry_after_s,
            ) from None
