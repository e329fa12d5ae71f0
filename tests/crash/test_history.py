"""A branch is one line of history: each acknowledged commit is in it once, in an order that no reader saw otherwise."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.api.test_commit import body, file
from tests.conftest import RunningHub
from tests.stories.programs import Git, Refused

WRITERS = 4
COMMITS = int(os.environ.get("TULOU_TEST_COMMITS", "50"))
"""How many each writer tries. The full measure is 2,000."""


@dataclass
class Journal:
    """What the hub acknowledged, and what it showed."""

    acknowledged: list[str] = field(default_factory=list)
    heads: dict[str, list[str]] = field(default_factory=dict)
    lost: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def won(self, oid: str) -> None:
        with self.lock:
            self.acknowledged.append(oid)

    def lose(self) -> None:
        with self.lock:
            self.lost += 1


class Writer:
    """Reads the head of the branch, puts a commit on top of it, and notes how that went."""

    def __init__(self, hub: RunningHub, name: str, token: str, journal: Journal, folder: Path) -> None:
        self.name = name
        self.journal = journal
        self.http = hub.http(token)
        self.git = Git(folder, name, token).knows(hub.url)
        self.clone = self.git.clone(f"{hub.url}/team/m", into=name)

    def head(self) -> str:
        answer = self.http.get("/api/models/team/m/refs").raise_for_status().json()
        (oid,) = (branch["targetCommit"] for branch in answer["branches"] if branch["name"] == "main")
        self.journal.heads.setdefault(self.name, []).append(oid)
        return oid

    def by_api(self, number: int) -> None:
        content = body(file(f"{self.name}/{number}", b"x"), parent=self.head())
        answer = self.http.post("/api/models/team/m/commit/main", content=content)
        assert answer.status_code in {200, 409, 412}, answer.text
        if answer.status_code == 200:
            self.journal.won(answer.json()["commitOid"])
        else:
            self.journal.lose()

    def by_push(self, number: int) -> None:
        self.git("fetch", "-q", "origin", cwd=self.clone)
        self.git("reset", "-q", "--hard", "origin/main", cwd=self.clone)
        oid = self.git.commit(self.clone, **{f"{self.name}-{number}": "x"})
        try:
            self.git("push", "-q", "origin", "HEAD:main", cwd=self.clone)
        except Refused as problem:
            if "rejected" not in str(problem):
                raise
            self.journal.lose()
        else:
            self.journal.won(oid)

    def run(self, write) -> None:
        for number in range(COMMITS):
            write(number)


@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.timeout(600)
def test_every_acknowledged_commit_is_in_the_line_once_and_every_reader_saw_it_grow(hub: RunningHub, tmp_path: Path):
    people = {f"user{n}": hub.user(f"user{n}") for n in range(WRITERS)}
    hub.org("team", **dict.fromkeys(people, "write"))
    hub.repo("team/m")
    journal = Journal()
    writers = [Writer(hub, name, token, journal, tmp_path) for name, token in people.items()]
    with ThreadPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(w.run, w.by_push if i == 0 else w.by_api) for i, w in enumerate(writers)]:
            done.result()

    reader = writers[0]
    reader.git("fetch", "-q", "origin", cwd=reader.clone)
    reader.git("fsck", "--full", "--strict", cwd=reader.clone)
    line = reader.git("rev-list", "--reverse", "origin/main", cwd=reader.clone).split()
    place = {oid: at for at, oid in enumerate(line)}
    assert len(place) == len(line) == 1 + len(journal.acknowledged)  # and the commit that made the repository
    assert set(journal.acknowledged) < set(line)
    assert reader.git("rev-list", "--merges", "origin/main", cwd=reader.clone) == ""
    for heads in journal.heads.values():
        seen = [place[oid] for oid in heads]
        assert seen == sorted(seen)
    assert journal.lost > 0, "nobody raced: the test shows nothing"
    assert len(journal.acknowledged) + journal.lost == WRITERS * COMMITS
