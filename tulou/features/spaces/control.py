"""What the people of a Space do with it: restart, pause, wake, and choose what it runs on."""

from __future__ import annotations

from typing import Any

from tulou.db.engine import Tx
from tulou.features.access import gate
from tulou.features.audit import record
from tulou.features.content import revisions
from tulou.features.repos.model import Repo
from tulou.features.runs import flavors, thaw
from tulou.features.runs import read as runs_read
from tulou.features.runs.model import Run
from tulou.features.spaces import change, data, deploy, follow, launch, queries, read, volumes
from tulou.features.spaces.config import CannotRun
from tulou.features.spaces.model import NEVER, Space
from tulou.kernel.actor import Action, Actor
from tulou.kernel.errors import BadInput, Conflict, NotFound
from tulou.kernel.ids import new_id
from tulou.platform.machinery import Machinery

_LONGEST = 366 * 86_400


def restart(m: Machinery, actor: Actor, repo: Repo, *, factory: bool = False) -> Space:
    """Start the application of a Space again; with `factory`, build it from nothing first. Also ends a pause. Raises Forbidden.

    What failed to build, and what was pushed meanwhile, is built first.
    """
    gate.check(actor, repo, Action.WRITE)
    seen = read.get(m, repo)
    if factory and not seen.is_static:
        _rebuild(m, actor, repo, seen)
        return read.get(m, repo)
    with m.db.write() as tx:
        space = _taken(queries.take(tx, repo.id))
        change.stop_runs(tx, m, space)
        now = m.clock.now()
        queries.change(tx, repo.id, want="run", message="", visited_at=now, changed_at=now, **change.started(space))
        record.write(tx, m.clock, actor, "space.restart", repo.id, factory=False)
        change.soon(tx, m, repo.id)
    return read.get(m, repo)


def _rebuild(m: Machinery, actor: Actor, repo: Repo, seen: Space) -> None:
    """Begin a deployment that uses nothing of earlier ones. What serves now does so until the new one answers."""
    head = revisions.head(m, repo)

    def note(tx: Tx) -> None:
        record.write(tx, m.clock, actor, "space.restart", repo.id, factory=True)

    try:
        deploy.begin(m, repo, seen, head, runs_read.many(m, seen.run_ids), salt=new_id(), also=note)
    except deploy.NotYourTurn as problem:
        raise Conflict("Several builds of this account go on already. Try again when one of them has ended.") from problem
    except CannotRun as problem:
        with m.db.write() as tx:
            change.fail(tx, m, _taken(queries.take(tx, repo.id)), problem.stage, problem.message, commit=head)
            note(tx)


def pause(m: Machinery, actor: Actor, repo: Repo) -> Space:
    """Stop a Space until somebody restarts it. Visits do not wake it. Raises BadInput for a static one: nothing runs there."""
    gate.check(actor, repo, Action.WRITE)
    if read.get(m, repo).is_static:
        raise BadInput("A static Space cannot be paused: nothing runs there. Make it private instead.")
    with m.db.write() as tx:
        change.rest(tx, m, _taken(queries.take(tx, repo.id)), "pause")
        record.write(tx, m.clock, actor, "space.pause", repo.id)
    return read.get(m, repo)


def wake(m: Machinery, space: Space) -> Run | None:
    """Have a Space run because somebody visits it: thaw it, or order it again if it sleeps, and return the run to wait for.

    None: there is none to wait for, because it must be built first, is paused or has an error. The caller has asked the gate.
    Raises ComputeOff.
    """
    if space.want == "sleep":
        flavors.get(m, space.hardware)
        with m.db.write() as tx:
            now = _taken(queries.take(tx, space.repo_id))
            if now.want == "sleep":
                at = m.clock.now()
                queries.change(tx, space.repo_id, want="run", message="", visited_at=at, changed_at=at, **change.started(now))
                change.soon(tx, m, space.repo_id)
        follow.follow(m, space.repo_id)  # now, not when the worker comes to it: somebody waits
    elif space.stage.is_serving and space.run_id:
        thaw.now(m, space.run_id)
    fresh = read.by_id(m, space.repo_id)
    return runs_read.get(m, fresh.shown_run) if fresh is not None and fresh.want == "run" and fresh.shown_run else None


def current(m: Machinery, space: Space) -> Run | None:
    """Return the run of the application, for somebody who wants to talk to it; None while none runs or starts."""
    run = runs_read.get(m, space.run_id) if space.run_id and space.stage.is_serving else None
    return run if run is not None and not run.is_over else None


