"""Chromium, as tests use it: a page as the browser has it after it has loaded, and what it asked other hosts for."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

_BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--virtual-time-budget=4000",
)  # fmt: skip

_OF_THE_BROWSER = ("google.com", "googleapis.com", "gvt1.com")

needs_browser = pytest.mark.skipif(
    _BROWSER is None, reason="no Chromium: `make test` installs it on Debian with root or sudo"
)


def chromium(scratch: Path) -> list[str]:
    """The command that starts it without a window, with a profile of its own."""
    return [_BROWSER or "chromium", *_FLAGS, f"--user-data-dir={scratch / 'profile'}"]


def loaded(page: Path, scratch: Path, *flags: str) -> str:
    """The page's DOM once everything has loaded."""
    done = subprocess.run(
        [*chromium(scratch), *flags, "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@contextmanager
def every_request() -> Iterator[tuple[str, list[str]]]:
    """A flag that sends requests here, and the first line of each but the browser's own; nothing is answered."""
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                with caller:
                    line = caller.recv(4096).decode("latin-1").partition("\r\n")[0]
                if not any(host in line for host in _OF_THE_BROWSER):
                    asked.append(line)

        Thread(target=listen, daemon=True).start()
        yield f"--proxy-server=http://127.0.0.1:{server.getsockname()[1]}", asked
        server.shutdown(socket.SHUT_RDWR)
