"""The HTTP client against a real server that misbehaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from earshot.core.settings import HttpSettings
from earshot.integrations.http import HttpClient, HttpError, masked
from earshot.security.rate_limit import TokenBucket
from loopback import Answer, Server, free_port, http_server

SETTINGS = HttpSettings(timeout_s=0.5, attempts=3, rate_per_s=1000, burst=1000)
TOKEN = "T0KEN-SECRET"


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as running:
        yield running


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def client(pauses) -> Iterator[HttpClient]:
    made = HttpClient(SETTINGS, sleep=pauses.append, wall=lambda: datetime(2026, 3, 29, 12, tzinfo=UTC))
    yield made
    made.close()


def test_an_answer_has_status_headers_and_address(server, client) -> None:
    server.script = [Answer(201, {"a": 1}, {"X-Kind": "b"})]
    answer = client.request("POST", f"{server.url}/{TOKEN}?key={TOKEN}", body={"n": "ü"}, headers={"X-Mine": "1"})
    assert (answer.status, answer.headers["x-kind"], answer.json()) == (201, "b", {"a": 1})
    assert answer.address == f"{server.url}/***"
    assert server.seen[0].json() == {"n": "ü"}
    assert server.seen[0].headers["x-mine"] == "1"


def test_a_server_that_fails_for_a_moment_is_tried_again(server, client, pauses) -> None:
    server.script = [Answer(500), Answer(503), Answer(200, b"ok")]
    assert client.request("GET", server.url).attempts == 3
    assert pauses == [0.5, 1.0]


def test_a_server_that_keeps_failing_ends_in_an_error_with_its_status(server, client) -> None:
    server.answer = lambda seen: Answer(502)
    with pytest.raises(HttpError) as caught:
        client.request("GET", server.url)
    assert caught.value.status == 502
    assert len(server.seen) == 3


def test_what_the_caller_did_wrong_is_not_tried_again(server, client) -> None:
    server.answer = lambda seen: Answer(404)
    with pytest.raises(HttpError) as caught:
        client.request("GET", server.url)
    assert (caught.value.status, len(server.seen)) == (404, 1)


@pytest.mark.parametrize(
    ("header", "pause"), [("7", 7.0), ("Sun, 29 Mar 2026 12:00:09 GMT", 9.0), ("soon", 0.5), ("-3", 0.5)]
)
def test_retry_after_is_obeyed_as_seconds_and_as_a_date(server, client, pauses, header, pause) -> None:
    server.script = [Answer(429, headers={"Retry-After": header})]
    client.request("GET", server.url)
    assert pauses == [pause]


def test_a_wait_that_is_too_long_is_handed_to_the_caller(server, client, pauses) -> None:
    server.answer = lambda seen: Answer(429, headers={"Retry-After": "3600"})
    with pytest.raises(HttpError) as caught:
        client.request("GET", server.url)
    assert (caught.value.retry_after_s, pauses, len(server.seen)) == (3600.0, [], 1)


@pytest.mark.parametrize(
    "answer",
    [Answer(delay_s=0.9), Answer(drop=True), Answer(body=b"x" * 40, drip_s=0.1)],
    ids=["time-out", "reset", "dripping body"],
)
def test_an_answer_that_does_not_come_is_tried_again_and_then_an_error(server, client, answer) -> None:
    server.answer = lambda seen: answer
    with pytest.raises(HttpError, match="No answer") as caught:
        client.request("GET", server.url)
    assert caught.value.status is None
    server.script = [answer]
    server.answer = lambda seen: Answer(200)
    assert client.request("GET", server.url).attempts == 2


def test_a_server_that_is_not_there_is_an_error(client) -> None:
    with pytest.raises(HttpError, match="the connection failed"):
        client.request("GET", f"http://127.0.0.1:{free_port()}/{TOKEN}")


def test_redirects_are_not_followed(server, client) -> None:
    server.answer = lambda seen: Answer(302, headers={"Location": "http://169.254.169.254/"})
    with pytest.raises(HttpError) as caught:
        client.request("POST", server.url, body={})
    assert (caught.value.status, len(server.seen)) == (302, 1)


@pytest.mark.parametrize("url", ["no address", "ftp://x/", "http://[", "http://\x00/", ""])
def test_what_is_no_address_is_an_error_without_a_traceback(client, url) -> None:
    with pytest.raises(HttpError):
        client.request("GET", url)


def test_broken_json_is_an_error(server, client) -> None:
    server.answer = lambda seen: Answer(200, b'{"a":')
    with pytest.raises(HttpError, match="no JSON"):
        client.request("GET", server.url).json()


@pytest.mark.parametrize("status", [403, 503])
def test_no_error_tells_what_is_secret_in_an_address(server, client, status, capfd, caplog) -> None:
    caplog.set_level(0)
    server.answer = lambda seen: Answer(status)
    secret_url = server.url.replace("http://", f"http://user:{TOKEN}@") + f"/{TOKEN}?key={TOKEN}"
    with pytest.raises(HttpError) as caught:
        client.request("GET", secret_url, params={"api_key": TOKEN}, headers={"Authorization": TOKEN})
    captured = capfd.readouterr()
    assert TOKEN not in f"{caught.value} {caught.value!r} {caplog.text} {captured.out} {captured.err}"
    assert TOKEN not in masked(secret_url)


def test_calls_share_a_token_bucket(server) -> None:
    waits: list[float] = []
    bucket = TokenBucket(10, 2, clock=lambda: 0.0, sleep=waits.append)
    for _ in range(2):
        client = HttpClient(SETTINGS, bucket=bucket)
        client.request("GET", server.url)
        client.request("GET", server.url)
        client.close()
    assert waits == pytest.approx([0.1, 0.2])


def test_tries_wait_their_turn_too(server) -> None:
    waits: list[float] = []
    client = HttpClient(SETTINGS, bucket=TokenBucket(1, 1, clock=lambda: 0.0, sleep=waits.append), sleep=lambda s: None)
    server.script = [Answer(500), Answer(500)]
    client.request("GET", server.url)
    client.close()
    assert waits == [1.0, 2.0]
