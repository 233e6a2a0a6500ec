from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import pytest

from earshot.collectors.exposition import exposition, lake_registry, publish_metrics, push, serve, write_textfile
from earshot.core.errors import DeliveryError, DependencyError
from earshot.core.settings import MetricsSettings, Settings
from earshot.core.small_tables import SmallTables


@contextmanager
def _gateway(status: int = 200) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Takes pushes as a push gateway does; yields its address and what it got."""
    got: list[tuple[str, str, str]] = []

    class Gateway(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            got.append((self.path, self.headers["Content-Type"], body))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.integration
def test_a_port_answers_scrapes_with_what_is_true_now(lake: SmallTables) -> None:
    server, thread = serve(lake_registry(lake), 0)
    try:
        with urlopen(f"http://127.0.0.1:{server.server_port}/metrics") as answer:
            text = answer.read().decode()
            assert answer.headers["Content-Type"].startswith("text/plain")
        assert "earshot_gate_refused_batches 1.0" in text
        with pytest.raises(DependencyError, match="cannot be opened"):
            serve(lake_registry(lake), server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.integration
def test_a_push_gateway_gets_all_metrics_in_the_group_of_earshot(lake: SmallTables) -> None:
    with _gateway() as (url, got):
        push(lake_registry(lake), url)
    ((path, kind, body),) = got
    assert path == "/metrics/job/earshot"
    assert kind.startswith("text/plain")
    assert 'earshot_alerts{rule="kpi",severity="critical",state="firing"} 3.0' in body


@pytest.mark.integration
def test_a_gateway_that_refuses_is_an_error_without_its_password(lake: SmallTables) -> None:
    with _gateway(status=503) as (url, _), pytest.raises(DeliveryError) as raised:
        push(lake_registry(lake), url.replace("http://", "http://user:hunter2@"))
    assert "hunter2" not in str(raised.value)


def test_the_text_file_is_whole_at_every_moment(lake: SmallTables, tmp_path: Path) -> None:
    path = tmp_path / "node" / "earshot.prom"
    write_textfile(lake_registry(lake), path)
    assert path.read_text() == exposition(lake_registry(lake))
    assert [p.name for p in path.parent.iterdir()] == ["earshot.prom"]


def test_metrics_that_cannot_be_delivered_never_fail_a_run(
    lake: SmallTables, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    metrics = MetricsSettings(push_url="http://127.0.0.1:9", textfile=str(tmp_path / "file" / "earshot.prom"))
    problems = publish_metrics(settings.model_copy(update={"metrics": metrics}), lake)
    assert len(problems) == 2
    assert publish_metrics(settings, lake) == []
