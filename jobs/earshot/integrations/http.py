"""The one HTTP client: sees status, headers and address, waits its turn, tries again, hides secrets."""

from __future__ import annotations

import email.utils
import json
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from earshot.core.errors import DependencyError
from earshot.core.settings import HttpSettings
from earshot.security.rate_limit import TokenBucket

# httpx logs every address at INFO, with the tokens in it.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_TRY_AGAIN = frozenset({408, 425, 429})
_FIRST_REFUSAL = 400
_SERVER_ERRORS = 500
_FIRST_ERROR = 300
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_LARGEST_BODY = 16 * 1024 * 1024

Model = TypeVar("Model", bound=BaseModel)


class HttpError(DependencyError):
    """A call that did not succeed after every try; address masked.

    Args:
        what: What was wrong.
        where: Method and masked address.
        remedy: What to do.
        status: The last status; None where no answer came.
        retry_after_s: Seconds that the server asked to wait.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        remedy: str = "",
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.status = status
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Response:
    """An answer.

    Attributes:
        status: HTTP status, 200 to 299.
        headers: Names in lower case.
        address: Where it came from, masked.
        body: The bytes.
        attempts: Calls that it took.
    """

    status: int
    headers: Mapping[str, str]
    address: str
    body: bytes = field(repr=False)
    attempts: int = 1

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            HttpError: It is none.
        """
        try:
            return json.loads(self.body)
        except ValueError:
            raise HttpError(
                "The answer is no JSON.", where=self.address, remedy="Look at what answers there.", status=self.status
            ) from None

    def parsed(self, model: type[Model]) -> Model:
        """The body as JSON of this shape; keys that the model does not have are left out.

        Raises:
            HttpError: It is no JSON, or has another shape.
        """
        try:
            return model.model_validate(self.json())
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"])) or "the whole"
            raise HttpError(
                f"The answer has another shape than documented: {key}.",
                where=self.address,
                remedy="Look at what answers there.",
                status=self.status,
            ) from None


