"""Fetch Delta's jars once, verify them, and tell Spark of them (`python -m earshot.automation.spark_jars`).

With names behind it also the JDBC drivers of these databases, or S3A:
`python -m earshot.automation.spark_jars sqlite s3a`.

The jars lie beside the environment and are named in its spark-defaults.conf, so that
`spark-submit jobs/X.py` has them before the script starts and no start asks the network. The environment's
own spark-submit is told where its Spark lies: as it comes, it asks whichever python3 is first on PATH.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyspark

from earshot.automation import s3a_jars
from earshot.automation.session import DELTA, JARS, LOCAL_DEFAULTS, jar_paths
from earshot.core.errors import ArgumentError, DependencyError, EarshotError

COORDINATES = "io.delta:delta-spark_4.2_2.13:4.4.0"

# SHA-256 of each jar, taken from the released artefacts.
CHECKSUMS = {
    "delta-spark_4.2_2.13-4.4.0.jar": "27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead",
    "delta-storage-4.4.0.jar": "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc",
}


class Extra(NamedTuple):
    """Jars that are fetched only when asked for.

    Attributes:
        coordinates: What is resolved, with what it needs.
        checksums: Each jar, and its SHA-256.
        without: What it asks for that is not fetched.
    """

    coordinates: str
    checksums: Mapping[str, str]
    without: str = ""


EXTRAS = {
    "sqlite": Extra(
        "org.xerial:sqlite-jdbc:3.50.3.0",
        {"sqlite-jdbc-3.50.3.0.jar": "a3f53a2aa15ae9425a9e793bbe9c8e5288febeb4b65ef5c1a4e80d4c2045cf08"},
    ),
    "postgresql": Extra(
        "org.postgresql:postgresql:42.7.8",
        {"postgresql-42.7.8.jar": "2a32a9dcbc42d67a50ad3a0de5efd102c8d2be46720045f2cbd6689f160ab7c7"},
    ),
    "s3a": Extra(s3a_jars.COORDINATES, s3a_jars.CHECKSUMS, s3a_jars.NOT_FETCHED),
}
"""JDBC drivers by the name of their database, and Spark's way to `s3a://`."""

# Errors only: standard error belongs to the run's own structured lines.
_QUIET = """rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d %p %c{1}: %m%n%ex
"""


def missing_or_changed(extras: Sequence[str] = ()) -> list[str]:
    """The jars (with those of these `EXTRAS`) that are not there with the right checksum."""
    wanted = dict(CHECKSUMS)
    for name in extras:
        wanted |= EXTRAS[name].checksums
    return [name for name, expected in wanted.items() if _sha256(JARS / name) != expected]


def is_fetched(extra: str) -> bool:
    """Whether a jar of this one of `EXTRAS` lies beside Delta's."""
    return any((JARS / jar).exists() for jar in EXTRAS[extra].checksums)


def fetch(extras: Sequence[str] = ()) -> None:
    """Fetch what is missing through Spark's own resolver and verify it.

    Args:
        extras: Names of `EXTRAS` that are wanted, too.

    Raises:
        ArgumentError: Nothing is known under a name.
        DependencyError: A jar could not be fetched, or is not the one that was released.
    """
    for name in extras:
        if name not in EXTRAS:
            raise ArgumentError(
                f"No driver is known for {name!r}.",
                where="spark_jars",
                remedy=f'Use {", ".join(EXTRAS)}, or name a driver\'s jar in spark.conf."spark.jars".',
            )
    missing = missing_or_changed(extras)
    if not missing:
        return
    wanted = [EXTRAS[name] for name in extras if not EXTRAS[name].checksums.keys().isdisjoint(missing)]
    coordinates = ",".join([COORDINATES] * bool(missing_or_changed()) + [extra.coordinates for extra in wanted])
    without = ",".join(extra.without for extra in wanted if extra.without)
    with tempfile.TemporaryDirectory() as scratch:
        script = Path(scratch) / "nothing.py"
        script.write_text("", encoding="utf-8")
        submit = Path(sys.prefix) / "bin" / "spark-submit"
        options = ["--packages", coordinates, *(["--exclude-packages", without] if without else [])]
        options += ["--conf", f"spark.jars.ivy={scratch}", "--conf", "spark.ui.enabled=false"]
        environment = {**os.environ, "SPARK_CONF_DIR": scratch, "PYSPARK_PYTHON": sys.executable}
        done = subprocess.run(  # noqa: S603 (the environment's own spark-submit)
            [str(submit), *options, str(script)], env=environment, capture_output=True, text=True, check=False
        )
        JARS.mkdir(parents=True, exist_ok=True)
        for name in missing:
            for found in Path(scratch).rglob(name):
                shutil.copyfile(found, JARS / name)
    wrong = missing_or_changed(extras)
    if wrong:
        raise DependencyError(
            f"These jars could not be fetched or have another checksum: {', '.join(wrong)}.",
            where=str(JARS),
            remedy=f"Check the network and try `make setup` again. Spark said: {done.stderr[-400:].strip()}",
        )


def write_defaults() -> Path:
    """Write spark-defaults.conf of this environment's Spark; returns its path."""
    conf = Path(pyspark.__file__).parent / "conf" / "spark-defaults.conf"
    conf.parent.mkdir(exist_ok=True)
    values = {
        **DELTA,
        **LOCAL_DEFAULTS,
        "spark.jars": ",".join(map(str, jar_paths())),
        "spark.pyspark.python": sys.executable,
        "spark.pyspark.driver.python": sys.executable,
    }
    conf.write_text("".join(f"{key} {value}\n" for key, value in values.items()), encoding="utf-8")
    (conf.parent / "log4j2.properties").write_text(_QUIET, encoding="utf-8")
    return conf


def write_finder(scripts: Path) -> Path:
    """Write the `find-spark-home` that spark-submit reads, beside it; returns its path."""
    finder = scripts / "find-spark-home"
    draft = finder.with_name(f".{finder.name}.{os.getpid()}")
    home = shlex.quote(str(Path(pyspark.__file__).parent))
    draft.write_text(f"#!/usr/bin/env bash\nexport SPARK_HOME=${{SPARK_HOME:-{home}}}\n", encoding="utf-8")
    draft.chmod(0o755)
    draft.replace(finder)  # not in place: an installer may have linked it to its cache
    return finder


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


if __name__ == "__main__":
    try:
        fetch(sys.argv[1:])
    except EarshotError as error:
        sys.exit(str(error))
    write_finder(Path(sys.prefix) / "bin")
    print(f"Spark's jars are in {JARS}; its defaults in {write_defaults()}.")
