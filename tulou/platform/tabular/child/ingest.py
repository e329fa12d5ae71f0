"""The program of the pass: read what was pushed, once, and leave Parquet, statistics and an index of words in its folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tulou.platform.tabular.child import confine, guard, repo_files
from tulou.platform.tabular.child.explain import Problem
from tulou.platform.tabular.child.line import HubGone, Line

_FILE_BYTES = 1 << 40
PREVIEWED = 12
"""Splits whose first rows are shown before anything is converted; those of the others come with their data."""


def main(folder: Path) -> int:
    """Wait for a job on the line in `folder`, and do it. Everything that is slow to load is loaded before the job comes."""
    line = Line(folder)
    # Loading takes most of a second: the hub starts this program before it knows what for.
    from tulou.platform.tabular.child import layout, passing  # noqa: PLC0415 - the limits of the job come with it

    line.tell("ready")
    try:
        job = line.job()
        confine.limit(memory=int(job["memory"]), seconds=int(job["seconds"]), file_bytes=_FILE_BYTES)
        guard.close_doors(folder)
        files = [(str(path), int(size)) for path, size in job["files"]]
        repo_files.install(files, line.read)
        _work(line, folder, job, layout, passing)
    except HubGone:
        return 1
    return 0


def _work(line: Line, folder: Path, job: dict[str, Any], layout: Any, passing: Any) -> None:
    (folder / "scratch").mkdir()
    try:
        found = layout.find(str(folder / "scratch"), str(job["name"]))
    except Problem as problem:
        line.tell("failed", problem=problem.facts())
        return
    line.tell("layout", configs=list(found.configs), default=found.module.builder_configs_parameters.default_config_name)
    one = passing.Pass(line, folder, found, job)
    one.look(PREVIEWED)
    if not job["look"]:
        one.convert()
    line.tell("done")


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
