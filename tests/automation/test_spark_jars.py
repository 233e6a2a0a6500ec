from __future__ import annotations

from pathlib import Path

import pytest

from earshot.automation import spark_jars
from earshot.core.errors import ArgumentError


def test_a_driver_is_wanted_only_where_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark_jars, "JARS", tmp_path)
    assert spark_jars.missing_or_changed() == list(spark_jars.CHECKSUMS)
    (jar,) = spark_jars.EXTRAS["sqlite"].checksums
    assert jar in spark_jars.missing_or_changed(["sqlite"])
    assert not spark_jars.is_fetched("sqlite")
    (tmp_path / jar).write_bytes(b"another")
    assert spark_jars.is_fetched("sqlite")
    assert jar in spark_jars.missing_or_changed(["sqlite"]), "its checksum is another"
    assert not any(spark_jars.is_fetched(name) for name in ("postgresql", "s3a"))


def test_a_database_without_a_known_driver_is_an_error_that_names_the_known() -> None:
    with pytest.raises(ArgumentError) as caught:
        spark_jars.fetch(["oracle"])
    assert "sqlite, postgresql" in caught.value.remedy
