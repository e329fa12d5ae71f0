"""Lists of row numbers on disk: made once, read in pieces, dropped when there are too many."""

from __future__ import annotations

import struct
import threading
from pathlib import Path

import pytest

from tulou.kernel.errors import Busy
from tulou.platform.tabular import vectors
from tulou.platform.tabular.pool import Turns
from tulou.platform.tabular.vectors import Vectors


def writer(numbers: list[int], letter: str = "I"):
    def make(path: Path) -> int:
        path.write_bytes(struct.pack(f"<{len(numbers)}{letter}", *numbers))
        return len(numbers)

    return make


def never(_path: Path) -> int:
    raise AssertionError("made twice")


def test_a_vector_is_made_once_and_read_in_pieces(tmp_path: Path):
    kept = Vectors(tmp_path)
    assert kept.get(("a", "b"), 1_000, writer([5, 9, 7])).slice(1, 5) == [9, 7]
    again = kept.get(("a", "b"), 1_000, never)
    assert (again.total, again.slice(0, 1), again.slice(3, 1), again.slice(9, 9)) == (3, [5], [], [])
    assert kept.get(("ab",), 1 << 33, writer([1 << 32], "Q")).slice(0, 1) == [1 << 32]


def test_what_fails_leaves_nothing_and_is_tried_again(tmp_path: Path):
    kept = Vectors(tmp_path)

    def fail(path: Path) -> int:
        path.write_bytes(b"half")
        raise ValueError

    with pytest.raises(ValueError):
        kept.get(("a",), 10, fail)
    assert list(tmp_path.iterdir()) == []
    assert kept.get(("a",), 10, writer([1])).total == 1


def test_the_oldest_goes_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(vectors, "MOST_BYTES", 20)
    kept = Vectors(tmp_path)
    for name in "abc":
        kept.get((name,), 10, writer([1, 2]))
        kept.get(("a",), 10, writer([1, 2]))
    assert len(list(tmp_path.iterdir())) == 2
    kept.get(("a",), 10, never)
    with pytest.raises(AssertionError):
        kept.get(("b",), 10, never)


def test_of_many_who_ask_at_once_one_works_and_those_beyond_the_line_are_told(tmp_path: Path):
    turns, entered, leave = Turns(1, 1), threading.Event(), threading.Event()
    answers: list[str] = []

    def work(name: str) -> None:
        with turns.take():
            entered.set()
            leave.wait(20)
            answers.append(name)

    first = threading.Thread(target=work, args=("first",))
    first.start()
    assert entered.wait(20)
    second = threading.Thread(target=work, args=("second",))
    second.start()
    while turns._line._value:  # until the second stands in line
        second.join(0.01)
    with pytest.raises(Busy), turns.take():
        pass
    leave.set()
    first.join(20)
    second.join(20)
    assert answers == ["first", "second"]
    with turns.take():
        pass
