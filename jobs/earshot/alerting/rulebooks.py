"""`conf/alerts.toml` read and checked: what is wrong is named with file, key and the nearest that is known."""

from __future__ import annotations

import string
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from earshot.alerting.matchers import Matcher, parse_matcher
from earshot.alerting.rules import FIELDS, LABELS, Route, Rule, Rulebook
from earshot.core.alerts import SEVERITIES
from earshot.core.daily_metrics import BEHAVIOUR_RATES, GATE_KPIS, MART_SHARES
from earshot.core.errors import ArgumentError, SettingsError
from earshot.core.explanations import FileOrigin, explain, nearest
from earshot.core.toml_files import read_toml

_NOUN = "key of an alert rule"
_LISTS = ("rules", "inhibit", "maintenance", "routes", "escalations")
_NAMED_BY = ("alertname", "family", "metric", "severity", "state")
_STATES = ("firing", "pending", "resolved")


def load_rulebook(path: Path, heartbeat_hours: str | None = None) -> Rulebook:
    """Read the rules.

    Args:
        path: The file.
        heartbeat_hours: How long runs may be away, for a caller who knows how often they are due.

    Raises:
        ArgumentError: `heartbeat_hours` is no positive number.
        SettingsError: The file cannot be read, or a key, source, metric, label, field, channel or
            matcher in it is unknown; it names file and key, and the nearest that is known.
    """
    rulebook, problems = load_sound(path, heartbeat_hours)
    if problems:
        raise problems[0]
    return rulebook


def load_sound(path: Path, heartbeat_hours: str | None = None) -> tuple[Rulebook, list[SettingsError]]:
    """Read the rules, and leave out each entry that is not sound: one of them must not silence the others.

    Returns:
        The sound entries, and what is wrong with those left out, in the order of the file.

    Raises:
        ArgumentError: `heartbeat_hours` is no positive number.
        SettingsError: The file as a whole cannot be read.
    """
    hours = None if heartbeat_hours is None else _hours_of(heartbeat_hours)
    values = read_toml(path)
    problems: list[SettingsError] = []
    while True:
        try:
            book = Rulebook.model_validate(values)
            break
        except ValidationError as error:
            problems.append(explain(error, Rulebook, FileOrigin(path), _NOUN))
            if not _leave_out(values, error):
                raise problems[-1] from None
    sound, unsound = _checked(book, path)
    found = [*problems, *unsound]
    return sound if hours is None else sound.with_heartbeat(hours), found


def known_labels(rulebook: Rulebook) -> list[str]:
    """Every label that an alert of these rules may have."""
    every = {label for labels in LABELS.values() for label in labels}
    own = {label for rule in rulebook.rules for label in rule.labels}
    return sorted({*every, *own, "alertname", "severity", "state"})


def check_matchers(matchers: Iterable[Matcher], rulebook: Rulebook, metrics: Collection[str] = ()) -> None:
    """Check labels, and the rules, metrics and families that are named, of what a command was given.

    Args:
        matchers: What was given.
        rulebook: The rules in force.
        metrics: Metrics that are known beside those of the tables: those of alerts that are there.

    Raises:
        ArgumentError: One is unknown; the remedy names the nearest that is known.
    """
    known = (one for one in matchers if one.label != "metric" or one.value not in metrics)
    problem = next(iter(_unknown(known, rulebook, known_labels(rulebook))), None)
    if problem:
        noun, word, candidates = problem
        raise ArgumentError(f"There is no {noun} {word!r}.", where="command line", remedy=_nearest(word, candidates))


def _leave_out(values: dict[str, Any], error: ValidationError) -> bool:
    """Take the entry of which pydantic complains out of the file's values."""
    first = min(error.errors(), key=lambda finding: finding["type"] == "missing")
    location = first["loc"]
    if len(location) > 1 and location[0] in _LISTS and isinstance(location[1], int):
        entries = values[str(location[0])]
        entries[location[1]] = None
        values[str(location[0])] = [entry for entry in entries if entry is not None]
        return True
    return False


def _checked(book: Rulebook, path: Path) -> tuple[Rulebook, list[SettingsError]]:
    metrics = _known_metrics()
    problems: list[SettingsError] = []
    families = {}
    for family, members in book.families.items():
        wrong = [metric for metric in members if metric not in metrics]
        problems += [_no("metric", metric, metrics, f"{path}, families.{family}") for metric in wrong]
        families[family] = tuple(metric for metric in members if metric in metrics)
    seen: set[str] = set()
    rules = []
    for number, rule in enumerate(book.rules):
        where = f"{path}, rules[{number}] ({rule.name})"
        if rule.name in seen:
            problems.append(
                SettingsError(f"There are two rules {rule.name}.", where=where, remedy="Give one another name.")
            )
            continue
        seen.add(rule.name)
        wrong_here = list(_problems_of_rule(rule, metrics, where))
        problems += wrong_here
        rules += [] if wrong_here else [rule]
    every = book.model_copy(update={"families": families})
    kept: dict[str, tuple[Any, ...]] = {"rules": tuple(rules)}
    for name in _LISTS[1:]:
        sound = []
        for number, entry in enumerate(getattr(book, name)):
            where = f"{path}, {name}[{number}] ({entry.name})"
            found = list(_problems_of_entry(entry, every, where))
            problems += found
            sound += [] if found else [entry]
        kept[name] = tuple(sound)
    return every.model_copy(update=kept), problems