def set_hardware(m: Machinery, actor: Actor, repo: Repo, name: str, sleep_seconds: int | None = None) -> Space:
    """Choose the hardware among what this hub has; the application starts again on it. Raises BadInput."""
    gate.check(actor, repo, Action.WRITE)
    flavors.get(m, name)
    read.get(m, repo)
    values: dict[str, Any] = {"hardware": name}
    if sleep_seconds is not None:
        values["sleep_seconds"] = check_sleep(sleep_seconds)
    with m.db.write() as tx:
        space = _taken(queries.take(tx, repo.id))
        queries.change(tx, repo.id, **values)
        record.write(tx, m.clock, actor, "space.hardware", repo.id, hardware=name)
        if space.hardware != name:
            change.restart(tx, m, space)
    return read.get(m, repo)


def set_sleep(m: Machinery, actor: Actor, repo: Repo, seconds: int) -> Space:
    """Say after how many seconds without a visit the Space goes to sleep; -1: never. Raises BadInput."""
    gate.check(actor, repo, Action.WRITE)
    check_sleep(seconds)
    read.get(m, repo)
    with m.db.write() as tx:
        _taken(queries.take(tx, repo.id))
        queries.change(tx, repo.id, sleep_seconds=seconds, changed_at=m.clock.now())
        record.write(tx, m.clock, actor, "space.sleep", repo.id, seconds=seconds)
    return read.get(m, repo)


def check_sleep(seconds: int) -> int:
    """Return a number of seconds after which a Space may go to sleep. Raises BadInput."""
    if seconds != NEVER and not 60 <= seconds <= _LONGEST:
        raise BadInput("A Space goes to sleep after 60 seconds or more without a visit; -1 means never.")
    return seconds


def set_storage(m: Machinery, actor: Actor, repo: Repo, tier: str | None) -> Space:
    """Give a Space a persistent /data, or delete it with everything in it (None). Raises BadInput, Conflict."""
    gate.check(actor, repo, Action.WRITE)
    if tier is not None and tier not in data.TIERS:
        raise BadInput(f"The storage of a Space is one of {', '.join(data.TIERS)}.")
    if read.get(m, repo).is_static:
        raise BadInput("A static Space has no storage: nothing runs there.")
    size = data.TIERS[tier] if tier else 0
    if read.get(m, repo).storage_mb == 0:
        data.drop(m, repo.id)  # what was deleted earlier, while its program still ran, must not come back
    with m.db.write() as tx:
        space = _taken(queries.take(tx, repo.id))
        if size and any(each.mount_path == launch.DATA for each in space.volumes):
            raise Conflict("A volume lies at /data. Take it away first.")
        if 0 < size < space.storage_mb:
            raise Conflict("Storage can grow but not shrink. Delete it first, with everything in it.")
        queries.change(tx, repo.id, storage_mb=size)
        record.write(tx, m.clock, actor, "space.storage", repo.id, tier=tier or "none")
        if size != space.storage_mb:
            change.restart(tx, m, space)
    if tier is None:
        data.drop(m, repo.id)
    return read.get(m, repo)


def set_volumes(m: Machinery, actor: Actor, repo: Repo, wanted: list[dict[str, Any]]) -> Space:
    """Choose the repositories that the application sees as folders, in place of those before. Raises BadInput, RepoNotFound."""
    gate.check(actor, repo, Action.WRITE)
    if read.get(m, repo).is_static:
        raise BadInput("A static Space has no volumes: nothing runs there.")
    found = volumes.parse(m, actor, wanted)
    with m.db.write() as tx:
        space = _taken(queries.take(tx, repo.id))
        if space.storage_mb and any(each.mount_path == launch.DATA for each in found):
            raise Conflict("The storage of this Space lies at /data. Mount the volume elsewhere.")
        queries.change(tx, repo.id, volumes=queries.dump_volumes(found))
        record.write(tx, m.clock, actor, "space.volumes", repo.id, mounts=[each.mount_path for each in found])
        change.restart(tx, m, space)
    return read.get(m, repo)


def delete_volumes(m: Machinery, actor: Actor, repo: Repo) -> Space:
    """Take all volumes away. Raises BadInput when there are none."""
    if not read.get(m, repo).volumes:
        raise BadInput("This Space has no volumes.")
    return set_volumes(m, actor, repo, [])


def _taken(space: Space | None) -> Space:
    if space is None:
        raise NotFound("This Space is being deleted.")
    return space