def masked(url: str) -> str:
    """The address without what may be secret: user, path and query."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        return "an address that cannot be read"
    port = f":{parsed.port}" if parsed.port else ""
    rest = "/***" if parsed.path.strip("/") or parsed.query else "/"
    return f"{parsed.scheme}://{parsed.host}{port}{rest}"


class HttpClient:
    """Calls with a time limit, a token bucket, and tries with exponential back-off.

    Connection errors, time-outs, 408, 425, 429 and 5xx are tried again; a Retry-After is obeyed, and where it
    asks for more than `longest_pause_s` the call ends and the error carries it. Redirects are not
    followed: they would carry keys to strangers.

    Args:
        settings: Time-out, tries, rate and burst.
        bucket: Shared rate limit; by default one of its own with the rate of the settings.
        attempts: Tries, instead of those of the settings.
        user_agent: How the client calls itself.
        longest_pause_s: The longest wait between two tries.
        sleep: Waits so many seconds.
        clock: Seconds that never go back.
        wall: Wall time, for Retry-After with a date.
    """

    def __init__(
        self,
        settings: HttpSettings,
        *,
        bucket: TokenBucket | None = None,
        attempts: int | None = None,
        user_agent: str = "earshot/0.1",
        longest_pause_s: float = _LONGEST_PAUSE_S,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._timeout_s = settings.timeout_s
        self._attempts = attempts or settings.attempts
        self._bucket = bucket or TokenBucket(settings.rate_per_s, settings.burst, clock, sleep)
        self._longest_pause_s = longest_pause_s
        self._sleep = sleep
        self._clock = clock
        self._wall = wall
        self._client = httpx.Client(
            timeout=httpx.Timeout(settings.timeout_s), follow_redirects=False, headers={"User-Agent": user_agent}
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        body: object = None,
        form: Mapping[str, str] | None = None,
    ) -> Response:
        """Call, and try again where that may help.

        Each try has the same body and headers.

        Args:
            method: GET, POST, ...
            url: The address.
            headers: More headers.
            params: Query parameters.
            body: Sent as JSON, if given; bytes as they are.
            form: Sent as a form, if given.

        Raises:
            HttpError: No answer with a status of 200 to 299 came.
        """
        where = f"{method} {masked(url)}"
        error = HttpError("It was not tried.", where=where)
        sent = as_json(body)
        if sent is not None:
            headers = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
        for attempt in range(1, self._attempts + 1):
            self._bucket.acquire()
            try:
                status, received, content = self._once(method, url, headers, params, sent, form)
            except httpx.HTTPError as failure:
                error = HttpError(
                    f"No answer: {_spoken(failure)}.", where=where, remedy="Check the address and the network."
                )
            except (httpx.InvalidURL, UnicodeError, ValueError):
                raise HttpError("The address cannot be read.", where=where, remedy="Mend the address.") from None
            else:
                if status < _FIRST_ERROR:
                    return Response(status, received, masked(url), content, attempt)
                error = self._refused(status, received, where)
                if status not in _TRY_AGAIN and status < _SERVER_ERRORS:
                    raise error
            pause = max(_FIRST_PAUSE_S * 2 ** (attempt - 1), error.retry_after_s or 0.0)
            if attempt == self._attempts or pause > self._longest_pause_s:
                break
            self._sleep(pause)
        raise error

    def _once(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        params: Mapping[str, str] | None,
        body: bytes | None,
        form: Mapping[str, str] | None,
    ) -> tuple[int, dict[str, str], bytes]:
        """One call; the whole answer must be there within the time limit, however slowly it drips."""
        deadline = self._clock() + self._timeout_s
        target, more, extensions = self._target(url)
        with self._client.stream(
            method,
            target,
            headers={**(headers or {}), **more},
            params=params,
            content=body,
            data=form,
            extensions=extensions,
        ) as answer:
            content = bytearray()
            for piece in answer.iter_bytes():
                content += piece
                if self._clock() > deadline:
                    raise httpx.ReadTimeout("the answer took too long")
                if len(content) > _LARGEST_BODY:
                    raise httpx.RemoteProtocolError("the answer is too large")
            return answer.status_code, {key.lower(): value for key, value in answer.headers.items()}, bytes(content)

    def _target(self, url: str) -> tuple[str | httpx.URL, Mapping[str, str], dict[str, Any]]:
        """Where a call goes, with the headers and httpx's extensions that it takes."""
        return url, {}, {}

    def _refused(self, status: int, headers: Mapping[str, str], where: str) -> HttpError:
        if status < _FIRST_REFUSAL:
            remedy = "It redirects, which is not followed: name the address to which it leads."
        elif status < _SERVER_ERRORS and status not in _TRY_AGAIN:
            remedy = "Check address and key; trying again will not help."
        else:
            remedy = "Try again later."
        return HttpError(
            f"The server answered {status}.",
            where=where,
            remedy=remedy,
            status=status,
            retry_after_s=self._retry_after(headers.get("retry-after", "")),
        )

    def _retry_after(self, value: str) -> float | None:
        """Seconds from `120` or an HTTP date; None where the header is missing or unreadable."""
        try:
            return max(0.0, float(int(value)))
        except ValueError:
            pass
        try:
            moment = email.utils.parsedate_to_datetime(value)
        except (ValueError, TypeError):
            return None
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (aware - self._wall()).total_seconds())


def as_json(body: object) -> bytes | None:
    """The bytes of a JSON body; what is bytes already stays."""
    if body is None or isinstance(body, bytes):
        return body
    return json.dumps(body, ensure_ascii=False).encode()


def _spoken(failure: httpx.HTTPError) -> str:
    cause: BaseException | None = failure
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return f"its TLS certificate or protocol was not accepted ({cause.reason or 'handshake failed'})"
        cause = cause.__cause__ or cause.__context__
    kinds = {
        httpx.ConnectTimeout: "the connection timed out",
        httpx.ConnectError: "the connection failed",
        httpx.ReadTimeout: "the answer took too long",
        httpx.TimeoutException: "it timed out",
        httpx.RemoteProtocolError: "the connection broke off",
        httpx.UnsupportedProtocol: "the address needs http:// or https://",
    }
    return next((text for kind, text in kinds.items() if isinstance(failure, kind)), type(failure).__name__)
