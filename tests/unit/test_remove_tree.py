"""Deleting what programs left behind, however they left it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from tulou.fsio import atomic


def nested(top: Path, depth: int) -> None:
    """Make folders inside folders, deeper than a path may be long."""
    at = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(depth):
        os.mkdir("deeper", dir_fd=at)
        below = os.open("deeper", os.O_RDONLY | os.O_DIRECTORY, dir_fd=at)
        os.close(at)
        at = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)


def test_folders_nested_deeper_than_any_path_go(tmp_path):
    (tmp_path / "x").mkdir()
    nested(tmp_path / "x", 700)
    atomic.remove_tree(tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_links_go_and_what_they_lead_to_stays(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("kept")
    (tmp_path / "x" / "y").mkdir(parents=True)
    (tmp_path / "x" / "y" / "out").symlink_to(tmp_path / "kept")
    (tmp_path / "x" / "nowhere").symlink_to("/nowhere")
    atomic.remove_tree(tmp_path / "x")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    atomic.remove_tree(tmp_path / "link")
    atomic.remove_tree(tmp_path / "missing")
    assert [(path.name, (path / "file").read_text()) for path in tmp_path.iterdir()] == [("kept", "kept")]


def test_closed_folders_are_opened_and_two_may_delete_at_once(tmp_path):
    for number in range(200):
        (tmp_path / "x" / str(number) / "y").mkdir(parents=True)
        (tmp_path / "x" / str(number) / "y" / "f").touch()
        (tmp_path / "x" / str(number) / "y").chmod(0)
    threads = [threading.Thread(target=atomic.remove_tree, args=(tmp_path / "x",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not (tmp_path / "x").exists()