def _problems_of_rule(rule: Rule, metrics: Sequence[str], where: str) -> Iterable[SettingsError]:
    for key, texts in (("match", rule.match), ("keep", rule.keep)):
        matchers, broken = _read(texts, f"{where}, key {key}")
        yield from broken
        for matcher in matchers:
            if matcher.label not in LABELS[rule.source]:
                yield _no("label", matcher.label, LABELS[rule.source], f"{where}, key {key}")
            elif matcher.label == "metric" and matcher.operator in {"=", "!="} and matcher.value not in metrics:
                yield _no("metric", matcher.value, metrics, f"{where}, key {key}")
    try:
        fields = [name for _, name, _, _ in string.Formatter().parse(rule.summary) if name is not None]
    except ValueError as error:
        yield SettingsError(
            f"The summary cannot be read: {error}.", where=f"{where}, key summary", remedy="Mend its braces."
        )
        return
    for name in fields:
        if name not in FIELDS[rule.source]:
            yield _no("field", name, FIELDS[rule.source], f"{where}, key summary")


def _problems_of_entry(entry: Any, book: Rulebook, where: str) -> Iterable[SettingsError]:
    labels = known_labels(book)
    for key in ("match", "source", "target"):
        matchers, broken = _read(getattr(entry, key, ()), f"{where}, key {key}")
        yield from broken
        for noun, word, known in _unknown(matchers, book, labels):
            yield _no(noun, word, known, f"{where}, key {key}")
    for key in ("equal", "group_by"):
        for label in getattr(entry, key, ()):
            if label not in labels:
                yield _no("label", label, labels, f"{where}, key {key}")
    if isinstance(entry, Route) and entry.repeat_interval < entry.group_interval:
        remedy = "Make repeat_interval the longer one."
        yield SettingsError("repeat_interval is shorter than group_interval.", where=where, remedy=remedy)


def _unknown(
    matchers: Iterable[Matcher], book: Rulebook, labels: Sequence[str]
) -> Iterable[tuple[str, str, Sequence[str]]]:
    """Noun, word and what is known in its place, for each word that is not."""
    values: Mapping[str, Sequence[str]] = dict(
        zip(
            _NAMED_BY,
            ([r.name for r in book.rules], _families(book), _known_metrics(), SEVERITIES, _STATES),
            strict=True,
        )
    )
    nouns = {"alertname": "rule"}
    for matcher in matchers:
        if matcher.label not in labels:
            yield "label", matcher.label, labels
        elif matcher.label in values and matcher.operator in {"=", "!="} and matcher.value:
            if matcher.value not in values[matcher.label]:
                yield nouns.get(matcher.label, matcher.label), matcher.value, values[matcher.label]


def _families(book: Rulebook) -> list[str]:
    return [*book.families, *_known_metrics()]


def _read(texts: Iterable[str], where: str) -> tuple[list[Matcher], list[SettingsError]]:
    matchers, broken = [], []
    for text in texts:
        try:
            matchers.append(parse_matcher(text))
        except ArgumentError as error:
            broken.append(SettingsError(error.what, where=where, remedy=error.remedy))
    return matchers, broken


def _known_metrics() -> list[str]:
    from earshot.core.schemas import TABLES  # noqa: PLC0415 - the tables' specs load pyspark

    numeric = ("bigint", "double", "int")
    specs = (TABLES["gold.activity"], TABLES["gold.audio_quality"])
    by_hour = {column.name for spec in specs for column in spec.columns if column.sql_type in numeric}
    return sorted({*by_hour, *GATE_KPIS, *BEHAVIOUR_RATES, *MART_SHARES})


def _no(noun: str, word: str, known: Iterable[str], where: str) -> SettingsError:
    return SettingsError(f"There is no {noun} {word!r}.", where=where, remedy=_nearest(word, known))


def _nearest(word: str, known: Iterable[str]) -> str:
    close = nearest(word, known)
    return f"Use {close}, or remove it." if close else "Remove it."


def _hours_of(text: str) -> float:
    hours = float(text) if text.replace(".", "", 1).isdecimal() else 0.0
    if hours <= 0:
        remedy = "Write --option heartbeat_hours=1."
        raise ArgumentError(f"{text!r} is no number of hours.", where="option heartbeat_hours", remedy=remedy)
    return hours
