"""A hub whose machine runs one application, wherever a Space asks for it: for tests and measurements of the way there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import RunningHub, run_hub, settings_for
from tests.fake_compute import FakeCompute
from tulou.features.accounts import lookup as accounts
from tulou.features.repos import lookup as repos
from tulou.features.runs import read as runs
from tulou.features.runs import sources, want
from tulou.features.runs.model import Order
from tulou.features.spaces import queries, read
from tulou.features.spaces.model import Built, Plan, Stage, dump
from tulou.kernel.names import RepoKind, parse_repo_id
from tulou.platform.compute.base import Door

_ENV = "empty"


@dataclass
class Machine(FakeCompute):
    """A machine on which every port is that of the application of the test."""

    port: int = 0

    def address(self, run_id: str, port: int) -> Door:
        if self.port == 0:
            return super().address(run_id, port)
        return Door("127.0.0.1", self.port)


def until(true: Callable[[], object], seconds: float = 20) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        pause.wait(0.02)


@dataclass
class World:
    """A hub whose machine runs one application."""

    hub: RunningHub
    machine: Machine
    alice: str
    bob: str

    @property
    def port(self) -> int:
        return urlsplit(self.hub.url).port or 0

    def host(self, slug: str) -> str:
        return f"{slug}.localhost:{self.port}"

    def visit(self, slug: str, **headers: str) -> httpx.Client:
        made = httpx.Client(base_url=self.hub.url, headers={"host": self.host(slug), **headers}, timeout=30, trust_env=False)
        self.hub._clients.append(made)
        return made

    def repo_id(self, full: str) -> str:
        found = repos.by_name(self.hub.m, parse_repo_id(RepoKind.SPACE, full))
        assert found is not None
        return found.id

    def put(self, full: str, **values: object) -> None:
        with self.hub.m.db.write() as tx:
            queries.change(tx, self.repo_id(full), **values)

    def space(self, full: str, *, private: bool = False, framed: bool = True) -> str:
        """Make a Space whose application runs, and return its repository."""
        m = self.hub.m
        self.hub.repo(full, "space", private=private, sdk="docker")
        self.hub.settle()
        repo_id = self.repo_id(full)
        owner = accounts.by_name(m, full.split("/", maxsplit=1)[0])
        assert owner is not None
        with m.db.write() as tx:
            order = Order(argv=("true",), port=7860)
            run_id = want.order(tx, m, kind="space", account_id=owner.id, actor_id=None, repo_id=repo_id, order=order)
        until(lambda: runs.get(m, run_id).phase == "running")
        head = read.by_id(m, repo_id).commit
        sources.env_folder(m, _ENV).mkdir(parents=True, exist_ok=True)
        built = Built(Plan(head, "gradio", "app.py", may_be_framed=framed), _ENV)
        self.put(full, run_id=run_id, stage=Stage.RUNNING, want="run", built=dump(built), building="{}")
        return repo_id


@contextmanager
def furnished(folder: Path, port: int, **chosen: object) -> Iterator[World]:
    """Serve a hub whose applications all are at `port`: one that everybody may visit, and a private one."""
    machine = Machine(port=port, memory_mb=1 << 20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tulou.app.open_compute", lambda *_: machine)
        for hub in run_hub(settings_for(folder, **chosen)):
            hub.hub.reconciler.start()
            made = World(hub, machine, hub.user("alice"), hub.user("bob"))
            made.space("alice/open")
            made.space("alice/closed", private=True)
            yield made
