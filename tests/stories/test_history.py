"""Many people commit and push at once: a branch is one line of history that never forgets what it acknowledged."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.stories.programs import Git, Refused

pytestmark = [pytest.mark.story, pytest.mark.timeout(300)]


def commit(hub, token: str, path: str, parent: str | None) -> str | None:
    """Commit through the API on top of `parent`. None if somebody else was faster."""
    header = {"summary": path, **({"parentCommit": parent} if parent else {})}
    content = base64.b64encode(path.encode()).decode()
    file = {"path": path, "content": content, "encoding": "base64"}
    lines = [{"key": "header", "value": header}, {"key": "file", "value": file}]
    answer = hub.http(token).post(
        "/api/models/team/m/commit/main",
        content="\n".join(map(json.dumps, lines)),
        headers={"content-type": "application/x-ndjson"},
    )
    assert answer.status_code in {200, 412}, answer.text
    return answer.json()["commitOid"] if answer.status_code == 200 else None


def lost_the_race(git: Git, folder: Path) -> bool:
    """Push. True if the hub said that somebody else was faster."""
    try:
        git("push", "-q", cwd=folder)
    except Refused as refused:
        if "fetch first" not in str(refused):
            raise
        return True
    return False


def test_every_acknowledged_commit_is_in_the_history_once_and_losers_are_told(hub, tmp_path: Path):
    people = {f"user{n}": hub.user(f"user{n}") for n in range(4)}
    hub.org("team", **dict.fromkeys(people, "write"))
    hub.repo("team/m")

    def by_api(name: str) -> list[str]:
        acknowledged = []
        for number in range(10):
            parent = hub.http().get("/api/models/team/m/revision/main").json()["sha"] if number % 2 else None
            oid = commit(hub, people[name], f"{name}/{number}", parent)
            acknowledged += [oid] if oid else []
        return acknowledged

    def by_push(name: str) -> list[str]:
        git = Git(tmp_path, name, people[name]).knows(hub.url)
        folder = git.clone(f"{hub.url}/team/m", into=name)
        acknowledged = []
        for number in range(6):
            (folder / name).mkdir(exist_ok=True)
            (folder / name / str(number)).write_text(name)
            git.commit(folder, f"{name}/{number}")
            git("pull", "-q", "--rebase", cwd=folder)
            if not lost_the_race(git, folder):
                acknowledged.append(git("rev-parse", "HEAD", cwd=folder).strip())
        return acknowledged

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(by_api, name) for name in ("user0", "user1")]
        jobs += [pool.submit(by_push, name) for name in ("user2", "user3")]
        acknowledged = [oid for job in jobs for oid in job.result()]
    git = Git(tmp_path, "reader")
    mirror = git.clone(f"{hub.url}/team/m", "--mirror", into="mirror")
    history = git("rev-list", "main", cwd=mirror).split()
    assert len(acknowledged) == len(set(acknowledged)) > 10
    assert set(acknowledged) <= set(history)
    git("fsck", "--strict", cwd=mirror)
