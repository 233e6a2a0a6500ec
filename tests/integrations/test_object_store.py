"""A bucket on a real server, and what is said where there is none."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.importers.sources.conftest import s3, s3_server  # noqa: F401 - fixtures

from earshot.core.errors import DependencyError
from earshot.core.settings import HttpSettings
from earshot.core.source_settings import SourceSettings
from earshot.integrations.object_store import Bucket, S3Object, open_bucket
from loopback import Answer, free_port, http_server
from source_servers import BUCKET

HTTP = HttpSettings(timeout_s=1.0, attempts=2)


def bucket(endpoint: str, **changes: Any) -> Bucket:
    return open_bucket(SourceSettings(url=f"s3://{BUCKET}", endpoint_url=endpoint).model_copy(update=changes), HTTP)


def test_a_listing_has_every_page(
    s3: Any,  # noqa: F811
    s3_server: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    names = [f"{n} é+.jsonl" for n in range(8)]
    for name in names:
        s3.put_object(Bucket=BUCKET, Key=f"in/{name}", Body=name.encode())
    found = list(bucket(s3_server, url=f"s3://{BUCKET}/in").objects())
    assert [one.key for one in found] == names
    for one in found:
        one.write_to(tmp_path / "body")
        assert (tmp_path / "body").read_text("utf-8") == one.key


def test_what_was_replaced_or_removed_is_not_there(s3: Any, s3_server: str, tmp_path: Path) -> None:  # noqa: F811
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"1")
    (found,) = bucket(s3_server).objects()
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"2")
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            found.write_to(tmp_path / "body")
        s3.delete_object(Bucket=BUCKET, Key="a")


def test_a_bucket_says_whether_it_is_there(s3: Any, s3_server: str) -> None:  # noqa: F811
    assert bucket(s3_server).probe() == f"s3://{BUCKET} at {s3_server} answers; it holds nothing below the prefix"
    with pytest.raises(DependencyError, match="NoSuchBucket") as caught:
        bucket(s3_server, url="s3://no-such-bucket").probe()
    assert "Check the bucket" in caught.value.remedy


@pytest.mark.usefixtures("s3")
def test_what_is_missing_is_said_with_a_remedy_and_without_secrets(
    s3_server: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(DependencyError, match="Could not connect") as unreachable:
        bucket(f"http://127.0.0.1:{free_port()}").probe()
    assert "endpoint_url" in unreachable.value.remedy
    with pytest.raises(DependencyError, match="nobody") as profile:
        bucket(s3_server, profile="nobody")
    assert "profile" in profile.value.remedy
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(DependencyError, match="no credentials") as nobody:
        bucket(s3_server).probe()
    assert "AWS_ACCESS_KEY_ID" in nobody.value.remedy
    for error in (unreachable, profile, nobody):
        assert "s3cr3t" not in str(error.value)


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(
    ("status", "code", "error", "said"),
    [
        (403, "AccessDenied", PermissionError, "may not read it"),
        (403, "InvalidObjectState", PermissionError, "cold storage"),
        (412, "PreconditionFailed", FileNotFoundError, "a"),
        (404, "NoSuchKey", FileNotFoundError, "a"),
        (403, "ExpiredToken", DependencyError, "ExpiredToken"),
        (503, "SlowDown", DependencyError, "SlowDown"),
    ],
)
def test_what_concerns_one_object_is_told_from_what_concerns_the_store(
    status: int, code: str, error: type[Exception], said: str, tmp_path: Path
) -> None:
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    with http_server() as server:
        server.script = [Answer(status, body, {"Content-Type": "application/xml"})] * 4
        found = S3Object(bucket(server.url), "a", "e", 1, datetime(2026, 3, 29, tzinfo=UTC))
        with pytest.raises(error, match=said):
            found.write_to(tmp_path / "body")


class _Cut(socketserver.StreamRequestHandler):
    """Sends half of ten bytes, and the next time all of them."""

    calls = 0

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        type(self).calls += 1
        whole = type(self).calls > 1
        self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: "e"\r\nConnection: close\r\n\r\n')
        self.wfile.write(b"0123456789" if whole else b"01234")


@pytest.fixture
def cut_server() -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Cut) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.usefixtures("s3")
def test_a_body_that_breaks_off_is_read_again_from_its_beginning(cut_server: str, tmp_path: Path) -> None:
    found = S3Object(bucket(cut_server), "a", "e", 10, datetime(2026, 3, 29, tzinfo=UTC))
    found.write_to(tmp_path / "body")
    assert ((tmp_path / "body").read_bytes(), _Cut.calls) == (b"0123456789", 2)
