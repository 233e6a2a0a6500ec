"""An action of the user's within a Checkpoint: in its own time, under its own guard, and never the end of the others.

Great Expectations runs the actions of a Checkpoint one after the other, without a time limit, and an error of one of
them ends the run. Several of its own return `None` where a message was not taken, and log why.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, redirect_stdout
from typing import Any, Final, Literal

from great_expectations.checkpoint.actions import (
    ActionContext,
    EmailAction,
    MicrosoftTeamsNotificationAction,
    OpsgenieAlertAction,
    SlackNotificationAction,
    SNSNotificationAction,
    UpdateDataDocsAction,
    ValidationAction,
    should_notify,
)
from great_expectations.checkpoint.checkpoint import CheckpointResult
from great_expectations.compatibility.pydantic import PrivateAttr

from earshot.core.errors import DeliveryError, EarshotError
from earshot.core.text import one_line
from earshot.validators.checkpoints.configured import ConfiguredAction
from earshot.validators.checkpoints.heard import HEARD

Guard = Callable[[str], AbstractContextManager[None]]
"""Watches over the connections that an action of a type makes while the block runs."""

Settle = Callable[[str, str], None]
"""Told of each action that ended: its name, and what was wrong, empty where nothing was."""

_LONGEST_REASON: Final = 300


class DataDocs(UpdateDataDocsAction):
    """Great Expectations' own UpdateDataDocsAction, which leaves the other actions alone where it fails."""

    type: Literal["earshot_data_docs"] = "earshot_data_docs"  # type: ignore[assignment] # a name of its own
    _settle: Any = PrivateAttr()

    @classmethod
    def told(cls, name: str, settle: Settle) -> DataDocs:
        """The action, with whom it tells how it ended."""
        action = cls(name=name)
        action._settle = settle
        return action

    def run(self, checkpoint_result: CheckpointResult, action_context: ActionContext | None = None) -> dict[Any, Any]:
        """Draw the pages of the results; the addresses of the pages go to the actions that follow."""
        try:
            with HEARD.of_pages():
                pages: dict[Any, Any] = super().run(checkpoint_result, action_context)
        except Exception as error:
            self._settle(self.name, _reason(error, ()))
            return {}
        drawn = {key: {site: url for site, url in sites.items() if url} for key, sites in pages.items()}
        heard = HEARD.taken()  # of the page of a suite nothing else is told
        why = _masked(f"A page could not be written: {heard}", ())
        self._settle(self.name, why if heard or not all(drawn.values()) else "")
        return {key: sites for key, sites in drawn.items() if sites}


class Attempt(ValidationAction):
    """Runs another action, and tells how it ended."""

    type: Literal["earshot_attempt"] = "earshot_attempt"
    _configured: Any = PrivateAttr()
    _guard: Any = PrivateAttr()
    _settle: Any = PrivateAttr()

    @classmethod
    def at(cls, configured: ConfiguredAction, guard: Guard, settle: Settle) -> Attempt:
        """An attempt at an action."""
        attempt = cls(name=configured.name)
        attempt._configured, attempt._guard, attempt._settle = configured, guard, settle
        return attempt

    def run(self, checkpoint_result: CheckpointResult, action_context: ActionContext | None = None) -> dict[str, Any]:
        """Run the action to its end, or to the end of its time."""
        configured: ConfiguredAction = self._configured
        action = configured.action
        action._data_context = self._data_context

        def run() -> Any:
            with self._guard(configured.settings.type):
                return action.run(checkpoint_result=checkpoint_result, action_context=action_context)

        HEARD.taken(_thread_of(self.name))
        try:
            result = _in_time(run, self.name, configured.settings.timeout_s)
        except Exception as error:
            self._settle(self.name, _reason(error, configured.secrets))
            return {}
        failed = _is_refused(action, result, checkpoint_result)
        why = HEARD.taken(_thread_of(self.name)) or f"{type(action).__name__} says {result}"
        self._settle(self.name, _masked(why, configured.secrets) if failed else "")
        return result if isinstance(result, dict) else {}


def _thread_of(name: str) -> str:
    return f"gate action {name}"


def _in_time(run: Callable[[], Any], name: str, seconds: float) -> Any:
    """What `run` returns, or raises; an action that does not end is left to itself and holds nothing up."""
    if any(thread.name == _thread_of(name) for thread in threading.enumerate()):
        raise DeliveryError("An earlier try of it has not ended yet.", where=name)
    ended: list[tuple[Any, BaseException | None]] = []

    def work() -> None:
        try:
            ended.append((run(), None))
        except BaseException as error:  # SystemExit, too, is the end of the action alone
            ended.append((None, error))

    thread = threading.Thread(target=work, name=_thread_of(name), daemon=True)
    with redirect_stdout(sys.stderr):  # standard output belongs to the command
        thread.start()
        thread.join(seconds)
    if not ended:
        raise DeliveryError(f"It did not end within {seconds:g} s.", where=name)
    result, error = ended[0]
    if error is not None:
        raise error if isinstance(error, Exception) else DeliveryError(f"It ended itself: {type(error).__name__}.")
    return result


def _is_refused(action: ValidationAction, result: Any, checkpoint_result: CheckpointResult) -> bool:
    """Whether an action of Great Expectations' own says that nobody took its message."""
    told = next(iter(result.values()), None) if isinstance(result, Mapping) else result
    if isinstance(action, MicrosoftTeamsNotificationAction):  # None, too, where it had nothing to say
        severity = action._get_max_severity_failure_from_checkpoint_result(checkpoint_result)
        return told is None and should_notify(bool(checkpoint_result.success), action.notify_on, severity)
    if isinstance(action, SlackNotificationAction | EmailAction):
        return told is None
    if isinstance(action, OpsgenieAlertAction):
        return told is False
    return isinstance(action, SNSNotificationAction) and not str(told).startswith("Successfully")


def _reason(error: Exception, secrets: tuple[str, ...]) -> str:
    if isinstance(error, EarshotError):
        return _masked(" ".join(part for part in (error.what, error.remedy) if part), secrets)
    return _masked(f"{type(error).__name__}: {error}", secrets)


def _masked(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return one_line(" ".join(text.split()), _LONGEST_REASON).rstrip(".")
