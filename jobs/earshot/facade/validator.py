"""EnterpriseDataValidator: the quality gate on a DataFrame."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import cast

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StringType, StructField, StructType

from earshot.core import columns as c
from earshot.core.config import load_settings
from earshot.core.errors import InputError
from earshot.core.schemas import TABLES
from earshot.core.settings import Settings
from earshot.security.keys import load_keys
from earshot.security.pseudonyms import Pseudonymiser
from earshot.transformers.listens import canonical_listens
from earshot.validators.compile import compile_suite
from earshot.validators.kpis import kpi_figures, quality_kpis
from earshot.validators.suites import GATE_SUITE, load_suite
from earshot.validators.verdicts import GateVerdict

_LISTENS = TABLES["silver.listens"]
_FAULTS = "parse_faults"
_RAW_LISTENER = "listener"
_NEVER = frozenset({"ip", "device_id", "user_agent"})


class ValidatedListens(DataFrame):
    """The rows that pass, with what the gate found beside them.

    It is an ordinary DataFrame with three more attributes; frames derived from it do not have them.

    Attributes:
        quarantine: The rows that were set aside, with failed_rules and quarantine_rules.
        kpis: accuracy, validation_success, quarantined_share, ... by name.
        verdict: Great Expectations' verdict, for a person: `verdict.explain()`.
    """

    quarantine: DataFrame
    kpis: dict[str, float]
    verdict: GateVerdict


class EnterpriseDataValidator:
    """Judges plays by the suite in `expectations/silver_listens.json`.

    Args:
        settings: What is in force; loaded as the commands do, if not given.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings or load_settings()

    def validate(self, listens: DataFrame) -> ValidatedListens:
        """The rows that pass; `.quarantine`, `.kpis` and `.verdict` beside them.

        The figures cost one pass over `listens`; the rows are lazy.

        Args:
            listens: Columns of silver.listens or of the canonical play event, in any order; what is
                missing is null, and what a cast cannot read fails a rule. A raw `listener` becomes the
                pseudonym; ip, device_id and user_agent are dropped.

        Raises:
            InputError: No column is one of a play.
        """
        suite = compile_suite(load_suite(GATE_SUITE), self._settings)
        judged = suite.judge(self._plays(listens))
        figures = judged.agg(*suite.aggregates()).collect()[0].asDict()
        aside = F.size(c.QUARANTINE_RULES) > 0
        passed = cast(ValidatedListens, judged.where(~aside).select(*_LISTENS.column_names))
        passed.quarantine = judged.where(aside).select(*_LISTENS.column_names, c.FAILED_RULES, c.QUARANTINE_RULES)
        passed.kpis = {
            row["kpi"]: row["value"]
            for row in quality_kpis(
                batch_id="",
                suite=GATE_SUITE,
                measured_at=datetime.now(UTC),
                figures=kpi_figures(suite, figures),
                runs=(),
                targets=self._settings.quality,
            )
        }
        passed.verdict = suite.verdict(figures, rows=lambda: judged)
        return passed

    def _plays(self, listens: DataFrame) -> DataFrame:
        """The rows as the suite wants them: every column, typed, with what could not be read."""
        if not {*listens.columns} & {*_LISTENS.column_names}:
            raise InputError(
                f"No column of {', '.join(listens.columns) or 'nothing'} is one of a play.",
                where="validate(listens)",
                remedy="Use the names of the canonical play event, such as listener, started_at and played_ms.",
            )
        if _RAW_LISTENER in listens.columns and c.LISTENER_ID not in listens.columns:
            keys = load_keys(self._settings)
            listens = _pseudonymised(listens, Pseudonymiser(keys.pseudonym_key, keys.key_version))
        given = set(listens.columns)
        typed = listens.select(
            *(_typed(f, given) for f in _LISTENS.schema),
            _faults(listens),
            *map(_nothing, (c.FILTERED_REASON, c.RAW, c.CAUSE)),
        )
        if c.LISTEN_ID in given:
            return typed
        canonical = canonical_listens(typed)
        rest = [name for name in _LISTENS.column_names if name not in canonical.columns]
        return canonical.select("*", *(F.lit(None).cast(_LISTENS.schema[name].dataType).alias(name) for name in rest))


def _typed(field: StructField, given: set[str]) -> Column:
    instead = {c.SOURCE: F.lit("canonical"), c.ARRIVED_AT: F.lit(datetime.now(UTC))}
    value = F.col(field.name) if field.name in given else instead.get(field.name, F.lit(None))
    return value.cast(field.dataType).alias(field.name)


def _faults(listens: DataFrame) -> Column:
    """What only the reader of a value can know: it is there, and a cast does not understand it."""
    wanted = {field.name: field.dataType for field in _LISTENS.schema}
    unread = [
        F.when(
            F.col(field.name).isNotNull() & F.col(field.name).cast(wanted[field.name]).isNull(),
            F.lit("time_readable" if field.name in {c.STARTED_AT, c.ENDED_AT} else "typed_fields"),
        )
        for field in listens.schema
        if field.name in wanted and field.dataType != wanted[field.name]
    ]
    nothing = F.array().cast("array<string>")
    return (F.array_distinct(F.array_compact(F.array(*unread))) if unread else nothing).alias(_FAULTS)


def _nothing(name: str) -> Column:
    return F.lit(None).cast("string").alias(name)


def _pseudonymised(listens: DataFrame, pseudonymiser: Pseudonymiser) -> DataFrame:
    """listener_id in the place of the raw listener, computed in Arrow batches so that no plan holds the key."""
    kept = [field for field in listens.schema if field.name not in _NEVER]
    after = StructType([StructField(c.LISTENER_ID, StringType()) if f.name == _RAW_LISTENER else f for f in kept])
    schema = to_arrow_schema(after, timezone="UTC")

    def replace(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            arrays = [
                pseudonymiser.arrow(batch.column(f.name).cast(pa.string()))
                if f.name == _RAW_LISTENER
                else batch.column(f.name)
                for f in kept
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return listens.select(*(f.name for f in kept)).mapInArrow(replace, after)
