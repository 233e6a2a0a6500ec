"""Dirty files with clean twins: how well the cells that `earshot suggest` flags are those that were wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from earshot.automation.tabular import read_rows, source_of
from earshot.core.errors import ArgumentError, InputError
from earshot.importers.shape import Limits
from earshot.validators.profiling.published import PUBLISHED
from earshot.validators.profiling.suggestion import Suggestion, suggest

Place = tuple[int, str]


@dataclass(frozen=True)
class Twins:
    """A dirty file and the same rows as they should be."""

    name: str
    dirty: Path
    clean: Path


def twins_in(folder: Path) -> list[Twins]:
    """The pairs of a folder: NAME.dirty.csv and NAME.clean.csv, or NAME/dirty.csv and NAME/clean.csv.

    Raises:
        ArgumentError: There is none.
    """
    pairs = [Twins(d.name.removesuffix(".dirty.csv"), d, _twin(d)) for d in folder.glob("*.dirty.csv")]
    pairs += [Twins(d.parent.name, d, _twin(d)) for d in folder.glob("*/dirty.csv")]
    found = sorted((pair for pair in pairs if pair.clean.is_file()), key=lambda pair: pair.name)
    if not found:
        raise ArgumentError(
            f"{folder} holds no twins.",
            where="option --raha, or setting quality.twins (EARSHOT_QUALITY__TWINS)",
            remedy="Name a folder with NAME.dirty.csv and NAME.clean.csv, or NAME/dirty.csv and NAME/clean.csv.",
        )
    return found


def _twin(dirty: Path) -> Path:
    return dirty.with_name(dirty.name.removesuffix("dirty.csv") + "clean.csv")


def judge_twins(pairs: Sequence[Twins], limits: Limits) -> dict[str, Any]:
    """Precision, recall and F1 by cell for each pair, what each kind of rule adds, and published figures.

    A cell is wrong where the texts of the twins differ. The clean twin is only used to score.

    Raises:
        InputError: A file cannot be read, or the twins are not the same rows.
    """
    whole: list[dict[str, Any]] = []
    by_rule: list[dict[str, Any]] = []
    for pair in pairs:
        dirty, clean = (_read(path, limits) for path in (pair.dirty, pair.clean))
        wrong = _wrong_cells(pair, dirty, clean)
        found = suggest(dirty)
        flagged = _flagged(found)
        cells = dirty.num_rows * dirty.num_columns
        whole.append({"dataset": pair.name, "cells": cells, "errors": len(wrong), **_score(flagged, wrong)})
        by_rule += _rules(pair.name, found, wrong)
    names = {row["dataset"] for row in whole if row["errors"]}
    published = [asdict(figure) for figure in PUBLISHED if figure.dataset in names]
    return {"twins": whole, "twins_by_rule": by_rule, **({"published": published} if published else {})}


def _read(path: Path, limits: Limits) -> pa.Table:
    rows = read_rows(source_of(path, limits))
    if rows.unread:
        first = rows.unread[0]
        raise InputError(
            f"{len(rows.unread)} lines are no rows, the first because {first.why}.",
            where=f"{path}:{first.line}",
            remedy="Mend them: twins are compared row by row.",
        )
    return rows.table


def _wrong_cells(pair: Twins, dirty: pa.Table, clean: pa.Table) -> set[Place]:
    if (dirty.num_rows, dirty.num_columns) != (clean.num_rows, clean.num_columns):
        raise InputError(
            f"The twins differ in shape: {dirty.num_rows:,} rows of {dirty.num_columns} and "
            f"{clean.num_rows:,} rows of {clean.num_columns} columns.",
            where=f"{pair.dirty} and {pair.clean}",
            remedy="Twins are the same rows in the same order.",
        )
    wrong = set()
    for name, ours, theirs in zip(dirty.column_names, dirty.columns, clean.columns, strict=True):
        differ = pc.not_equal(_text(ours), _text(theirs)).to_numpy()
        wrong |= {(int(row), name) for row in differ.nonzero()[0]}
    return wrong


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(pc.cast(column, pa.string()), "")


def _flagged(found: Suggestion, without: frozenset[str] = frozenset()) -> set[Place]:
    return {(cell.row, cell.column) for cell in found.cells(without)}


def _score(flagged: set[Place], wrong: set[Place]) -> dict[str, Any]:
    right = len(flagged & wrong)
    precision = right / len(flagged) if flagged else 1.0
    recall = right / len(wrong) if wrong else 1.0
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"flagged": len(flagged), "precision": precision, "recall": recall, "f1": f1}


def _rules(name: str, found: Suggestion, wrong: set[Place]) -> list[dict[str, Any]]:
    """By kind of rule: what it flags, how much of it is right, and what F1 would be without it."""
    by_kind: dict[str, set[Place]] = {}
    for finding in found.findings:
        cells = {(row, finding.column) for row in finding.flagged.tolist()}
        by_kind[finding.kind] = by_kind.get(finding.kind, set()) | cells
    return [
        {
            "dataset": name,
            "rule": kind,
            "flagged": len(cells),
            "precision": len(cells & wrong) / len(cells),
            "f1_without": _score(_flagged(found, frozenset({kind})), wrong)["f1"],
        }
        for kind, cells in sorted(by_kind.items())
        if cells
    ]
