"""A Validation Definition whose verdict was given already: by the figures of the pass that wrote the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from great_expectations.compatibility.pydantic import PrivateAttr
from great_expectations.core import ExpectationSuiteValidationResult
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.core.validation_definition import ValidationDefinition

from earshot.validators.kept_verdicts import KeptVerdict

if TYPE_CHECKING:
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext

_SOURCE, _BATCH = "the gate", "a batch"


class KeptValidation(ValidationDefinition):
    """Gives a Checkpoint the verdict that the gate closed or opened by; nothing is read and nothing judged again."""

    _kept: Any = PrivateAttr()

    @classmethod
    def of(cls, kept: KeptVerdict, context: EphemeralDataContext) -> KeptValidation:
        """The validation of a batch, known to the context.

        Args:
            kept: The verdict.
            context: Holds the suite.
        """
        source = context.data_sources.add_or_update_pandas(_SOURCE)  # names the tables; it is never read
        batch = source.add_dataframe_asset(kept.tables or kept.suite).add_batch_definition_whole_dataframe(_BATCH)
        validation = cls(name=f"{kept.suite} {kept.batch_id}", data=batch, suite=context.suites.get(kept.suite))
        validation._kept = kept
        return validation

    def run(self, *, checkpoint_id: str | None = None, run_id: RunIdentifier | None = None, **_: Any) -> Any:
        """The kept result, stored under the run, as if it had been judged now.

        Args:
            checkpoint_id: Of the Checkpoint that asks.
            run_id: Of its run.
            **_: Parameters of a batch or a suite, and the result format, have had their say when the batch was judged.
        """
        kept: KeptVerdict = self._kept
        result: ExpectationSuiteValidationResult = kept.result()
        run_id = run_id or kept.run_id
        result.meta |= {
            "validation_id": self.id,
            "checkpoint_id": checkpoint_id,
            "run_id": run_id,
            "validation_time": run_id.run_time,
            "active_batch_definition": {"datasource_name": _SOURCE, "data_asset_name": self.asset.name},
        }
        self._validation_results_store.set(kept.key, result)
        return result
