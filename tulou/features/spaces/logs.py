"""The two logs of a Space, each as one text although several runs wrote it."""

from __future__ import annotations

from tulou.features.runs import logs
from tulou.features.runs.logs import Line
from tulou.features.spaces import read
from tulou.features.spaces.model import Space
from tulou.platform.machinery import Machinery

BUILD, RUN = "build", "run"
KINDS = frozenset({BUILD, RUN})


def run_ids(space: Space, which: str) -> tuple[str, ...]:
    """Return the runs that wrote a log, in order."""
    if which == BUILD:
        return space.build_runs
    return (space.shown_run,) if space.shown_run else ()


def lines(m: Machinery, repo_id: str, which: str, first: str, offset: int) -> tuple[list[Line], int, bool]:
    """Return lines of the log that begins with the run `first`, from an offset; the offset behind them; and whether it is over.

    It is not while its build goes on. When another build or another application begins, that is another log.
    """
    space = read.by_id(m, repo_id)
    ids = run_ids(space, which) if space is not None else ()
    if space is None or first not in ids[:1]:
        return [], offset, True
    found, end, is_end = logs.several(m, ids, offset)
    is_building = which == BUILD and space.building is not None and space.building.step != "start"
    return found, end, is_end and not is_building
