"""Where the project's own files lie: in a checkout, or packed into the wheel."""

from __future__ import annotations

import os
from pathlib import Path

from earshot.core.errors import SettingsError

_PACKAGE = Path(__file__).resolve().parents[1]


def _folder(name: str) -> Path:
    for candidate in (_PACKAGE.parents[1] / name, _PACKAGE / "_packaged" / name):
        if candidate.is_dir():
            return candidate
    raise SettingsError(
        f"The folder {name}/ was not found.",
        where=str(_PACKAGE),
        remedy="Set EARSHOT_CONF to a folder with base.toml, or install the wheel again.",
    )


def conf_folder() -> Path:
    """The folder of settings, scenarios and rules; EARSHOT_CONF wins.

    Raises:
        SettingsError: EARSHOT_CONF names no folder, or none was found.
    """
    override = os.environ.get("EARSHOT_CONF")
    if not override:
        return _folder("conf")
    if not Path(override).is_dir():
        raise SettingsError(
            f"EARSHOT_CONF names {override}, which is no folder.",
            where="environment variable EARSHOT_CONF",
            remedy="Name a folder that holds base.toml, or unset the variable.",
        )
    return Path(override).resolve()


def expectations_folder() -> Path:
    """The folder of Great Expectations suites; one beside EARSHOT_CONF wins."""
    override = os.environ.get("EARSHOT_CONF")
    if override and (beside := Path(override).resolve().parent / "expectations").is_dir():
        return beside
    return _folder("expectations")


def deploy_folder() -> Path:
    """The folder of the Grafana dashboard and of Prometheus's rules."""
    return _folder("deploy")


def source_root() -> Path:
    """The folder that holds the package `earshot` (in a checkout: jobs/)."""
    return _PACKAGE.parent
