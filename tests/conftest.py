"""A real hub for every test that asks: uvicorn on a free port, a temporary data folder, the real database."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from tulou.app import Hub, build
from tulou.cli.server import PROTOCOLS
from tulou.features.accounts import lookup
from tulou.features.accounts.create import create_user
from tulou.features.accounts.tokens import create_token
from tulou.features.content import lifecycle
from tulou.features.orgs.create import create_org, set_member
from tulou.kernel.actor import SYSTEM, Role, Scope, TokenRole
from tulou.kernel.clock import Clock
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.settings import Settings

pytest_plugins = ["tests.house"]


class RunningHub:
    """The hub under test, and short ways to fill it."""

    def __init__(self, hub: Hub, url: str) -> None:
        self.hub = hub
        self.m = hub.m
        self.url = url
        self._clients: list[httpx.Client] = []

    def user(self, name: str, *, admin: bool = False, role: str = "write") -> str:
        """Make a user and return a token of theirs."""
        account = create_user(self.m, SYSTEM, name, fullname=name.title(), is_admin=admin)
        return create_token(self.m, SYSTEM, account.id, name="test", role=TokenRole(role)).secret

    def token(self, user: str, role: TokenRole) -> str:
        """Return another token of a user; a fine-grained one is good for their own account only."""
        account = lookup.by_name(self.m, user)
        if account is None:
            raise LookupError(user)
        scopes = (Scope(account.id, frozenset({"repo.write"})),) if role is TokenRole.FINE_GRAINED else ()
        return create_token(self.m, SYSTEM, account.id, name=f"test {role}", role=role, scopes=scopes).secret

    def org(self, name: str, **members: str) -> None:
        """Make an organization with members by role."""
        create_org(self.m, SYSTEM, name, fullname=name.title())
        for user, role in members.items():
            set_member(self.m, SYSTEM, name, user, Role(role))

    def http(self, token: str | None = None) -> httpx.Client:
        """Return a client that sends this token."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        client = httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)
        self._clients.append(client)
        return client

    def repo(self, full: str, kind: str = "model", *, private: bool = False, sdk: str | None = None) -> None:
        """Make a repository."""
        name = parse_repo_id(RepoKind(kind), full)
        lifecycle.create(self.m, SYSTEM, name, visibility="private" if private else "public", sdk=sdk)

    def settle(self) -> None:
        """Run background work until nothing is due."""
        self.hub.worker.drain()

    def close(self) -> None:
        """Close every client."""
        for client in self._clients:
            client.close()


def settings_for(folder: Path, **chosen: object) -> Settings:
    """Return the settings of a test hub."""
    return Settings(data=folder, demo=False, rate_limit_api=0, rate_limit_resolve=0, workers=1, **chosen)  # type: ignore[arg-type]


@pytest.fixture
def hub(tmp_path: Path, database_url: str) -> Iterator[RunningHub]:
    """A running hub with an empty data folder. Background work runs only in `settle()`."""
    yield from run_hub(settings_for(tmp_path / "data", database_url=database_url))


def run_hub(settings: Settings, clock: Clock | None = None) -> Iterator[RunningHub]:
    """Serve a hub in a thread until the generator is closed."""
    built = build(settings, clock=clock)
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(256)  # from here on connections wait for the server instead of being refused
    config = uvicorn.Config(built.asgi, log_level="error", access_log=False, timeout_graceful_shutdown=2, **PROTOCOLS)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    running = RunningHub(built, f"http://127.0.0.1:{listener.getsockname()[1]}")
    built.m.xet.loopback = built.m.compute.loopback = running.url
    try:
        yield running
    finally:
        running.close()
        server.should_exit = True
        thread.join()
        listener.close()
        for run_id in built.m.compute.observe():
            built.m.compute.forget(run_id)
        built.stop()
