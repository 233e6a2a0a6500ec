"""Connections that other people's code makes are judged one by one, when they are made."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
import requests

from earshot.core.config import load_settings
from earshot.core.settings import AlertSettings
from earshot.integrations.address_guard import AddressGuard
from earshot.integrations.connection_guard import ActionGuard, guarded
from earshot.integrations.http import HttpError
from loopback import Answer, Server, http_server

METADATA = "169.254.169.254"


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as running:
        yield running


def test_a_call_inside_is_refused_before_anything_is_sent(server: Server) -> None:
    with guarded(AddressGuard()), pytest.raises(HttpError, match=r"127\.0\.0\.1 is a private") as caught:
        requests.post(server.url, json={}, timeout=2)
    assert "alerts.allow_networks" in caught.value.remedy
    assert server.seen == []


def test_a_name_is_judged_by_where_it_leads(server: Server) -> None:
    url = server.url.replace("127.0.0.1", "localhost")
    with guarded(AddressGuard()), pytest.raises(HttpError, match="private, local or metadata"):
        requests.post(url, json={}, timeout=2)
    with guarded(AddressGuard(["127.0.0.0/8", "::1/128"])):
        assert requests.post(url, json={}, timeout=2).status_code == 200


def test_a_redirect_is_judged_too(server: Server) -> None:
    server.answer = lambda seen: Answer(302, headers={"Location": f"http://{METADATA}/latest"})
    with guarded(AddressGuard(["127.0.0.0/8"])), pytest.raises(HttpError, match=METADATA):
        requests.get(server.url, timeout=2)


def test_only_the_thread_and_the_time_of_the_guard_are_guarded(server: Server) -> None:
    beside: list[int] = []

    def call() -> None:
        beside.append(requests.get(server.url, timeout=2).status_code)

    with guarded(AddressGuard()):
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
    call()
    assert beside == [200, 200]


def test_a_proxy_of_the_environment_is_trusted(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    with guarded(AddressGuard()):
        assert requests.get("http://hooks.example.org/x", timeout=2).status_code == 200
    assert server.seen[0].headers["host"] == "hooks.example.org"


def connects(guard: ActionGuard, kind: str, host: str) -> bool:
    """Whether an action of the type gets as far as the network."""
    with guard(kind), socket.socket() as plug:
        plug.settimeout(0.05)
        try:
            plug.connect((host, 9))
        except HttpError:
            return False
        except OSError:
            return True
    return True


@pytest.mark.parametrize(
    ("kind", "loopback", "metadata"),
    [
        ("slack", False, False),
        ("microsoft", False, False),
        ("opsgenie", False, False),
        ("pagerduty", False, False),
        ("email", True, False),
        ("sns", True, True),
        ("our.actions:Ticket", True, True),
    ],
)
def test_each_type_reaches_what_it_needs(kind: str, loopback: bool, metadata: bool) -> None:
    guard = ActionGuard(load_settings().alerts)
    assert (connects(guard, kind, "127.0.0.1"), connects(guard, kind, METADATA)) == (loopback, metadata)
    assert connects(ActionGuard(AlertSettings(allow_networks=("127.0.0.0/8",))), kind, "127.0.0.1")
