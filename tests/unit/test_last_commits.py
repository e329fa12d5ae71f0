"""The last commit of each entry: the same as by looking at every tree, for histories with merges, folders and deletions."""

from __future__ import annotations

import random
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import FileMode, SortMode

from tulou.platform.git.history import last_commits
from tulou.platform.git.touches import Touches

WHO = ("a", "a@example.org")
PATHS = ["a.txt", "b.txt", "d/x.txt", "d/y.txt", "d/e/z.txt", "d", "d/e"]


def write_tree(git: pygit2.Repository, files: dict[str, bytes]) -> pygit2.Oid:
    index = pygit2.Index()
    for path, content in files.items():
        index.add(pygit2.IndexEntry(path, git.create_blob(content), FileMode.BLOB))
    return index.write_tree(git)


def history(git: pygit2.Repository, noise: random.Random) -> pygit2.Oid:
    """Grow two lines of commits that are merged now and then, and return the last commit."""
    lines: list[tuple[pygit2.Oid | None, dict[str, bytes]]] = [(None, {}), (None, {})]
    for at in range(40):
        which = noise.randrange(2)
        parent, files = lines[which]
        other, other_files = lines[1 - which]
        parents = [parent] if parent else []
        if other and parent and noise.random() < 0.2:
            parents.append(other)
            files = {path: noise.choice((files, other_files)).get(path, b"m") for path in {*files, *other_files}}
        for path in noise.sample([p for p in PATHS if "." in p], noise.randrange(1, 3)):
            files = {**files, path: noise.choice((b"1", b"2", b"3"))}
        if noise.random() < 0.2 and len(files) > 1:
            files = dict(list(files.items())[1:])
        who = pygit2.Signature(*WHO, 1_700_000_000 + at, 0)
        lines[which] = (git.create_commit(None, who, who, f"c{at}", write_tree(git, files), parents), files)
    return next(oid for oid, _ in sorted(lines, key=lambda line: str(line[0])) if oid is not None)


def by_looking_at_everything(git: pygit2.Repository, start: pygit2.Oid, path: str) -> str | None:
    def entry(commit: pygit2.Commit) -> pygit2.Oid | None:
        return commit.tree[path].id if path in commit.tree else None

    for commit in git.walk(start, SortMode.TOPOLOGICAL | SortMode.TIME):
        if entry(commit) is not None and all(entry(parent) != entry(commit) for parent in commit.parents):
            return str(commit.id)
    return None


@pytest.mark.parametrize("seed", range(12))
def test_the_last_commits_are_those_found_by_looking_at_every_tree(tmp_path: Path, seed: int):
    git = pygit2.init_repository(tmp_path, bare=True)
    head, touches = history(git, random.Random(seed)), Touches()
    present = [path for path in PATHS if path in git[head].tree]
    expected = {path: by_looking_at_everything(git, head, path) for path in present}
    for _ in range(2):  # the second time from memory
        assert {path: found.oid for path, found in last_commits(git, touches, str(head), present).items()} == expected
