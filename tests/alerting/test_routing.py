"""Inhibition, silences, routes, groups and what is still to be told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from earshot.alerting.dispatch import Delivery, compose
from earshot.alerting.inhibition import inhibit
from earshot.alerting.matchers import parse_matchers
from earshot.alerting.routing import Sent, SentLog, Told, group_key, member_of
from earshot.alerting.rules import Rulebook
from earshot.alerting.silences import Silence, add_silence, expire_silence, read_silences, silencing
from earshot.core.alerts import Alert, Contributor, Evidence
from earshot.core.errors import ArgumentError
from earshot.core.small_tables import SmallTables

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BOOK = Rulebook.model_validate(
    {
        "families": {"volume": ["listens", "skips"]},
        "routes": [
            {"name": "hints", "match": ["severity=info"], "channels": ["file"]},
            {"name": "all", "match": ["alertname=kpi"], "group_by": ["alertname", "family"]},
        ],
    }
)


def alert(fingerprint: str = "f", metric: str = "listens", *, state: str = "firing", **changed) -> Alert:
    dimensions = changed.pop("dimensions", {})
    contributors = tuple(Contributor(name=k, value=v) for k, v in changed.pop("contributors", ()))
    start = changed.pop("starts_at", NOON)
    end = changed.pop("ends_at", start + HOUR)
    values = {
        "fingerprint": fingerprint,
        "rule": "kpi",
        "severity": "warning",
        "state": state,
        "labels": {"metric": metric, "family": "volume", "grain": "hour", **dimensions},
        "summary": "s",
        "evidence": Evidence(last=end, contributors=contributors),
        "starts_at": start,
        "ends_at": end if state == "resolved" else None,
        "updated_at": NOON + HOUR,
        **changed,
    }
    return Alert.model_validate(values)


def speakers(*alerts: Alert) -> dict[str, str]:
    return {told.fingerprint: told.evidence.inhibited_by for told in inhibit(alerts, BOOK)}


def test_a_countrys_outage_speaks_for_its_devices() -> None:
    country = alert("country", dimensions={"country": "BR"})
    device = alert("device", dimensions={"country": "BR", "device": "ios"})
    elsewhere = alert("elsewhere", dimensions={"country": "DE", "device": "ios"})
    assert speakers(country, device, elsewhere) == {"country": "", "device": "country", "elsewhere": ""}


def test_the_first_metric_of_a_family_speaks_for_the_others() -> None:
    assert speakers(alert("a", "skips"), alert("b", "listens")) == {"a": "b", "b": ""}


def test_the_total_does_not_speak_for_a_slice_that_it_does_not_name() -> None:
    total = alert("total", contributors=[("country", "BR")])
    named = alert("named", dimensions={"country": "BR"})
    other = alert("other", dimensions={"country": "DE"})
    assert speakers(total, named, other) == {"total": "", "named": "total", "other": ""}


@pytest.mark.parametrize(
    "parent",
    [
        alert("p", state="pending"),
        alert("p", severity="info"),
        alert("p", state="resolved", starts_at=NOON - 5 * HOUR),
        alert("p", rule="another"),
    ],
    ids=["pending", "less severe", "long over", "another rule"],
)
def test_an_alert_that_is_pending_milder_over_or_of_another_rule_speaks_for_nobody(parent) -> None:
    assert speakers(parent, alert("child", dimensions={"country": "BR"}))["child"] == ""


def test_inhibition_is_undone_when_the_speaker_goes() -> None:
    child = alert("child", dimensions={"country": "BR"})
    (_, told) = inhibit([alert("parent"), child], BOOK)
    assert told.evidence.inhibited_by == "parent"
    assert inhibit([told], BOOK) == [child]


def test_what_goes_on_after_its_speaker_is_over_is_told_of() -> None:
    parent = alert("parent", state="resolved")
    brief = alert("brief", dimensions={"country": "BR"}, ends_at=NOON + 2 * HOUR)
    lasting = alert("lasting", dimensions={"country": "BR"}, ends_at=NOON + 9 * HOUR)
    assert speakers(parent, brief, lasting) == {"parent": "", "brief": "parent", "lasting": ""}


INHIBIT = {
    "name": "outage",
    "source": ["family=volume", "severity=critical"],
    "target": ["family!=volume"],
    "within": True,
}


def spoken_for(rule: dict, *alerts: Alert) -> dict[str, str]:
    book = BOOK.model_validate({**BOOK.model_dump(), "inhibit": [rule]})
    return {told.fingerprint: told.evidence.inhibited_by for told in inhibit(alerts, book)}


def other(fingerprint: str, **changed) -> Alert:
    made = alert(fingerprint, "startup_ms_p95", **changed)
    return made.model_copy(update={"labels": {**made.labels, "family": "starting"}})


def test_a_countrys_outage_speaks_for_the_other_metrics_of_its_slices() -> None:
    outage = alert("outage", severity="critical", dimensions={"country": "BR"})
    there = other("there", dimensions={"country": "BR", "device": "ios"})
    elsewhere = other("elsewhere", dimensions={"country": "DE"})
    found = spoken_for(INHIBIT, outage, there, elsewhere)
    assert found == {"outage": "", "there": "outage", "elsewhere": ""}
    milder = alert("outage", dimensions={"country": "BR"})
    assert spoken_for(INHIBIT, milder, there)["there"] == ""


def test_an_inhibition_asks_for_equal_labels_and_missing_ones_are_equal() -> None:
    rule = {"name": "x", "source": ["severity=critical"], "target": ["severity=warning"], "equal": ["country", "cdn"]}
    loud = alert("loud", rule="r", severity="critical", dimensions={"country": "BR"})
    same = other("same", dimensions={"country": "BR"})
    different = other("different", rule="q", dimensions={"country": "BR", "cdn": "alpha"})
    assert spoken_for(rule, loud, same, different) == {"loud": "", "same": "loud", "different": ""}


def test_alerts_that_are_source_and_target_do_not_silence_each_other() -> None:
    rule = {"name": "x", "source": ["severity=critical"], "target": ["alertname=~k.*"]}
    one, two = (other(name, severity="critical") for name in ("one", "two"))
    assert spoken_for(rule, one, two) == {"one": "", "two": ""}
    assert spoken_for(rule, one, other("mild")) == {"one": "", "mild": "one"}


def silence(*matchers: str, starts_at=NOON, ends_at=NOON + 3 * HOUR) -> Silence:
    return Silence("s1", parse_matchers(matchers), "anna", "release", starts_at, ends_at)


def test_a_silence_holds_while_the_clock_is_within_it() -> None:
    long_one = alert(starts_at=NOON - 9 * HOUR, ends_at=NOON + HOUR)
    held = silence("metric=listens")
    assert silencing(long_one, [held], NOON + HOUR) is held
    assert silencing(long_one, [held], NOON + 3 * HOUR) is None
    assert silencing(alert(metric="skips"), [held], NOON + HOUR) is None


def test_a_maintenance_window_silences_what_lies_within_it_whenever_it_is_judged() -> None:
    assert silencing(alert(state="resolved"), [silence("metric=listens")], NOON + 1000 * HOUR)


def test_silences_are_kept_expire_and_are_refused_when_they_make_no_sense(tmp_path) -> None:
    tables = SmallTables(str(tmp_path))
    made = add_silence(tables, ["country=BR"], author="a", reason="r", starts_at=NOON, ends_at=NOON + HOUR)
    assert read_silences(tables) == [made]
    assert expire_silence(tables, made.silence_id, NOON + HOUR / 2).ends_at == NOON + HOUR / 2
    assert read_silences(tables)[0].ends_at == NOON + HOUR / 2
    with pytest.raises(ArgumentError, match="no silence"):
        expire_silence(tables, "nope", NOON)
    with pytest.raises(ArgumentError, match="ends before"):
        add_silence(tables, ["country=BR"], author="a", reason="r", starts_at=NOON, ends_at=NOON)
    with pytest.raises(ArgumentError, match="needs a matcher"):
        add_silence(tables, [], author="a", reason="r", starts_at=NOON, ends_at=NOON + HOUR)


GROUP = group_key("all", {"alertname": "kpi", "family": "volume"})


def said(*alerts: Alert, channel: str = "file", key: str = GROUP, at=NOON) -> Sent:
    """A message of the outbox."""
    members = tuple(Told.parse(member_of(one)) for one in alerts)
    return Sent(f"d{at:%H%M}", channel, key, at, at, members)


def due(**changed) -> Delivery:
    return Delivery(**{"now": NOON + 12 * HOUR, "wall": NOON + 12 * HOUR, **changed})


def test_one_group_is_one_message_to_each_channel_of_its_route() -> None:
    alerts = [alert("a"), alert("b", severity="critical"), alert("c", severity="info")]
    messages = compose(alerts, BOOK, ("file", "webhook"), SentLog([]), due())
    assert [(m.channel, [a.fingerprint for a in m.alerts]) for m in messages] == [
        ("file", ["b", "a"]),
        ("file", ["c"]),
        ("webhook", ["b", "a"]),
    ]
    assert messages[0].group_labels == {"alertname": "kpi", "family": "volume"}
    assert len({message.delivery_id for message in messages}) == 3


def test_the_delivery_id_depends_on_what_is_said_and_to_whom_and_not_on_order() -> None:
    def ids(*alerts: Alert, channel: str = "file") -> list[str]:
        return [message.delivery_id for message in compose(alerts, BOOK, (channel,), SentLog([]), due())]

    assert ids(alert("a"), alert("b")) == ids(alert("b"), alert("a"))
    assert ids(alert("a")) != ids(alert("a"), channel="webhook")
    assert ids(alert("a")) != ids(alert("a", state="resolved"))


def test_nobody_is_told_twice() -> None:
    told = [said(alert("a"))]
    assert compose([alert("a")], BOOK, ("file",), SentLog(told), due()) == []


def test_an_alert_that_becomes_more_severe_is_told_again() -> None:
    told = [said(alert("a"))]
    assert len(compose([alert("a", severity="critical")], BOOK, ("file",), SentLog(told), due())) == 1


def test_the_end_is_told_to_those_who_know_of_the_beginning() -> None:
    told = [said(alert("a"))]
    over = alert("a", state="resolved")
    known = {("a", NOON)}
    (message,) = compose([over], BOOK, ("file", "webhook"), SentLog(told), due(known=known, wall=NOON + 99 * HOUR))
    assert (message.channel, message.status) == ("file", "resolved")


def test_an_episode_that_grew_backwards_is_not_told_again() -> None:
    told = [said(alert("a"))]
    assert compose([alert("a", starts_at=NOON - HOUR)], BOOK, ("file",), SentLog(told), due()) == []


def test_what_was_over_before_anybody_looked_is_told_once_while_it_is_news() -> None:
    over = alert("a", state="resolved")
    assert len(compose([over], BOOK, ("file",), SentLog([]), due())) == 1
    assert compose([over], BOOK, ("file",), SentLog([]), due(known={("a", NOON)})) == []
    late = NOON + 30 * HOUR
    assert compose([over], BOOK, ("file",), SentLog([]), due(wall=late)) == []
    assert len(compose([over], BOOK, ("file",), SentLog([]), due(wall=late, notify=True))) == 1


def test_pending_alerts_and_alerts_without_a_route_are_told_to_nobody() -> None:
    assert compose([alert(state="pending"), alert(rule="unrouted")], BOOK, ("file",), SentLog([]), due()) == []
