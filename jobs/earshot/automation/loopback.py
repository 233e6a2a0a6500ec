"""A webhook receiver on loopback: where the demo's alert arrives, over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Receiver:
    """What arrived so far.

    Attributes:
        url: Where to post.
        messages: The bodies, in order of arrival; one with a known Idempotency-Key is kept once.
    """

    url: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)


_POLL_S = 0.05


@contextmanager
def webhook_receiver(record: Path) -> Iterator[Receiver]:
    """Receive posts while the block runs; each new one is appended to `record` as a JSON line."""
    receiver = Receiver("")
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
            key = self.headers.get("Idempotency-Key", "")
            with lock:
                if not key or key not in receiver.keys:
                    receiver.keys.add(key)
                    receiver.messages.append(body)
                    with record.open("a", encoding="utf-8") as lines:
                        lines.write(json.dumps(body, ensure_ascii=False) + "\n")
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Keep standard error for the run's own lines."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/alerts"
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_S,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
