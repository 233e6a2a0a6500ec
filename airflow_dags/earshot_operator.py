"""One job of Earshot through spark-submit, with its exit codes understood."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

JOBS_FOLDER = Path(__file__).resolve().parents[1] / "jobs"

# 2: bad arguments or settings; 3: the quality gate refused. Trying again cannot help.
FINAL_EXIT_CODES = frozenset({2, 3})


class EarshotSubmitOperator(SparkSubmitOperator):
    """`spark-submit jobs/JOB.py --date DATE`; exit 2 and 3 fail at once, exit 1 is tried again.

    Args:
        job: Name of the job.
        date: Logical date, a template.
        options: What the job takes beyond the date.
        **kwargs: What SparkSubmitOperator takes.
    """

    template_fields: ClassVar[tuple[str, ...]] = (*SparkSubmitOperator.template_fields,)

    def __init__(self, *, job: str, date: str, options: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(
            application=str(JOBS_FOLDER / f"{job}.py"),
            application_args=["--date", date, *_words(options or {})],
            name=f"earshot-{job}",
            **kwargs,
        )

    def execute(self, context: Any) -> None:
        """Submit the job and wait for it.

        Raises:
            AirflowFailException: The job ended 2 or 3.
            AirflowException: It ended 1 or could not be started.
        """
        try:
            super().execute(context)
        except AirflowException as error:
            process = getattr(self._hook, "_submit_sp", None)
            code = getattr(process, "returncode", None)
            if code in FINAL_EXIT_CODES:
                raise AirflowFailException(f"{self.task_id} ended with exit code {code}: not tried again") from error
            raise


def _words(options: Mapping[str, str]) -> list[str]:
    return [word for key, value in options.items() for word in ("--option", f"{key}={value}")]
