"""Actions that a user of Great Expectations might write, the bad ones among them."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, Literal

from great_expectations.checkpoint import CheckpointResult
from great_expectations.checkpoint.actions import ActionContext, ValidationAction

RELEASED = threading.Event()
"""Set, it lets every action that hangs end."""


class WritesFile(ValidationAction):
    """Appends a line for every verdict that it hears of."""

    type: Literal["writes_file"] = "writes_file"
    path: str

    def run(self, checkpoint_result: CheckpointResult, action_context: ActionContext | None = None) -> dict[str, Any]:
        told = [
            {
                "checkpoint": checkpoint_result.name,
                "batch": key.batch_identifier,
                "success": result.success,
                "asset": result.asset_name,
                "unmet": result.statistics["unsuccessful_expectations"],
                "meta": sorted(result.meta),
            }
            for key, result in checkpoint_result.run_results.items()
        ]
        with Path(self.path).open("a", encoding="utf-8") as lines:
            lines.writelines(json.dumps(one) + "\n" for one in told)
        return {"written": len(told)}


class Fails(WritesFile):
    """Fails until there is a file at `until`."""

    type: Literal["fails"] = "fails"
    until: str

    def run(self, checkpoint_result: CheckpointResult, action_context: ActionContext | None = None) -> dict[str, Any]:
        if not Path(self.until).exists():
            raise RuntimeError(f"nothing at {self.until}")
        return super().run(checkpoint_result, action_context)


class Hangs(ValidationAction):
    """Never ends of itself."""

    type: Literal["hangs"] = "hangs"

    def run(self, checkpoint_result: CheckpointResult, action_context: ActionContext | None = None) -> dict[str, Any]:
        RELEASED.wait(60)
        return {}


class Leaves(ValidationAction):
    """Thinks that the program is its own."""

    type: Literal["leaves"] = "leaves"

    def run(self, checkpoint_result: CheckpointResult, action_context: ActionContext | None = None) -> dict[str, Any]:
        print("good-bye")
        sys.exit(7)


class Dies(ValidationAction):
    """Kills its process, once: then there is a file at `mark`."""

    type: Literal["dies"] = "dies"
    mark: str

    def run(self, checkpoint_result: CheckpointResult, action_context: ActionContext | None = None) -> dict[str, Any]:
        mark = Path(self.mark)
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return {}


class NoAction:
    """Not one of Great Expectations'."""
