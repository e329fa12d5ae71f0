"""The changes that others are made of: each within the transaction of its caller, on a row that the caller took.

Runs follow rows (`features/runs`), rows follow events (`follow`): what is written here is enough for both to go on after a crash.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tulou.db.engine import Tx
from tulou.features.repos.model import Repo
from tulou.features.runs import flavors, want
from tulou.features.spaces import queries
from tulou.features.spaces.model import Building, Space, Stage, Want, dump
from tulou.features.spaces.slug import slug
from tulou.platform.jobs import queue
from tulou.platform.machinery import Machinery

FOLLOW = "spaces.follow"
MESSAGE = 8000
"""Characters that are kept of why something failed."""


def create(m: Machinery, repo: Repo) -> None:
    """Make the row of a Space; does nothing when it is there."""
    with m.db.write() as tx:
        create_in(tx, m, repo)


def create_in(tx: Tx, m: Machinery, repo: Repo) -> None:
    """Make the row of a Space; does nothing when it is there."""
    now = m.clock.now()
    row = {
        "repo_id": repo.id, "stage": Stage.NO_APP_FILE, "hardware": flavors.DEFAULT, "visited_at": now, "changed_at": now,
    }  # fmt: skip
    if not queries.insert(tx, {**row, "slug": slug(repo.name)}):
        queries.insert(tx, {**row, "slug": slug(repo.name, marked=True)})


def readdress(tx: Tx, m: Machinery, space: Space, repo: Repo) -> None:
    """Give a Space the host name of its new name, and have its application learn of it."""
    plain = slug(repo.name)
    label = plain if queries.slug_is_free(tx, plain, repo.id) else slug(repo.name, marked=True)
    queries.change(tx, repo.id, slug=label)
    restart(tx, m, space)


def soon(tx: Tx, m: Machinery, repo_id: str) -> None:
    """Have somebody look at this Space."""
    queue.put(tx, m.clock, FOLLOW, {"repo_id": repo_id}, key=repo_id)
    tx.on_commit(m.wake)


def stop_runs(tx: Tx, m: Machinery, space: Space) -> None:
    """Stop everything of a Space that may run."""
    for run_id in space.run_ids:
        want.stop(tx, m, run_id)


def rest(tx: Tx, m: Machinery, space: Space, wanted: Want) -> None:
    """Stop a Space until a visit (`sleep`) or its owner (`pause`) starts it again. What was being built is built again then."""
    stop_runs(tx, m, space)
    interrupted = space.building is not None and space.building.step != "start"
    queries.change(
        tx, space.repo_id, want=wanted, building="{}", message="", changed_at=m.clock.now(),
        stage=Stage.PAUSED if wanted == "pause" else Stage.STOPPED,
        commit=None if interrupted or space.stage.is_error else space.commit,
    )  # fmt: skip


def restart(tx: Tx, m: Machinery, space: Space) -> None:
    """Have the application of a Space start again if it runs or should: its settings changed. What is built stays."""
    building = space.building
    if space.want == "run" and building is not None and building.step == "start":
        want.stop(tx, m, building.run_id)
        queries.change(tx, space.repo_id, building=dump(replace(building, run_id="")))
    elif space.want == "run" and not space.is_static and space.stage in {Stage.RUNNING, Stage.RUNTIME_ERROR}:
        stop_runs(tx, m, space)
        queries.change(tx, space.repo_id, message="", **started(space))
    queries.change(tx, space.repo_id, changed_at=m.clock.now())
    soon(tx, m, space.repo_id)


def started(space: Space) -> dict[str, Any]:
    """Return what to write so that the application is started: what was built of this commit, or else the whole deployment."""
    built = space.built
    if built is None or built.plan.is_static or built.plan.commit != space.commit:
        return {"commit": None, "building": "{}", "stage": Stage.BUILDING}
    return {"building": dump(Building(built.plan, "start", env=built.env)), "stage": Stage.APP_STARTING}


def fail(tx: Tx, m: Machinery, space: Space, stage: Stage, message: str, **more: str | None) -> None:
    """Note a problem that only a push or a restart can end. What ran before is stopped: it is not what the repository says."""
    stop_runs(tx, m, space)
    queries.change(tx, space.repo_id, stage=stage, message=message[:MESSAGE], building="{}", changed_at=m.clock.now(), **more)
