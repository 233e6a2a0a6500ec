"""CMCD (CTA-5004): what a payload may say, and where a query or an object carries it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earshot.importers.cmcd_payload import payload_of_query, read_object, read_payload
from earshot.importers.faults import Faults

SID = "6e2fb550-c457-11e9-bb97-0800200c9a66"


def told(text: str) -> dict[str, Any]:
    faults = Faults()
    found = read_payload(text, faults)
    assert not faults
    return found


def cause(text: str) -> tuple[str, str]:
    faults = Faults()
    read_payload(text, faults)
    ((fault, why),) = faults.items()
    return fault, why


def test_every_key_of_version_1_has_its_type() -> None:
    assert told(
        'bl=21300,br=3200,bs,cid="track-17",d=4004,dl=18500,mtp=25400,nor="..%2F300kbps%2Fsegment35.m4a",'
        f'nrr="12323-48763",ot=a,pr=1.08,rtp=15000,sf=h,sid="{SID}",st=v,su,tb=6000,v=1'
    ) == {
        "bl": 21_300,
        "br": 3_200,
        "bs": True,
        "cid": "track-17",
        "d": 4_004,
        "dl": 18_500,
        "mtp": 25_400,
        "nor": "..%2F300kbps%2Fsegment35.m4a",
        "nrr": "12323-48763",
        "ot": "a",
        "pr": Decimal("1.08"),
        "rtp": 15_000,
        "sf": "h",
        "sid": SID,
        "st": "v",
        "su": True,
        "tb": 6_000,
        "v": 1,
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("bs", {"bs": True}),
        ("su,  bs", {"su": True, "bs": True}),
        (r'cid="a \"quoted\" \\ backslash, comma=equals"', {"cid": r'a "quoted" \ backslash, comma=equals'}),
        (
            'com.example-hello="some value",com.example-n=500',
            {"com.example-hello": "some value", "com.example-n": "500"},
        ),
        ("com.example-on,com.example-kind=live", {"com.example-on": True, "com.example-kind": "live"}),
        ('nrr="-500"', {"nrr": "-500"}),
    ],
)
def test_strings_are_quoted_and_escaped_and_flags_stand_alone(text: str, expected: dict[str, Any]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    ("text", "fault", "why"),
    [
        ("br=fast", "typed_fields", 'br: "fast" is no whole number from 0 on'),
        ("br=-1", "typed_fields", "is no whole number"),
        ("br=3200.5", "typed_fields", "is no whole number"),
        ('br="3200"', "typed_fields", "is no whole number"),
        ("br", "typed_fields", "br: true is no whole number"),
        ("bs=true", "typed_fields", "is a flag: it stands without a value"),
        ("su=?0", "typed_fields", "is a flag"),
        ("ot=x", "typed_fields", "is none of a, av, c"),
        ('ot="a"', "typed_fields", "is none of"),
        ("pr=fast", "typed_fields", "is no playback rate"),
        ("cid=17", "typed_fields", "is no string in double quotes"),
        ('sid=""', "within_limits", "is empty or longer than 64"),
        (f'cid="{"x" * 65}"', "within_limits", "is empty or longer than 64"),
        ('nor="50%"', "typed_fields", "is no percent-encoded path"),
        ('nrr="-"', "typed_fields", "is no range of bytes"),
        ("v=2", "typed_fields", "is no version that can be read"),
        ("colour=red", "typed_fields", "is no key of CMCD version 1"),
        ("BR=3200", "typed_fields", "is no key of CMCD"),
        ("br=1,br=2", "readable_line", 'the key "br" stands there twice'),
        ("br=1,", "readable_line", "a comma and a further pair were expected"),
        ("br=1;bs", "typed_fields", "is no whole number"),
        ('cid="open', "readable_line", "is no string, token or number"),
        (r'cid="a\n"', "readable_line", "is no string, token or number"),
        ('cid="naïve"', "readable_line", "is no string, token or number"),
        ("=5", "readable_line", "no key begins here"),
        ("br=", "readable_line", "is no string, token or number"),
        ("br%3D3200", "readable_line", "a comma and a further pair"),
    ],
)
def test_what_the_specification_does_not_allow_is_named(text: str, fault: str, why: str) -> None:
    found, said = cause(text)
    assert found == fault
    assert why in said


def test_the_query_is_percent_encoded_as_a_whole() -> None:
    payload = 'br=3200,cid="a&b c",bs'
    assert _of_query(f"x=1&CMCD={quote(payload, safe='')}&token=s%3Dt") == (payload, "")
    assert _of_query(f"CMCD={quote(quote(payload, safe=''), safe='')}") == (payload, "")
    assert _of_query("cmcd=br%3D1") == (None, "")
    assert _of_query("CMCD=") == (None, "")


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("CMCD=br=3200", 'CMCD: "=" at character 3 is not percent-encoded'),
        ('CMCD=cid%3D"x"', "is not percent-encoded"),
        ("CMCD=br%3", "percent-encoding is broken at character 3"),
        ("CMCD=br%ZZ", "percent-encoding is broken"),
        ("CMCD=cid%3D%22%FF%22", "is no UTF-8"),
        ("CMCD=bs&CMCD=su", "more than one CMCD argument"),
    ],
)
def test_a_query_that_is_not_encoded_as_it_must_be_is_named(query: str, why: str) -> None:
    found, said = _of_query(query)
    assert found is None
    assert why in said


def test_json_has_the_types_of_json() -> None:
    faults = Faults()
    item = {"br": 3200, "bs": True, "su": False, "ot": "a", "cid": 'say "x"', "pr": 1.5, "com.example-n": 7, "dl": None}
    assert read_object(item, faults) == {
        "br": 3200,
        "bs": True,
        "ot": "a",
        "cid": 'say "x"',
        "pr": Decimal("1.5"),
        "com.example-n": "7",
    }
    assert not faults
    for bad in ({"br": "3200"}, {"bs": 1}, {"br": [1]}, {"br": 1.5}, {"sid": "a\0b"}, {"ot": True}):
        faults = Faults()
        assert read_object(bad, faults) == {}
        assert set(faults) == {"typed_fields"}


@settings(deadline=None)
@given(
    strings=st.dictionaries(
        st.from_regex(r"com\.ex-[a-z]{1,5}", fullmatch=True),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
        max_size=4,
    )
)
def test_every_string_comes_back_through_escapes_and_percent_encoding(strings: dict[str, str]) -> None:
    escaped = {key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in strings.items()}
    payload = ",".join(f'{key}="{value}"' for key, value in escaped.items())
    faults = Faults()
    text = payload_of_query(f"CMCD={quote(payload, safe='')}", faults)
    assert read_payload(text or "", faults) == strings
    assert not faults


@settings(deadline=None)
@given(text=st.text(max_size=80) | st.text('abcs=",\\%-. 1?~', max_size=80))
def test_no_text_breaks_the_parser(text: str) -> None:
    read_payload(text, Faults())
    payload_of_query(f"CMCD={text}", Faults())


def _of_query(query: str) -> tuple[str | None, str]:
    faults = Faults()
    return payload_of_query(query, faults), "; ".join(faults.values())
