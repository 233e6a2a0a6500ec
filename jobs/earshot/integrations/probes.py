"""What `earshot doctor` asks of servers: is it there, and if not, what to do."""

from __future__ import annotations

import smtplib
from typing import NamedTuple

from earshot.core.settings import HttpSettings, SmtpSettings
from earshot.integrations.http import HttpClient, HttpError, masked
from earshot.integrations.smtp import Mailer

_QUICK = HttpSettings(timeout_s=5.0, attempts=1)


class Probe(NamedTuple):
    """Whether it works, what was seen, and what to do where it does not."""

    ok: bool
    detail: str
    remedy: str = ""


def probe_smtp(settings: SmtpSettings) -> Probe:
    """Connect to the mail server, greet and sign in; sends nothing."""
    if not settings.host:
        return Probe(True, "no mail server is configured")
    where = f"{settings.host}:{settings.port}"
    try:
        Mailer(settings).probe()
    except smtplib.SMTPAuthenticationError:
        return Probe(False, f"{where} refused user or password", "Check smtp.user and smtp.password.")
    except (smtplib.SMTPException, OSError) as error:
        detail = f"{where} does not answer ({type(error).__name__})"
        return Probe(False, detail, "Check smtp.host, smtp.port and smtp.starttls.")
    return Probe(True, f"{where} answers")


def probe_webhook(url: str) -> Probe:
    """Ask the webhook's server for its headers; any answer shows that it is there. Posts nothing."""
    client = HttpClient(_QUICK)
    try:
        client.request("HEAD", url)
    except HttpError as error:
        if error.status is None:
            return Probe(False, f"{masked(url)}: {error.what}", error.remedy)
        return Probe(True, f"{masked(url)} answers ({error.status} to HEAD)")
    finally:
        client.close()
    return Probe(True, f"{masked(url)} answers")
