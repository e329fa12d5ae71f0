"""A page costs a fixed number of queries, whatever there is: lists, info, files, trees."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
import sqlalchemy as sa

from tests.api.test_commit import body
from tests.commits import commit


@dataclass
class Counter:
    """The statements that an engine ran."""

    statements: list[str] = field(default_factory=list)

    def note(self, _connection, _cursor, statement: str, *_rest: object) -> None:
        if not statement.startswith(("PRAGMA", "BEGIN", "COMMIT", "ROLLBACK")):
            self.statements.append(statement)


@contextmanager
def counting(hub) -> Iterator[Counter]:
    counter = Counter()
    sa.event.listen(hub.m.db.engine, "before_cursor_execute", counter.note)
    try:
        yield counter
    finally:
        sa.event.remove(hub.m.db.engine, "before_cursor_execute", counter.note)


@pytest.fixture
def alice(hub) -> httpx.Client:
    return hub.http(hub.user("alice"))


def upload(alice: httpx.Client, name: str) -> None:
    """Put a large file of a few bytes into alice/m."""
    content = name.encode()
    oid = hashlib.sha256(content).hexdigest()
    batch = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": len(content)}]}
    answer = alice.post("/alice/m.git/info/lfs/objects/batch", json=batch).raise_for_status().json()
    httpx.put(answer["objects"][0]["actions"]["upload"]["href"], content=content, trust_env=False).raise_for_status()
    line = ("lfsFile", {"path": f"large/{name}.bin", "algo": "sha256", "oid": oid, "size": len(content)})
    alice.post("/api/models/alice/m/commit/main", content=body(line)).raise_for_status()


def grow(hub, alice: httpx.Client, first: int, last: int) -> None:
    """Add files, large files, commits, branches, tags and repositories, each as many."""
    commit(alice, "alice/m", {f"d{i}/f{i}.txt": str(i) for i in range(first, last)})
    for i in range(first, last):
        upload(alice, f"w{i}")
        alice.post(f"/api/models/alice/m/branch/b{i}", json={}).raise_for_status()
        hub.repo(f"alice/other{i}")
    hub.settle()


PAGES = {
    "list": "/api/models?author=alice",
    "list with everything": "/api/models?full=true&cardData=true&config=true",
    "list by search": "/api/models?search=other",
    "info": "/api/models/alice/m",
    "info with sizes": "/api/models/alice/m?blobs=true",
    "info at a branch": "/api/models/alice/m/revision/b0",
    "tree": "/api/models/alice/m/tree/main?recursive=true",
    "tree with commits": "/api/models/alice/m/tree/main/large?expand=true",
    "refs": "/api/models/alice/m/refs",
    "commits": "/api/models/alice/m/commits/main",
    "small file": "/alice/m/resolve/main/d0/f0.txt",
    "large file": "/alice/m/resolve/main/large/w0.bin",
}
# Who is asking, the gate, and at most four for the page itself.
MOST = 9


def cost(hub, client: httpx.Client, path: str) -> int:
    """Ask with nothing in memory, as the first reader after a change does; the git cache is up to date."""
    client.get(path).raise_for_status()
    hub.m.db._local_writes += 1  # everything kept in memory is now as old as after a commit
    with counting(hub) as counter:
        client.get(path).raise_for_status()
    return len(counter.statements)


def test_a_page_costs_as_many_queries_when_there_is_ten_times_as_much(hub, alice):
    hub.repo("alice/m")
    grow(hub, alice, 0, 2)
    few = {name: cost(hub, alice, path) for name, path in PAGES.items()}
    grow(hub, alice, 2, 20)
    assert {name: cost(hub, alice, path) for name, path in PAGES.items()} == few
    assert max(few.values()) <= MOST, few


def test_a_file_asked_for_again_costs_no_query_at_all(hub, alice):
    if hub.m.db.version() is None:
        pytest.skip("on PostgreSQL nothing is kept in memory: other nodes may have written")
    hub.repo("alice/m")
    grow(hub, alice, 0, 1)
    ask: list[Callable[[], httpx.Response]] = [
        lambda: alice.get("/alice/m/resolve/main/d0/f0.txt"),
        lambda: alice.head("/alice/m/resolve/main/large/w0.bin"),
    ]
    for again in ask:
        again().raise_for_status()
        with counting(hub) as counter:
            again().raise_for_status()
        assert counter.statements == []
