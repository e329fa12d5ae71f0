"""The loop of a resident child: read a question, answer it, end when idle or when the hub is gone."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from tulou.platform.tabular import frames
from tulou.platform.tabular.child import confine
from tulou.platform.tabular.child.problems import Unreadable
from tulou.platform.tabular.frames import JSON, PROBLEM

Answer = tuple[bytes, bytes]
_STDIN, _STDOUT = 0, 1


def serve(answers: dict[str, Callable[[dict[str, Any]], Answer]]) -> None:
    """Serve. The first frame says what this process may use, and is answered once it has been given up."""
    first = frames.receive(_STDIN)
    if first is None:
        return
    terms = orjson.loads(first[1])
    confine.limit(memory=terms["memory"], file_bytes=terms["file_bytes"])
    # The program itself stays readable: libraries load parts of themselves when they first need them.
    places = [*terms["read"], *_program()]
    confine.fence(read=[Path(place) for place in places if Path(place).exists()], write=[Path(p) for p in terms["write"]])
    frames.send(_STDOUT, JSON, b"{}")
    while select.select([_STDIN], [], [], terms["idle"])[0]:
        frame = frames.receive(_STDIN)
        if frame is None:
            return
        asked = orjson.loads(frame[1])
        confine.end_after(int(asked["seconds"]) + 1)
        frames.send(_STDOUT, *_answer(answers[asked["do"]], asked))
        confine.end_after(0)


def _answer(answer: Callable[[dict[str, Any]], Answer], asked: dict[str, Any]) -> Answer:
    try:
        return answer(asked)
    except Unreadable as problem:
        return PROBLEM, orjson.dumps({"code": problem.code, "message": str(problem)})
    except FileNotFoundError:
        return PROBLEM, orjson.dumps({"code": "ResponseNotReady", "message": "The tables of this dataset are being made again."})


def _program() -> list[str]:
    own = [sys.prefix, sys.base_prefix, *(path for path in sys.path if path)]
    # DuckDB asks how much memory and how many processors there are.
    machine = ["/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/sys/fs/cgroup", "/sys/devices/system/cpu"]
    return [*own, "/usr/lib", "/lib", "/usr/share/zoneinfo", *machine]
