"""Lines judged in Arrow tasks, and what the gate needs to know of them counted, in the pass that writes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from earshot.core.columns import FAILED_RULES, QUARANTINE_RULES
from earshot.core.errors import SettingsError
from earshot.core.partial_figures import Partials
from earshot.validators.arrow_terms import ArrowTerms
from earshot.validators.day_profiles import DayProfiles, newest_event, timed_and_late
from earshot.validators.rules import DAY_PROFILES, LATE_PLAYS, NEWEST_EVENT, SEEN_COLUMNS, TIMED_PLAYS, Rules
from earshot.validators.seen_columns import SeenColumns
from earshot.validators.vocabulary import READABLE_LINE

Masks = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class LineJudge:
    """Judges tables of lines. Can be sent to executors.

    Attributes:
        rules: Of the suite.
    """

    rules: Rules

    def judge(self, rows: pa.Table) -> pa.Table:
        """The rows with failed_rules and quarantine_rules beside their columns; see `CompiledSuite.failed_rules`.

        A row that nothing sets aside has every column that a rule requires of all rows, whatever the parser found.
        """
        terms = ArrowTerms(rows)
        failed = self.rules.unexpected(terms)
        names = list(failed)
        masks: Masks = np.zeros((rows.num_rows, len(names)), bool)
        for n, name in enumerate(names):
            masks[:, n] = failed[name].data.to_numpy(zero_copy_only=False)
        if READABLE_LINE in failed:
            unreadable = masks[:, names.index(READABLE_LINE)].copy()
            masks[unreadable] = False
            masks[unreadable, names.index(READABLE_LINE)] = True
        exempt: Masks = np.zeros(rows.num_rows, bool)
        if self.rules.exempt is not None:
            exempt = self.rules.exempt(terms).data.to_numpy(zero_copy_only=False)
        masks[exempt] = False
        aside = masks & np.isin(names, self.rules.aside)
        passing = ~(aside.any(axis=1) | exempt)
        for rule, column in self.rules.required.items():
            lacking = passing & rows.column(column).is_null().to_numpy()
            for found in (masks, aside):
                found[lacking, names.index(rule)] = True
        return rows.append_column(FAILED_RULES, _listed(masks, names)).append_column(
            QUARANTINE_RULES, _listed(aside, names)
        )

    def observe(self, judged: pa.Table) -> Partials:
        """The figures of judged rows (see `Rules.figures`), to be added to those of other rows."""
        return self.rules.figures(ArrowTerms(judged))

    def observe_batch(self, judged: pa.Table) -> Partials:
        """The figures of `observe`, and `profile`."""
        return {**self.observe(judged), **self.profile(judged)}

    @staticmethod
    def profile(judged: pa.Table) -> Partials:
        """What the lines say of their source: each day, the newest event, late ones, and the columns of files."""
        timed, late = timed_and_late(judged)
        return {
            DAY_PROFILES: DayProfiles.of(judged),
            NEWEST_EVENT: newest_event(judged),
            TIMED_PLAYS: timed,
            LATE_PLAYS: late,
            SEEN_COLUMNS: SeenColumns.of(judged),
        }

    def check(self, schema: pa.Schema) -> None:
        """Judge a line of nulls, so that what cannot be judged here is known before a task begins.

        Args:
            schema: Of the lines that will be judged.

        Raises:
            SettingsError: A condition or a regular expression is none that Arrow knows.
        """
        try:
            self.observe(self.judge(pa.table([pa.nulls(1, field.type) for field in schema], schema=schema)))
        except pa.ArrowInvalid as error:
            raise SettingsError(
                f"A regular expression of the suite cannot be used: {error}.",
                where=f"expectations/{self.rules.suite.name}.json",
                remedy="Write it without look-around and back references (RE2 syntax).",
            ) from error


def _listed(masks: Masks, names: list[str]) -> pa.Array:
    """Of each row, the names whose mask is true."""
    rows, columns = np.nonzero(masks)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(masks)))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(names, pa.string()).take(pa.array(columns)))
