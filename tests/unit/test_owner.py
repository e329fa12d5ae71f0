"""Whose files a run writes to, and how much there is of them, however it lays them out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.test_remove_tree import nested
from tulou.fsio import atomic
from tulou.platform.compute.local.child import owner


@pytest.fixture(autouse=True)
def _leave_nothing_deep(tmp_path: Path) -> Iterator[None]:
    """Delete what pytest itself cannot: it follows folders by calling itself."""
    yield
    atomic.remove_tree(tmp_path)


def measured(top: Path, limit: int) -> int:
    _, status = os.waitpid(owner.measure([str(top)], limit), 0)
    return os.waitstatus_to_exitcode(status)


def modes(top: Path) -> dict[str, int]:
    return {path.relative_to(top).as_posix(): path.stat().st_mode & 0o7777 for path in top.rglob("*") if path.is_file()}


def test_every_file_is_given_back_without_the_rights_that_it_lends(tmp_path):
    for name in ("a/b/one", "a/b/two", "a/three", "c/four", "five"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o4755)
    outside = tmp_path.parent / "outside"
    outside.touch()
    outside.chmod(0o4755)
    (tmp_path / "a" / "link").symlink_to(outside)
    owner.give(str(tmp_path), os.geteuid(), is_final=True)
    assert modes(tmp_path) == {**dict.fromkeys(("a/b/one", "a/b/two", "a/three", "c/four", "five"), 0o755), "a/link": 0o4755}


def test_files_that_are_linked_within_are_given_back_and_those_of_the_store_are_not(tmp_path):
    kept, here = tmp_path / "store", tmp_path / "run"
    (here / "deep").mkdir(parents=True)
    for first, second in ((here / "a", here / "deep" / "b"), (kept, here / "c")):
        first.touch()
        first.chmod(0o4755)
        second.hardlink_to(first)
    owner.give(str(here), os.geteuid(), is_final=True)
    assert (modes(here), kept.stat().st_mode & 0o7777) == ({"a": 0o755, "deep/b": 0o755, "c": 0o4755}, 0o4755)


def test_folders_nested_deeper_than_any_stack_are_given_back(tmp_path):
    nested(tmp_path, 3_000)
    (tmp_path / "z").mkdir()
    (tmp_path / "z" / "lends").touch()
    (tmp_path / "z" / "lends").chmod(0o4755)
    owner.give(str(tmp_path), os.geteuid(), is_final=True)
    assert (tmp_path / "z" / "lends").stat().st_mode & 0o7777 == 0o755


def test_what_is_nested_too_deeply_to_be_measured_is_too_much(tmp_path):
    (tmp_path / "small").write_bytes(b"x")
    assert measured(tmp_path, 1 << 20) == 0
    assert measured(tmp_path, 1) == owner.TOO_MUCH
    nested(tmp_path, 3_000)
    assert measured(tmp_path, 1 << 40) == owner.TOO_MUCH
