from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from redis import Redis

CLUSTER_BUS = 10_000


def free_port(*, with_bus: bool = False) -> int:
    """A free port on loopback; with the one 10,000 above it, which the nodes of a cluster use."""
    while True:
        with closing(socket.socket()) as server:
            server.bind(("127.0.0.1", 0))
            port: int = server.getsockname()[1]
        if not with_bus:
            return port
        if port + CLUSTER_BUS < 65_536 and port > 1024:
            with closing(socket.socket()) as bus:
                if bus.connect_ex(("127.0.0.1", port + CLUSTER_BUS)):
                    return port
        else:
            for candidate in range(20_000, 50_000, 7):
                with closing(socket.socket()) as one, closing(socket.socket()) as two:
                    if one.connect_ex(("127.0.0.1", candidate)) and two.connect_ex(
                        ("127.0.0.1", candidate + CLUSTER_BUS)
                    ):
                        return candidate


@contextmanager
def redis_server(folder: Path, port: int, *options: str) -> Iterator[str]:
    """A real Redis on loopback; yields its address."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("redis-server is NOT INSTALLED: apt-get install redis-server, and these tests run")
    folder.mkdir(parents=True, exist_ok=True)
    command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        with closing(Redis(port=port)) as client:
            for _ in range(200):
                try:
                    client.ping()
                    break
                except OSError:
                    pass
                except Exception:  # noqa: S110 - redis.ConnectionError until it listens
                    pass
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis"), free_port()) as url:
        yield url


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Three masters that share the slots."""
    folder = tmp_path_factory.mktemp("cluster")
    with ExitStack() as servers:
        ports: list[int] = []
        for n in range(3):
            port = free_port(with_bus=True)
            servers.enter_context(redis_server(folder / str(n), port, "--cluster-enabled", "yes"))
            ports.append(port)
        nodes = [f"127.0.0.1:{port}" for port in ports]
        subprocess.run(
            ["redis-cli", "--cluster", "create", *nodes, "--cluster-replicas", "0", "--cluster-yes"],
            check=True,
            capture_output=True,
            timeout=60,
        )
        for _ in range(200):
            if all(Redis(port=port).cluster("INFO")["cluster_state"] == "ok" for port in ports):
                break
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{ports[0]}/0"


@pytest.fixture
def start_redis(tmp_path: Path) -> Iterator[Callable[[], tuple[str, Callable[[], None]]]]:
    """Start a Redis of one's own: its address, and how to stop it."""
    with ExitStack() as servers:

        def start() -> tuple[str, Callable[[], None]]:
            url = servers.enter_context(redis_server(tmp_path / "own", free_port()))
            return url, servers.close

        yield start
