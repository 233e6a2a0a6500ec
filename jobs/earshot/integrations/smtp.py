"""E-mail through a standard SMTP server."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage

from earshot.core.errors import DeliveryError
from earshot.core.settings import SmtpSettings

_BUSY = range(400, 500)


class Mailer:
    """Sends mail; one connection a message.

    Args:
        settings: Server, port, STARTTLS, user and password.
        context: TLS context for STARTTLS; the system's certificates by default.
    """

    def __init__(self, settings: SmtpSettings, *, context: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._context = context

    def send(self, message: EmailMessage) -> dict[str, str]:
        """Hand one message over.

        Returns:
            Recipients that the server did not take, with its reason; the others have the mail.

        Raises:
            DeliveryError: The server took it for nobody, or does not answer.
        """
        where = f"smtp://{self._settings.host}:{self._settings.port}"
        try:
            with self._connected() as server:
                refused = server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            raise DeliveryError(
                f"The server refused every recipient: {_reason(error.recipients)}.",
                where=where,
                remedy="Check alerts.email_to.",
            ) from None
        except smtplib.SMTPAuthenticationError:
            raise DeliveryError(
                "The server refused user or password.", where=where, remedy="Check smtp.user and smtp.password."
            ) from None
        except smtplib.SMTPResponseException as error:
            busy = error.smtp_code in _BUSY
            raise DeliveryError(
                f"The server answered {error.smtp_code}.",
                where=where,
                remedy="It is tried again." if busy else "Ask the server's operator.",
            ) from None
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(
                f"The mail server does not answer: {type(error).__name__}.",
                where=where,
                remedy="Check smtp.host and smtp.port.",
            ) from None
        return {address: _text(reply) for address, reply in refused.items()}

    def probe(self) -> None:
        """Connect, greet and sign in, without sending anything.

        Raises:
            OSError: The server does not answer.
            smtplib.SMTPException: It answers otherwise than it should.
        """
        with self._connected() as server:
            server.noop()

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_s)
        try:
            if settings.starttls:
                server.starttls(context=self._context or ssl.create_default_context())
            if settings.user:
                password = settings.password.get_secret_value() if settings.password else ""
                server.login(settings.user, password)
        except BaseException:
            server.close()
            raise
        return server


def _reason(recipients: dict[str, tuple[int, bytes]]) -> str:
    return next((_text(reply) for reply in recipients.values()), "no reason was given")


def _text(reply: tuple[int, bytes]) -> str:
    return f"{reply[0]} {reply[1].decode(errors='replace')}"
