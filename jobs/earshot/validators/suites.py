"""Expectation suites: `expectations/NAME.json`, the only place where rules are written.

The files have Great Expectations' own suite format. `meta.earshot` of an expectation carries what the
gate adds: `rule` (the name in failed_rules), `action`, `severity`, `owner` and `min_rows`; `meta.earshot.table` of the
suite, or of one expectation, names the table that it speaks of. A value `{"$PARAMETER": "name"}`, Great
Expectations' suite parameter, is taken from the settings: `quality.name`, or `section.name` where it has a dot.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

from earshot.core.errors import SettingsError
from earshot.core.locations import expectations_folder
from earshot.core.schemas import TABLES
from earshot.core.section import Section
from earshot.core.settings import Settings
from earshot.validators.vocabulary import (
    AGGREGATE_TYPES,
    DERIVED_TABLES,
    JUDGED_COLUMNS,
    ROW_TYPES,
    SCANNED_TYPES,
)

Action = Literal["quarantine", "warn", "fail"]
Severity = Literal["info", "warning", "critical"]

GATE_SUITE: Final = "silver_listens"
"""The suite before which every line of a batch stands."""

SHAPE_SUITE: Final = "bronze_listens"
"""What must be true of the shape of a batch, judged with it."""

_DEFAULT_SECTION: Final = "quality"
_TYPES: Final = ROW_TYPES | AGGREGATE_TYPES | SCANNED_TYPES
_COLUMN_ARGUMENTS: Final = (
    *("column", "column_A", "column_B", "required"),
    *("listener_column", "end_column", "plays_column"),
)


@dataclass(frozen=True)
class SuiteExpectation:
    """One expectation of a suite.

    Attributes:
        rule: Name of the rule, unique in the suite; what stands in failed_rules.
        type: Great Expectations' type, such as `expect_column_values_to_be_between`.
        kwargs: Its arguments as in the file, suite parameters not yet resolved.
        action: What follows: quarantine (the row), warn (count), fail (close the gate).
        min_rows: A statement about a table of fewer rows says little, and is not judged.
        where: File and line, for errors.
    """

    rule: str
    type: str
    kwargs: Mapping[str, Any]
    action: Action
    severity: Severity
    owner: str
    table: str
    description: str
    where: str
    min_rows: int = 1

    @property
    def judges_rows(self) -> bool:
        """Whether it says yes or no to every row; else it is a statement about the table."""
        return self.type in ROW_TYPES

    @property
    def is_compiled(self) -> bool:
        """Whether it is judged in the pass that writes the rows; else it costs scans of the table."""
        return self.type not in SCANNED_TYPES

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that its arguments name."""
        named = [self.kwargs.get(key) for key in _COLUMN_ARGUMENTS]
        listed = self.kwargs.get("column_list") or []
        return tuple(str(name) for name in (*named, *listed) if name)

    def resolved(self, settings: Settings) -> dict[str, Any]:
        """The arguments with suite parameters taken from the settings.

        Raises:
            SettingsError: There is no such parameter.
        """
        return {key: self._resolve(value, settings) for key, value in self.kwargs.items()}

    def _resolve(self, value: Any, settings: Settings) -> Any:
        if not (isinstance(value, Mapping) and "$PARAMETER" in value):
            return value
        name = str(value["$PARAMETER"])
        section, _, key = name.rpartition(".")
        among = getattr(settings, section or _DEFAULT_SECTION, None)
        if not isinstance(among, Section) or key not in type(among).model_fields:
            known = [*settings.quality.model_dump(), *(f"marts.{key}" for key in settings.marts.model_dump())]
            full = name if section else f"{_DEFAULT_SECTION}.{name}"
            raise _refusal(self.where, f"{self.rule}: {full} is no setting", name, known)
        return getattr(among, key)


