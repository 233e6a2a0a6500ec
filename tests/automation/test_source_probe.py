"""What the doctor finds of sources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.importers.sources.conftest import s3, s3_server  # noqa: F401 - fixtures

from earshot.automation import source_probe
from earshot.automation.cli import main
from earshot.automation.source_probe import probe_source
from earshot.core.source_settings import SourceSettings
from loopback import Server, free_port, http_server
from source_servers import BUCKET


@pytest.fixture(autouse=True)
def drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_probe, "is_fetched", lambda extra: True)


def jdbc(url: str, **more: Any) -> SourceSettings:
    return SourceSettings(url=url, table="plays", key="id", **more)


@pytest.mark.usefixtures("s3")
def test_the_doctor_tells_of_every_source_and_fails_where_one_cannot_be_read(
    s3_server: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sources = {
        "partner": {"url": f"s3://{BUCKET}/logs", "endpoint_url": s3_server},
        "gone": {"url": "s3://no-such-bucket", "endpoint_url": s3_server},
        "shop": {"url": f"jdbc:sqlite:{tmp_path / 'shop.db'}", "table": "plays", "key": "id"},
    }
    (tmp_path / "shop.db").touch()
    monkeypatch.setenv("EARSHOT_SOURCES", json.dumps(sources))
    assert main(["doctor", "--json", "--home", str(tmp_path / "home")]) == 1
    shown = json.loads(capsys.readouterr().out)
    checks = {check["check"]: check for check in shown["checks"]}
    assert [checks[f"source {name}"]["ok"] for name in sources] == [True, False, True]
    assert "NoSuchBucket" in checks["source gone"]["detail"]
    assert checks["source gone"]["remedy"].startswith("Check the bucket")
    assert "s3cr3t" not in json.dumps(shown)


def test_a_database_is_looked_for_without_spark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with http_server() as server:
        assert isinstance(server, Server)
        port = int(server.url.rpartition(":")[2])
        assert probe_source(jdbc(f"jdbc:postgresql://127.0.0.1:{port}/plays")) == (
            True,
            f"127.0.0.1:{port} answers",
            "",
        )
    closed = probe_source(jdbc(f"jdbc:postgresql://127.0.0.1:{free_port()}/plays"))
    assert (closed.ok, closed.remedy) == (False, "Start the database, or mend the source's url.")
    assert not probe_source(jdbc(f"jdbc:sqlite:{tmp_path / 'none.db'}")).ok
    unset = probe_source(jdbc("jdbc:postgresql://127.0.0.1/plays", password_env="NO_SUCH_VARIABLE"))
    assert (unset.ok, unset.remedy) == (False, "Set NO_SUCH_VARIABLE where the jobs run.")
    monkeypatch.setattr(source_probe, "is_fetched", lambda extra: False)
    assert "spark_jars postgresql" in probe_source(jdbc("jdbc:postgresql://127.0.0.1/plays")).remedy
