"""The pool of checking processes: it lives only while it is used, and a killed child is an answer, not a bug."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tulou.kernel.errors import Busy, WireError
from tulou.platform.xet.checks import check_xorb
from tulou.platform.xet.verify import CheckPool


@pytest.fixture
def pool() -> Iterator[CheckPool]:
    pool = CheckPool(1, idle_seconds=0.2)
    yield pool
    pool.close()


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, thirty seconds at most."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        os.sched_yield()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_children_end_when_there_was_nothing_to_do_for_a_while_and_come_back_when_there_is(pool):
    first = pool.run(os.getpid)
    assert first != os.getpid()
    until(lambda: not is_alive(first))
    assert pool.run(os.getpid) != first


def test_what_a_child_raises_is_raised_here(pool, tmp_path):
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    with pytest.raises(WireError, match="empty"):
        pool.run(check_xorb, empty, bytes(32))


def test_a_killed_child_is_reported_as_busy_and_the_next_call_gets_a_new_one(pool):
    with pytest.raises(Busy):
        pool.run(os.kill, pool.run(os.getpid), signal.SIGKILL)
    assert pool.run(abs, -3) == 3


def test_children_end_when_their_server_is_killed(tmp_path):
    script = tmp_path / "server.py"
    script.write_text(
        "import os, time\n"
        "from tulou.platform.xet.verify import CheckPool\n"
        "if __name__ == '__main__':\n"
        "    pool = CheckPool(1)\n"
        "    print(pool.run(os.getpid), flush=True)\n"
        "    time.sleep(60)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, str(script)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
    assert server.stdout is not None
    child = int(server.stdout.readline())
    server.kill()
    server.wait()
    server.stdout.close()
    until(lambda: not is_alive(child))
