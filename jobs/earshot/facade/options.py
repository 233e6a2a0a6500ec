"""The two dictionaries of options that the four names take, and how they are read."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final

from earshot.core.errors import SettingsError

Options = Mapping[str, object]

CACHE_CONFIG: Final[Options] = {
    "redis_cluster": True,
    "ttl_default": 3600,
    "compression": True,
    "serialization": "msgpack",
}

MONITORING_CONFIG: Final[Options] = {
    "prometheus_enabled": True,
    "grafana_dashboards": True,
    "alert_webhooks": True,
    "metric_retention": "30d",
}


def read_options(given: Options | None, known: Options, name: str) -> dict[str, object]:
    """The options given, and the known ones for the rest.

    Raises:
        SettingsError: An option is unknown, or its value is of another kind.
    """
    for key, value in (given or {}).items():
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise SettingsError(f"{name} has no option {key}.", where=f"{name}[{key!r}]", remedy=f"Use {nearest}.")
        if type(value) is not type(known[key]):
            kind = type(known[key]).__name__
            raise SettingsError(
                f"{key} is {value!r}; expected: {kind}.", where=f"{name}[{key!r}]", remedy=f"Give it a {kind}."
            )
    return {**known, **(given or {})}
