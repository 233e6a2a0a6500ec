"""Who is acting, for the audit and for what people say."""

from __future__ import annotations

import getpass
import os


def actor() -> str:
    """EARSHOT_ACTOR, else the user of the process; `earshot` where the machine knows no user."""
    try:
        return os.environ.get("EARSHOT_ACTOR") or getpass.getuser()
    except (KeyError, OSError):
        return "earshot"
