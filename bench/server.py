"""Servers under measurement: processes of their own, whose CPU time and memory can be read."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil

READY_SECONDS = 60
TOKEN = "hf_bench_token_00000000000000000000000"
_SEED = f"users:\n  - {{name: alice, tokens: [{{name: bench, role: write, value: {TOKEN}}}]}}\n"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A process that answers HTTP on a port, with its children."""

    def __init__(
        self, command: list[str], port: int, log: Path, environment: dict[str, str] | None = None, probe: str = "/"
    ) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self._probe = probe
        started = time.monotonic()
        with log.open("ab") as file:
            self._process = subprocess.Popen(command, stdout=file, stderr=file, env={**os.environ, **(environment or {})})
        self._tree = psutil.Process(self._process.pid)
        self._wait(log)
        self.ready_seconds = time.monotonic() - started

    def _wait(self, log: Path) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"the server ended with {self._process.returncode}: {log.read_text()[-2000:]}")
            with contextlib.suppress(httpx.TransportError):
                httpx.get(self.url + self._probe, timeout=5, trust_env=False)
                return
            time.sleep(0.01)
        raise TimeoutError(f"no answer: {log.read_text()[-2000:]}")

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process and its present children so far."""
        return sum(_cpu(process) for process in [self._tree, *self._tree.children(recursive=True)])

    def resident_bytes(self) -> int:
        """Return the resident memory of the process and its children together."""
        return sum(process.memory_info().rss for process in [self._tree, *self._tree.children(recursive=True)])

    def wait_idle(self, *, quiet: float = 1.0, limit: float = 300.0) -> None:
        """Wait until it uses less than 3 % of a core for a while: background work is over."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            before = self.cpu_seconds()
            time.sleep(quiet)
            if self.cpu_seconds() - before < 0.03 * quiet:
                return
        raise TimeoutError("the server is never idle")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=60)


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


def seed(data: Path) -> None:
    """Make a data folder with the user alice and her token."""
    file = data.parent / f"{data.name}.seed.yaml"
    file.write_text(_SEED)
    subprocess.run([sys.executable, "-m", "tulou", "seed", str(file), "--data", str(data)], check=True, capture_output=True)


@contextlib.contextmanager
def hub(data: Path) -> Iterator[Server]:
    """Serve a data folder, made if need be. Limits are counted but never reached."""
    if not data.exists():
        seed(data)
    port = free_port()
    server = Server(
        [sys.executable, "-m", "tulou", "up", "--data", str(data), "--port", str(port), "--no-demo"],
        port,
        data.parent / f"{data.name}.log",
        {"TULOU_RATE_LIMIT_API": "1000000000", "TULOU_RATE_LIMIT_RESOLVE": "1000000000"},
        probe="/api/agent-harnesses",
    )
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def starlette(work: Path) -> Iterator[Server]:
    """Serve one bare route that answers with a small body."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "bench.bare:app",
        "--port",
        str(port),
        "--no-access-log",
        "--log-level",
        "error",
        "--loop",
        "uvloop",
        "--http",
        "httptools",
    ]
    server = Server(command, port, work / "starlette.log", probe="/a/b/resolve/main/c")
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def nginx(program: str, folder: Path, work: Path) -> Iterator[Server]:
    """Serve a folder with nginx's sendfile, one worker."""
    port = free_port()
    config = work / "nginx.conf"
    config.write_text(
        f"daemon off; pid {work}/nginx.pid; error_log {work}/nginx.error.log; worker_processes 1; user root;\n"
        "events { worker_connections 256; }\n"
        f"http {{ access_log off; sendfile on; tcp_nopush on; client_body_temp_path {work}/b; proxy_temp_path {work}/p;\n"
        f"fastcgi_temp_path {work}/f; uwsgi_temp_path {work}/u; scgi_temp_path {work}/s;\n"
        f"server {{ listen 127.0.0.1:{port}; root {folder}; }} }}\n"
    )
    server = Server([program, "-c", str(config), "-p", str(work)], port, work / "nginx.log")
    try:
        yield server
    finally:
        server.stop()


def client(server: Server) -> httpx.Client:
    """Return a client that is alice."""
    return httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=600, trust_env=False)
