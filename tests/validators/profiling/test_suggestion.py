from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dirty_tables import SPOILT_PLAYS, as_table, plays, seeded, spoilt
from earshot.validators.profiling.suggestion import Suggestion, suggest
from earshot.validators.profiling.suite import suite_of


def cells(found: Suggestion) -> set[tuple[int, str]]:
    return {(cell.row, cell.column) for cell in found.cells()}


def test_in_a_clean_table_no_cell_is_flagged() -> None:
    assert cells(suggest(as_table(plays()))) == set()


def test_what_was_spoilt_is_found_and_hardly_anything_else() -> None:
    dirty, wrong = spoilt(plays(), SPOILT_PLAYS, share=0.004)
    found = cells(suggest(as_table(dirty)))
    assert len(found & wrong) >= 0.9 * len(wrong)
    assert len(found & wrong) >= 0.95 * len(found)


def test_the_order_of_rows_changes_nothing() -> None:
    dirty, _ = spoilt(plays(), SPOILT_PLAYS, share=0.01)
    order = list(range(len(dirty)))
    seeded(7).shuffle(order)
    straight, shuffled = suggest(as_table(dirty)), suggest(as_table([dirty[n] for n in order]))
    assert suite_of(straight, "s") == suite_of(shuffled, "s")
    assert {(order[row], column) for row, column in cells(shuffled)} == cells(straight)


def test_with_every_row_ten_times_patterns_ranges_and_dependencies_still_hold() -> None:
    """But keys are none any more, and a few values may become a set."""
    rows = plays()
    once, often = (
        {(f.column, f.kind, str(f.kwargs)) for f in suggest(as_table(r)).findings} for r in (rows, rows * 10)
    )
    assert {kind for _, kind, _ in once - often} <= {"unique", "set", "length"}


@given(st.lists(st.tuples(st.text(max_size=5), st.none() | st.integers(-5, 5)), max_size=40))
def test_any_table_meets_its_own_suite(rows: list[tuple[str, int | None]]) -> None:
    table = pa.table(
        {"text": pa.array([t for t, _ in rows], pa.string()), "n": pa.array([n for _, n in rows], pa.int64())}
    )
    for finding in suggest(table).findings:
        assert 1 - len(finding.unexpected) / max(1, finding.support) >= finding.mostly
        assert set(finding.flagged.tolist()) <= set(finding.unexpected.tolist())


def column(*values: str) -> pa.Table:
    return pa.table({"a": pa.array(values, pa.string())})


CODES = [f"{n:02d}:30 {half}.m." for n in range(1, 13) for half in "ap"]
SPOILT_COLUMNS: dict[str, tuple[list[str], list[str]]] = {
    "pattern": (CODES * 10, ["12:30noon", "2026-03-01"]),
    "number": ([f"{n}.5" for n in range(90)] + [f"{n}" for n in range(90, 100)], ["12 oz", "n"]),
    "digits": ([str(35_000 + n * 3) for n in range(300)], ["3500", "350012"]),
    "no_stand_in": (["red", "green", "blue"] * 40, ["N/A", "null"]),
    "set": (["red", "green", "blue"] * 100, ["purple"]),
    "no_misspelling": (["Birmingham", "Manchester"] * 60, ["Birmingxam", "Machester", "Manchesetr", "Birmingham-*"]),
    "undamaged": ([f"Song number {n} of all" for n in range(50)], ["Schl\ufffdssel", "CafÃ©"]),
    "no_stray_blank": ([f"Song number {n} of all" for n in range(50)], [" Song", "Song "]),
    "one_order": ([f"{m}/{d}/99" for m in range(1, 13) for d in range(1, 28)], ["1/2/03", "4/5/06"]),
    "range": ([str(n) for n in range(100, 500)], ["-7", "987654321"]),
    "unique": ([f"id-{n}" for n in range(2000)], []),
}


@pytest.mark.parametrize("kind", SPOILT_COLUMNS)
def test_a_column_suggests_what_its_spoilt_values_break(kind: str) -> None:
    good, bad = SPOILT_COLUMNS[kind]
    found = suggest(column(*good, *bad))
    chosen = [finding for finding in found.findings if finding.kind == kind]
    assert len(chosen) == 1
    assert {(row, "a") for row in range(len(good), len(good) + len(bad))} == cells(found)


FINE_COLUMNS: dict[str, Callable[[int], str]] = {
    "names that differ by a letter": lambda n: ("Gefana", "Gofana", "Gifana", "Gafana")[n % 4] if n % 50 else "Gufana",
    "names in other alphabets": lambda n: ("Sigur Rós", "Мумий Тролль", "王菲", "Dvořák")[n % 4],
    "tracks with numbers": lambda n: f"Symphony No. {1 + n % 9}",
    "the code of Namibia": lambda n: ("NA", "DE", "FR")[n % 3],
    "heavy tails": lambda n: str(2 ** (n % 20)),
    "dates with whole years": lambda n: f"{1 + n % 12}/{1 + n % 28}/2015",
    "a column that is rarely filled": lambda n: "yes" if n % 5 == 0 else "",
}


@pytest.mark.parametrize("what", FINE_COLUMNS)
def test_nothing_is_wrong_with(what: str) -> None:
    assert cells(suggest(column(*(FINE_COLUMNS[what](n) for n in range(400))))) == set()


def test_what_is_empty_on_purpose_is_not_flagged() -> None:
    purpose = [("offline", "") if n % 30 == 0 else ("online", "cdn-a") for n in range(900)]
    chance = [("online", "") if n % 30 == 0 else (("online", "cdn-a"), ("offline", "cdn-b"))[n % 2] for n in range(900)]
    for rows, flagged in ((purpose, 0), (chance, 30)):
        table = pa.table({"mode": pa.array([m for m, _ in rows]), "cdn": pa.array([c for _, c in rows])})
        assert len([c for c in suggest(table).cells() if c.column == "cdn"]) == flagged
