"""Webhooks do not lead inside: whatever the address looks like, and wherever its name points a moment later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from certificates import make_certificate, server_context
from earshot.core.settings import HttpSettings
from earshot.integrations.address_guard import AddressGuard
from earshot.integrations.guarded_http import GuardedClient
from earshot.integrations.http import HttpError
from loopback import Answer, Server, http_server

SETTINGS = HttpSettings(timeout_s=2.0, attempts=2, rate_per_s=1000, burst=1000)
LOOPBACK = "127.0.0.0/8"


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as running:
        yield running


class Names:
    """A resolver whose answers a test gives, one after the other; the last one stays."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def client(guard: AddressGuard) -> GuardedClient:
    return GuardedClient(SETTINGS, guard, sleep=lambda s: None)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "fc00::1",
        "::ffff:169.254.169.254",
        "::ffff:7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "ff02::1",
    ],
)
def test_an_address_inside_is_refused_and_the_setting_is_named(address: str) -> None:
    with pytest.raises(HttpError, match="private, local or metadata") as caught:
        AddressGuard(resolve=Names([address])).pinned("https://hooks.example.org/T0/SECRET")
    assert "alerts.allow_networks" in caught.value.remedy
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://[::1]/", "http://2130706433/", "http://0x7f.1/", "http://localhost/"]
)
def test_other_spellings_of_loopback_are_refused_too(url: str) -> None:
    with pytest.raises(HttpError):
        AddressGuard().pinned(url)


@pytest.mark.parametrize("url", ["ftp://example.org/", "file:///etc/passwd", "gopher://example.org/"])
def test_only_http_is_called(url: str) -> None:
    with pytest.raises(HttpError, match="http"):
        AddressGuard(resolve=Names(["93.184.215.14"])).pinned(url)


def test_one_address_inside_is_enough_to_refuse_a_name() -> None:
    with pytest.raises(HttpError):
        AddressGuard(resolve=Names(["93.184.215.14", "10.0.0.1"])).pinned("https://hooks.example.org/")


def test_a_public_address_is_pinned_and_keeps_its_name() -> None:
    names = Names(["93.184.215.14"])
    pinned = AddressGuard(resolve=names).pinned("https://hooks.example.org:8443/T0/x?y=z")
    assert str(pinned.url) == "https://93.184.215.14:8443/T0/x?y=z"
    assert pinned.headers == {"Host": "hooks.example.org:8443"}
    assert pinned.extensions == {"sni_hostname": "hooks.example.org"}
    assert names.asked == ["hooks.example.org"]
    assert str(AddressGuard(resolve=Names(["2606:2800:21f::1"])).pinned("http://x.org/").url).startswith("http://[2606")


def test_networks_of_the_settings_are_allowed_and_no_others() -> None:
    guard = AddressGuard(["10.0.0.0/8"], resolve=Names(["10.1.2.3"]))
    assert guard.pinned("http://hooks.internal/").url.host == "10.1.2.3"
    with pytest.raises(HttpError):
        AddressGuard(["10.0.0.0/8"], resolve=Names(["192.168.0.1"])).pinned("http://hooks.internal/")


def test_what_runs_beside_us_may_be_private_but_no_metadata_service() -> None:
    assert AddressGuard(private=True, resolve=Names(["10.1.2.3"])).pinned("http://alertmanager:9093/")
    for metadata in ("169.254.169.254", "fd00:ec2::254", "fe80::1"):
        with pytest.raises(HttpError):
            AddressGuard(private=True, resolve=Names([metadata])).pinned("http://alertmanager:9093/")


def test_a_name_that_is_bound_anew_leads_nowhere_else(server: Server) -> None:
    """The address that was judged is the one that is called: another answer of the resolver is not asked for."""
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    guarded = client(AddressGuard([LOOPBACK], resolve=names))
    url = server.url.replace("127.0.0.1", "hooks.example.org")
    assert guarded.request("POST", url, body={}).status == 200
    assert server.seen[0].headers["host"].startswith("hooks.example.org:")
    assert names.asked == ["hooks.example.org"]
    with pytest.raises(HttpError, match=r"169\.254\.169\.254"):
        guarded.request("POST", url, body={})
    assert len(server.seen) == 1


def test_a_try_again_is_judged_again(server: Server) -> None:
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    server.answer = lambda seen: Answer(503)
    with pytest.raises(HttpError, match=r"10\.0\.0\.1"):
        client(AddressGuard([LOOPBACK], resolve=names)).request("POST", server.url.replace("127.0.0.1", "a.example"))
    assert len(server.seen) == 1


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest/meta-data/", "/elsewhere"])
def test_a_redirect_is_not_followed(server: Server, target: str) -> None:
    server.answer = lambda seen: Answer(302, headers={"Location": target})
    with pytest.raises(HttpError, match="302") as caught:
        client(AddressGuard([LOOPBACK])).request("POST", server.url, body={})
    assert "redirects" in caught.value.remedy
    assert len(server.seen) == 1


def test_a_name_that_does_not_resolve_is_no_answer() -> None:
    def nothing(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    with pytest.raises(HttpError, match="does not resolve"):
        AddressGuard(resolve=nothing).pinned("https://hooks.example.org/")


def test_tls_is_checked_against_the_name_although_the_call_goes_to_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "hooks.example.org"
    with http_server(server_context(tmp_path, name)) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / f"{name}.pem"))
        guard = AddressGuard([LOOPBACK], resolve=Names(["127.0.0.1"]))
        url = server.url.replace("127.0.0.1", name)
        assert client(guard).request("POST", url, body={}).status == 200
        with pytest.raises(HttpError, match="TLS"):
            client(guard).request("POST", server.url.replace("127.0.0.1", "other.example.org"), body={})


@pytest.mark.parametrize("days", [-1, 1], ids=["expired", "signed by itself"])
def test_a_certificate_that_is_not_trusted_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    name = "hooks.example.org"
    with http_server(server_context(tmp_path, name, days=days)) as server:
        if days < 0:
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / f"{name}.pem"))
        else:
            monkeypatch.setenv("SSL_CERT_FILE", str(make_certificate(tmp_path, "another.example.org")[0]))
        guard = AddressGuard([LOOPBACK], resolve=Names(["127.0.0.1"]))
        with pytest.raises(HttpError, match="TLS certificate"):
            client(guard).request("POST", server.url.replace("127.0.0.1", name), body={})
    assert server.seen == []
