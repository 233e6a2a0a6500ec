"""Runs a Great Expectations Checkpoint for each verdict that owes one, at the end of the job that judges."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from earshot.core.job import Job
from earshot.core.system_faults import system_fault
from earshot.core.text import one_line
from earshot.validators.checkpoints.heard import HEARD
from earshot.validators.checkpoints.owed import UPDATE_DATA_DOCS, OwedVerdict, OwedVerdicts, digest
from earshot.validators.data_docs.site import Site, draw, kept_verdicts, open_site, tidy
from earshot.validators.kept_verdicts import read_kept
from earshot.validators.reports import report_path

if TYPE_CHECKING:
    from great_expectations.checkpoint.actions import ValidationAction
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext

    from earshot.validators.checkpoints.attempt import Guard
    from earshot.validators.checkpoints.configured import ConfiguredAction

_LONGEST_REASON: Final = 300


class Checkpoints:
    """What follows the verdicts of a run.

    Args:
        job: The run; its settings name the actions.
        guard: Watches over the connections of an action, by its type.

    Raises:
        SettingsError: An action cannot be made of the settings.
    """

    def __init__(self, job: Job, guard: Guard) -> None:
        self._job = job
        self._guard = guard
        self._records = OwedVerdicts(job.settings)
        self._actions: Mapping[str, ConfiguredAction] = {}
        self._done, self._failed = 0, dict[str, str]()
        if job.settings.quality.actions:
            from earshot.validators.checkpoints.configured import configured_actions  # noqa: PLC0415 (slow to import)

            self._actions = configured_actions(job.settings)

    @contextmanager
    def following(self) -> Iterator[None]:
        """Run what is owed once the block has ended, also where it refused a batch or failed."""
        try:
            yield
        except Exception:
            self._follow()
            raise
        self._follow()

    def _follow(self) -> None:
        """Nothing that goes wrong here is an error of the job."""
        try:
            owed = [record for record in map(self._current, self._records.all()) if record.owed]
            if owed:
                with self._job.stage("run checkpoints", len(owed)) as stage:
                    self._run(owed, stage.advance)
        except Exception as error:
            self._fault(error)
        if self._done:
            self._job.tell(actions=self._done)
        if self._failed:
            self._job.tell(actions_failed="; ".join(f"{name}: {why}" for name, why in self._failed.items()))

    def _current(self, record: OwedVerdict) -> OwedVerdict:
        """Without what is not to be done: not configured any more, too old, or of a verdict that is not there (yet)."""
        kept = read_kept(report_path(self._job.settings, record.batch_id))
        is_there = kept is not None and digest(kept.content) == record.verdict
        is_old = self._job.clock() - datetime.fromisoformat(record.at) > self._patience
        if not is_there and not is_old:
            return record.without(*record.owed)
        known = () if is_old else (UPDATE_DATA_DOCS, *self._actions)
        gone = tuple(name for name in record.owed if name not in known)
        if is_there and is_old:
            self._give_up(record)
        if gone:
            record = record.without(*gone)
            self._records.keep(record)
        return record

    def _give_up(self, record: OwedVerdict) -> None:
        for name in record.owed:
            failure = record.failed.get(name)
            why = failure.error if failure else "no run came in time"
            self._job.log.error("action given up", action=name, batch=record.batch_id, reason=why)
            self._failed[name] = f"given up: {why}"

    @property
    def _patience(self) -> timedelta:
        return timedelta(hours=self._job.settings.quality.act_within_hours)

    def _run(self, owed: list[OwedVerdict], advance: Callable[[], None]) -> None:
        settings, batches = self._job.settings, {record.batch_id for record in owed}
        site = open_site(settings, [path for path in kept_verdicts(settings) if path.stem not in batches])
        self._draw_the_others(site)
        for record in owed:
            try:
                self._check(record, site.context)
            except Exception as error:
                self._fault(error, batch=record.batch_id)
            advance()
        tidy(site.folder)

    def _draw_the_others(self, site: Site) -> None:
        """Draw what an earlier run left, so that the index, which is about to be young, lacks nothing."""
        try:
            if site.is_incomplete:
                with HEARD.of_pages():
                    draw(site)
                if why := HEARD.taken():
                    self._job.log.warning("page not drawn", reason=why)
                    self._failed["pages"] = one_line(" ".join(why.split()), _LONGEST_REASON)
        except Exception as error:
            self._fault(error)

    def _fault(self, error: Exception, **where: str) -> None:
        """A Checkpoint that could not be run to its end; what it owes waits for the next run."""
        fault = system_fault(error, self._job.settings.home)
        why = {"reason": fault.what} if fault else {"traceback": traceback.format_exc()}
        self._job.log.error("checkpoint did not run", **where, **why)
        self._failed["checkpoints"] = fault.what if fault else f"{type(error).__name__}: {error}"

    def _check(self, record: OwedVerdict, context: EphemeralDataContext) -> None:
        """Run the Checkpoint of a verdict."""
        from great_expectations import Checkpoint  # noqa: PLC0415 (slow to import)

        from earshot.validators.checkpoints.kept_validation import KeptValidation  # noqa: PLC0415

        kept = read_kept(report_path(self._job.settings, record.batch_id))
        if kept is None:  # gone since it was looked at
            return
        validation = context.validation_definitions.add(KeptValidation.of(kept, context))
        checkpoint = Checkpoint(
            name=f"gate {kept.outcome} batch {kept.batch_id}",
            validation_definitions=[validation],
            actions=self._actions_of(record),
        )
        checkpoint.run(run_id=kept.run_id)
        context.validation_results_store.set(kept.key, kept.result(whole=False))  # all that later indexes read

    def _actions_of(self, record: OwedVerdict) -> list[ValidationAction]:
        from earshot.validators.checkpoints.attempt import Attempt, DataDocs  # noqa: PLC0415 (slow to import)

        latest = [record]

        def settle(name: str, why: str) -> None:
            latest.append(self._settled(latest[-1], name, why))

        docs = DataDocs.told(UPDATE_DATA_DOCS, settle)  # again in a later run: it tells the others where the page is
        mine = [self._actions[name] for name in record.owed if name in self._actions]
        return [docs, *(Attempt.at(action, self._guard, settle) for action in mine)]

    def _settled(self, record: OwedVerdict, name: str, why: str) -> OwedVerdict:
        """The record once an action has ended, written at once."""
        job, told = self._job, {"action": name, "batch": record.batch_id}
        if why:
            job.log.warning("action failed", **told, reason=why)
            self._failed[name] = why
            record = record.with_failed(name, job.clock(), why)
        else:
            job.log.info("action done", **told)
            self._done += name != UPDATE_DATA_DOCS
            record = record.with_done(name, job.clock())
        self._records.keep(record)
        return record