@dataclass(frozen=True)
class Suite:
    """A suite as read; `fingerprint` changes whenever the file's meaning does."""

    name: str
    path: Path
    fingerprint: str
    expectations: tuple[SuiteExpectation, ...] = field(repr=False)

    @property
    def compiled(self) -> tuple[SuiteExpectation, ...]:
        """Those that are judged from figures of the writing pass."""
        return tuple(e for e in self.expectations if e.is_compiled)

    @property
    def scanned(self) -> tuple[SuiteExpectation, ...]:
        """Those that Great Expectations' Spark engine judges, by scans of the written rows."""
        return tuple(e for e in self.expectations if not e.is_compiled)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that the suite speaks of."""
        return tuple(dict.fromkeys(e.table for e in self.expectations))

    def of_table(self, table: str) -> Suite:
        """The part of the suite that speaks of one table."""
        chosen = tuple(e for e in self.expectations if e.table == table)
        return Suite(self.name, self.path, self.fingerprint, chosen)


def load_suite(name: str) -> Suite:
    """Read `expectations/NAME.json`.

    Raises:
        SettingsError: The file is missing or no JSON, or an expectation has an unknown type, column, action
            or severity, or no rule; with file, line and remedy.
    """
    path = expectations_folder() / f"{name}.json"
    if not path.is_file():
        known = sorted(p.stem for p in path.parent.glob("*.json"))
        raise SettingsError(
            f"There is no expectation suite {name}.",
            where=str(path),
            remedy=f"Use one of {', '.join(known) or 'the suites that you write there'}.",
        )
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        line = f":{error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise SettingsError(f"The suite is no JSON: {error}.", where=f"{path}{line}", remedy="Mend the file.") from None
    return read_suite(content, path=path, lines=list(_lines_of_expectations(text)))


def load_gate_suite() -> Suite:
    """The suite of the gate, with what must be true of the shape of a batch.

    Raises:
        SettingsError: See `load_suite`; or both have a rule of one name.
    """
    truth, shape = load_suite(GATE_SUITE), load_suite(SHAPE_SUITE)
    expectations = (*truth.expectations, *shape.expectations)
    _refuse_doubles(expectations)
    fingerprint = hashlib.sha256((truth.fingerprint + shape.fingerprint).encode()).hexdigest()[:16]
    return Suite(truth.name, truth.path, fingerprint, expectations)


def read_suite(content: Mapping[str, Any], *, path: Path, lines: list[int] | None = None) -> Suite:
    """Make a suite of parsed JSON; see `load_suite`.

    Args:
        content: The suite in Great Expectations' format.
        path: What errors name as the file.
        lines: The line on which each expectation begins, if known.
    """
    listed = content.get("expectations")
    if not isinstance(listed, list):
        raise SettingsError(
            "The suite has no list `expectations`.", where=str(path), remedy="Write one; it may be empty."
        )
    default_table = _earshot(content).get("table", "")
    read = [
        _read(item, str(default_table), f"{path}:{lines[n]}" if lines and n < len(lines) else f"{path}, item {n + 1}")
        for n, item in enumerate(listed)
    ]
    _refuse_doubles(read)
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False)
    fingerprint = hashlib.sha256(canonical.encode()).hexdigest()[:16]
    return Suite(str(content.get("name", path.stem)), path, fingerprint, tuple(read))


def _refuse_doubles(expectations: Iterable[SuiteExpectation]) -> None:
    seen: dict[str, str] = {}
    for expectation in expectations:
        if expectation.rule in seen:
            raise SettingsError(
                f"Two expectations have the rule {expectation.rule}.",
                where=f"{expectation.where} and {seen[expectation.rule]}",
                remedy="Give each a name of its own.",
            )
        seen[expectation.rule] = expectation.where


def _earshot(item: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = item.get("meta")
    own = meta.get("earshot") if isinstance(meta, Mapping) else None
    return own if isinstance(own, Mapping) else {}


def _read(item: Mapping[str, Any], default_table: str, where: str) -> SuiteExpectation:
    own = _earshot(item)
    kind, kwargs = str(item.get("type", "")), item.get("kwargs") or {}
    if kind not in _TYPES:
        raise _refusal(where, f"The expectation type {kind!r} is not known", kind, _TYPES)
    rule = str(own.get("rule", ""))
    if not re.fullmatch(r"[a-z][a-z0-9_]*", rule):
        raise SettingsError(
            f"{kind} has no usable meta.earshot.rule.",
            where=where,
            remedy="Give it a name in lower case with underscores; it will stand in failed_rules.",
        )
    action, severity = str(own.get("action", "")), str(own.get("severity", "warning"))
    if action not in get_args(Action):
        raise _refusal(where, f"{rule}: meta.earshot.action is {action!r}", action, get_args(Action))
    if severity not in get_args(Severity):
        raise _refusal(where, f"{rule}: meta.earshot.severity is {severity!r}", severity, get_args(Severity))
    if action == "quarantine" and kind not in ROW_TYPES:
        when = "is judged after the rows are written" if kind in SCANNED_TYPES else "judges the whole table"
        raise SettingsError(
            f"{rule}: {kind} {when}, so it cannot set a row aside.",
            where=where,
            remedy="Give it the action warn or fail.",
        )
    table = str(own.get("table", default_table))
    expectation = SuiteExpectation(
        rule=rule,
        type=kind,
        kwargs=dict(kwargs),
        action=cast(Action, action),
        severity=cast(Severity, severity),
        owner=str(own.get("owner", "")),
        table=table,
        description=str(item.get("description") or ""),
        where=where,
        min_rows=_min_rows(own, rule, where),
    )
    _check_columns(expectation)
    return expectation


def _min_rows(own: Mapping[str, Any], rule: str, where: str) -> int:
    given = own.get("min_rows", 1)
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise SettingsError(
            f"{rule}: meta.earshot.min_rows is {given!r}.",
            where=where,
            remedy="Write the fewest rows that it is worth judging, such as 100.",
        )
    return given


def _check_columns(expectation: SuiteExpectation) -> None:
    table = expectation.table
    if table not in TABLES and table not in DERIVED_TABLES:
        what = f"{expectation.rule}: meta.earshot.table is {table!r}"
        raise _refusal(expectation.where, what, table, [*TABLES, *DERIVED_TABLES])
    known = set(DERIVED_TABLES.get(table) or TABLES[table].column_names) | JUDGED_COLUMNS
    for column in expectation.columns:
        if column not in known:
            raise _refusal(expectation.where, f"{expectation.rule}: {table} has no column {column}", column, known)


def _refusal(where: str, what: str, word: str, known: Any) -> SettingsError:
    close = get_close_matches(word, [str(k) for k in known], n=1, cutoff=0.0)
    return SettingsError(f"{what}.", where=where, remedy=f"Use {close[0]}." if close else "Remove it.")


def _lines_of_expectations(text: str) -> Iterator[int]:
    """The line on which each item of the list `expectations` begins."""
    found = re.search(r'"expectations"\s*:\s*\[', text)
    position = found.end() if found else len(text)
    decoder = json.JSONDecoder()
    while item := re.compile(r"[\s,]*(?=\{)").match(text, position):
        yield text.count("\n", 0, item.end()) + 1
        _, position = decoder.raw_decode(text, item.end())
