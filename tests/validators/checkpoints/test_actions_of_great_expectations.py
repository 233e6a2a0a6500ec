"""Great Expectations' own actions before real servers: what arrives, and what is told where nothing does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from great_expectations.checkpoint.actions import APINotificationAction
from moto.server import ThreadedMotoServer

from loopback import Answer, Server, free_port

Make = Callable[..., Any]


class Mailbox:
    """Takes every mail, or none."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.answer = "250 taken"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(envelope)
        return self.answer


@pytest.fixture
def mail() -> Iterator[tuple[Mailbox, int]]:
    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


def slack(server: Server, **more: Any) -> dict[str, Any]:
    return {"type": "slack", "slack_webhook": f"{server.url}/services/T0/SECRET"} | more


def teams(server: Server, **more: Any) -> dict[str, Any]:
    return {"type": "microsoft", "teams_webhook": f"{server.url}/workflows/SECRET"} | more


def test_slack_is_told_of_the_batch_the_figures_and_the_page(gate: Make, server: Server) -> None:
    here = gate(slack(server))
    here.judge("b1", 600)
    assert here.follow() == {"actions": 1}
    (call,) = server.seen
    assert call.path == "/services/T0/SECRET"
    text = json.dumps(call.json())
    assert "slack - gate refused batch b1 - Failure" in text
    assert "*41* of *43* Expectations were met" in text
    assert "<https://reports.example.org/daily/data_docs/validations/silver_listens/refused/" in text


def test_teams_is_told_with_the_address_of_the_page(gate: Make, server: Server) -> None:
    here = gate(teams(server))
    here.judge("b1")
    assert here.follow() == {"actions": 1}
    text = json.dumps(server.seen[0].json())
    assert "gate admitted batch b1" in text
    assert "https://reports.example.org/daily/data_docs/validations/silver_listens/admitted/" in text


def test_mail_arrives(gate: Make, mail: tuple[Mailbox, int]) -> None:
    box, port = mail
    action = {"type": "email", "smtp_address": "127.0.0.1", "smtp_port": port, "receiver_emails": "a@b.example"}
    here = gate(action | {"sender_alias": "earshot@b.example"}, allow=())
    here.judge("b1", 600)
    assert here.follow() == {"actions": 1}
    (envelope,) = box.taken
    assert envelope.rcpt_tos == ["a@b.example"]
    assert b"Subject: gate refused batch b1: False" in envelope.content
    box.answer = "550 not here"
    here.judge("b2", 600)
    assert "550" in here.follow()["actions_failed"]


def test_sns_is_told(gate: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    server = ThreadedMotoServer("127.0.0.1", free_port(), verbose=False)
    server.start()
    try:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*server.get_host_and_port()))
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        import boto3  # noqa: PLC0415 (after the variables)

        topic = boto3.client("sns").create_topic(Name="gate")["TopicArn"]
        here = gate({"type": "sns", "sns_topic_arn": topic}, {"type": "sns", "name": "nobody", "sns_topic_arn": "x"})
        here.judge("b1")
        facts = here.follow()
        assert facts["actions"] == 1
        assert facts["actions_failed"].startswith("nobody: ")
    finally:
        server.stop()


@pytest.mark.parametrize("notify_on", ["failure", "warning"])
def test_what_an_action_need_not_tell_is_no_failure(gate: Make, server: Server, notify_on: str) -> None:
    here = gate(slack(server, notify_on="success"), teams(server, notify_on="info"), teams(server, name="t"))
    here.judge("b1")
    assert here.follow() == {"actions": 3}
    assert [call.path for call in server.seen] == ["/workflows/SECRET"]
    server.seen.clear()
    more = gate(slack(server, notify_on=notify_on))
    more.judge("b2")
    assert more.follow() == {"actions": 1}
    assert len(server.seen) == 1


@pytest.mark.parametrize("make", [slack, teams])
def test_what_a_server_does_not_take_is_tried_again_and_no_address_is_repeated(
    gate: Make, server: Server, make: Callable[..., dict[str, Any]], capfd: pytest.CaptureFixture[str]
) -> None:
    server.script = [Answer(500, body=b"out of order"), Answer(drop=True)]
    here = gate(make(server))
    here.judge("b1")
    assert "500" in here.follow()["actions_failed"]
    assert "Failed to connect" in here.follow()["actions_failed"]
    assert here.follow() == {"actions": 1}
    assert len(server.seen) == 3
    told = capfd.readouterr()
    assert "SECRET" not in told.out + told.err


def test_a_server_that_does_not_answer_is_left_in_time(gate: Make, server: Server) -> None:
    server.answer = lambda seen: Answer(delay_s=1.5)
    here = gate(slack(server, timeout_s=0.3))
    here.judge("b1")
    assert here.follow() == {"actions_failed": "slack: It did not end within 0.3 s"}


def test_secrets_come_from_variables(gate: Make, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_SLACK", f"{server.url}/services/T0/SECRET")
    here = gate({"type": "slack", "slack_webhook_env": "DATA_SLACK"})
    here.judge("b1")
    assert here.follow() == {"actions": 1}
    assert server.seen[0].path == "/services/T0/SECRET"


def test_a_webhook_inside_is_not_called_unless_its_network_is_named(gate: Make, server: Server) -> None:
    here = gate(slack(server), teams(server), allow=())
    here.judge("b1")
    failed = here.follow()["actions_failed"]
    assert failed.count("127.0.0.1 is a private, local or metadata address; it is not called") == 2
    assert 'alerts.allow_networks = ["127.0.0.1/32"]' in failed
    assert server.seen == []


def test_a_redirect_leads_to_no_metadata_service(gate: Make, server: Server) -> None:
    server.answer = lambda seen: Answer(307, headers={"Location": "http://169.254.169.254/latest/meta-data/"})
    here = gate(slack(server))
    here.judge("b1")
    assert "169.254.169.254 is a private, local or metadata address" in here.follow()["actions_failed"]


def test_great_expectations_own_api_action_still_fails_on_every_result(server: Server) -> None:
    """When this fails, `api` can be offered."""
    action = APINotificationAction(name="api", url=server.url)
    payload = [action.create_payload("batch", "suite", [])]
    with pytest.raises(ValueError, match="too many values"):
        action.send_results(payload)
    assert server.seen == []
