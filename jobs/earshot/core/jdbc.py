"""Databases over Spark's JDBC: drivers that are known by name, and what a driver said when it refused."""

from __future__ import annotations

import re
from typing import Any, Final

from earshot.core.errors import said

SQLITE: Final = "jdbc:sqlite:"

DRIVER_CLASSES: Final = {"sqlite": "org.sqlite.JDBC", "postgresql": "org.postgresql.Driver"}
"""Of `jdbc:NAME:...`; the jars are fetched by `python -m earshot.automation.spark_jars NAME`."""

_IN_TASK: Final = re.compile(r"Lost task .*? executor [^)]*\): (.*)")


def database_of(url: str) -> str:
    """The NAME of `jdbc:NAME:...`."""
    return url.split(":")[1]


def first_cause(error: Exception) -> str:
    """What the driver said, in a line: beneath what Spark and Py4J make of it."""
    java: Any = getattr(error, "_origin", None) or getattr(error, "java_exception", None)
    if java is None:
        return said(error)
    while java.getCause() is not None:
        java = java.getCause()
    text = str(java.toString())
    in_task = _IN_TASK.search(text)
    return (in_task[1] if in_task else text).splitlines()[0]
