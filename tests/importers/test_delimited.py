from __future__ import annotations

from earshot.importers.delimited import header_of, records
from earshot.importers.objects import UnreadableError
from earshot.importers.shape import Limits, Sample
from logfiles import LIMITS


def parsed(text: str | bytes, width: int | None = None, limits: Limits = LIMITS) -> list[tuple[int, object]]:
    lines = (text if isinstance(text, bytes) else text.encode()).split(b"\n")
    found = records(enumerate(lines, 1), ",", limits, width)
    return [(n, fields.why if isinstance(fields, UnreadableError) else fields) for n, fields, _ in found]


def test_fields_may_hold_delimiters_quotes_and_lines() -> None:
    assert parsed('a,"b,""c""","d\ne"\n\nf,g,h') == [(1, ["a", 'b,"c"', "d\ne"]), (4, ["f", "g", "h"])]


def test_a_cut_line_does_not_swallow_those_after_it() -> None:
    text = 'a,b\nc,"cut\n' + "\n".join(f"{n},x" for n in range(200))
    found = parsed(text, 2)
    assert found[1] == (2, "a quoted field has no end")
    assert found[2:] == [(n + 3, [str(n), "x"]) for n in range(200)]


def test_a_quote_that_a_later_line_closes_by_chance_is_no_record_of_the_wrong_width() -> None:
    assert [n for n, fields in parsed('a,"cut\nb,"c"\nd,e', 2) if isinstance(fields, list)] == [2, 3]


def test_what_has_another_number_of_fields_or_is_too_long_or_no_utf8_says_so() -> None:
    small = Limits(20, 10, 8, 64)
    assert parsed("a,b\na\na,b,c", 2)[1:] == [(2, "it has 1 fields, not 2"), (3, "it has 3 fields, not 2")]
    assert parsed("a,b\n" + "x" * 21, 2, small)[1] == (2, "the line is longer than 20 bytes")
    assert parsed(b"a,\xff", 2) == [(1, "no UTF-8 at byte 3; save the file as UTF-8")]
    assert parsed('a,"b"c', 2)[0][1].startswith("no CSV")  # type: ignore[attr-defined]


def test_a_header_is_found_with_its_delimiter_and_names_are_told_apart() -> None:
    assert header_of(Sample("\ufeffA; b ;;b\r\n1;2;3;4\n".encode())) == ["A", "b", "column_3", "b_2"]
    assert header_of(Sample(b'{"a": 1, "b": 2}\n')) == []
