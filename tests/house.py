"""Rules that every test lives under: which database it uses, and no network beyond this machine."""

from __future__ import annotations

import ipaddress
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.services import PostgresServer

# How long one example takes depends on who else uses the machine; the timeout of the whole test bounds it.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--db", choices=("sqlite", "postgres"), default="sqlite", help="the database behind the `hub` fixture")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, started when the first test asks for it."""
    folder = Path(tempfile.mkdtemp(prefix="tulou-postgres-"))
    server = PostgresServer(folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The database of this test: empty for SQLite in the data folder, or the URL of a fresh PostgreSQL one."""
    if request.config.getoption("--db") == "sqlite":
        yield ""
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database() as url:
        yield url


@pytest.fixture(scope="session", autouse=True)
def _stay_on_this_machine() -> Iterator[None]:
    """Refuse connections beyond loopback, so that no test can come to need the internet."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        # Connecting a datagram socket sends nothing: it only chooses an address of this machine.
        is_stream = self.type == socket.SOCK_STREAM
        if is_stream and self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address):
            pytest.fail(f"a test tried to connect to {address}")
        real(self, address)

    socket.socket.connect = connect  # type: ignore[method-assign, assignment]
    yield
    socket.socket.connect = real  # type: ignore[method-assign]


def _is_loopback(address: object) -> bool:
    host = str(address[0]) if isinstance(address, tuple) else ""
    return host == "localhost" or ipaddress.ip_address(host.split("%")[0]).is_loopback
