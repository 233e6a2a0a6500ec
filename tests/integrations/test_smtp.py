"""Mail through a real SMTP server on loopback."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from earshot.core.errors import DeliveryError
from earshot.core.settings import SmtpSettings
from earshot.integrations.probes import probe_smtp
from earshot.integrations.smtp import Mailer
from loopback import free_port


class Mailbox:
    """Takes mail, and refuses what it is told to."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.refused: dict[str, str] = {}
        self.after_data = "250 taken"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.after_data.startswith("250"):
            self.taken.append(envelope)
        return self.after_data


def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, credentials: Any) -> AuthResult:
    return AuthResult(success=credentials.password == b"right", handled=False)


Start = Callable[..., tuple[Mailbox, SmtpSettings]]


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[Controller] = []

    def begin(**options: Any) -> tuple[Mailbox, SmtpSettings]:
        mailbox = Mailbox()
        controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
        controller.start()
        running.append(controller)
        return mailbox, SmtpSettings(host="127.0.0.1", port=controller.port, timeout_s=5)

    yield begin
    for controller in running:
        controller.stop()


def letter(*recipients: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "e@example.org"
    message["To"] = ", ".join(recipients or ("a@example.org",))
    message["Subject"] = "Plays fell: Ünïcödé"
    message["Message-ID"] = "<d-1@example.org>"
    message.set_content("Hällo")
    return message


def test_a_mail_arrives_whole(start) -> None:
    mailbox, settings = start()
    assert Mailer(settings).send(letter()) == {}
    (envelope,) = mailbox.taken
    assert envelope.rcpt_tos == ["a@example.org"]
    assert b"Message-ID: <d-1@example.org>" in envelope.content


def test_a_recipient_who_is_refused_does_not_keep_the_others_from_their_mail(start) -> None:
    mailbox, settings = start()
    mailbox.refused = {"b@example.org": "550 no such user"}
    refused = Mailer(settings).send(letter("a@example.org", "b@example.org"))
    assert refused == {"b@example.org": "550 no such user"}
    assert mailbox.taken[0].rcpt_tos == ["a@example.org"]


@pytest.mark.parametrize(
    ("refused", "after_data", "words"),
    [
        ({"a@example.org": "550 no such user"}, "250", "every recipient"),
        ({}, "451 busy", "451"),
        ({}, "554 not this", "554"),
    ],
)
def test_what_the_server_does_not_take_is_an_error(start, refused, after_data, words) -> None:
    mailbox, settings = start()
    mailbox.refused, mailbox.after_data = refused, after_data
    with pytest.raises(DeliveryError, match=words):
        Mailer(settings).send(letter())


def test_a_server_that_is_not_there_is_an_error_with_a_remedy() -> None:
    with pytest.raises(DeliveryError) as caught:
        Mailer(SmtpSettings(host="127.0.0.1", port=free_port())).send(letter())
    assert "smtp.host" in caught.value.remedy


def test_user_and_password_are_used_and_never_told(start) -> None:
    _, settings = start(authenticator=authenticate, auth_require_tls=False, auth_required=True)
    right = settings.model_copy(update={"user": "u", "password": SecretStr("right")})
    assert Mailer(right).send(letter()) == {}
    assert probe_smtp(right).ok
    wrong = settings.model_copy(update={"user": "u", "password": SecretStr("wr0ng-secret")})
    with pytest.raises(DeliveryError, match="user or password") as caught:
        Mailer(wrong).send(letter())
    assert "wr0ng-secret" not in f"{caught.value!s} {caught.value!r}"
    assert not probe_smtp(wrong).ok


def test_without_tls_on_the_server_nothing_is_sent_in_the_clear(start) -> None:
    mailbox, settings = start()
    with pytest.raises(DeliveryError):
        Mailer(settings.model_copy(update={"starttls": True})).send(letter())
    assert mailbox.taken == []


def test_a_certificate_that_nobody_signed_is_refused_unless_it_is_trusted(start, tmp_path) -> None:
    key, certificate = self_signed(tmp_path)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate, key)
    mailbox, settings = start(tls_context=server_side, require_starttls=True)
    encrypted = settings.model_copy(update={"starttls": True})
    with pytest.raises(DeliveryError):
        Mailer(encrypted).send(letter())
    assert mailbox.taken == []
    trusting = ssl.create_default_context(cafile=certificate)
    trusting.check_hostname = False
    assert Mailer(encrypted, context=trusting).send(letter()) == {}
    assert len(mailbox.taken) == 1


def self_signed(folder) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return str(folder / "key.pem"), str(folder / "certificate.pem")


def test_the_probe_says_what_is_configured(start) -> None:
    _, settings = start()
    assert probe_smtp(SmtpSettings()) == (True, "no mail server is configured", "")
    assert probe_smtp(settings).ok
    missing = probe_smtp(SmtpSettings(host="127.0.0.1", port=free_port()))
    assert (missing.ok, bool(missing.remedy)) == (False, True)
