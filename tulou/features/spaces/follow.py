"""Bring a Space as far as it can go now: look at its row, its branch and its runs, do the one next thing, and look again.

It remembers nothing between two looks, so that a crash anywhere is repaired by the next: after an event, or within half a minute.
docs/internals/spaces.md has the table of what is seen and what is done.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tulou.db.engine import Tx
from tulou.features.content import revisions
from tulou.features.repos import lookup
from tulou.features.repos.model import Repo
from tulou.features.runs import read as runs_read
from tulou.features.runs import sources, want
from tulou.features.runs.model import Order, Run
from tulou.features.spaces import build, change, data, deploy, packages, queries, read, trouble, volumes
from tulou.features.spaces.config import CannotRun
from tulou.features.spaces.model import Building, Built, Space, Stage, dump
from tulou.features.spaces.slug import slug
from tulou.kernel.errors import ComputeOff, HubError, RepoNotFound, RevisionNotFound
from tulou.kernel.limits import SPACE_LIVES_MS
from tulou.kernel.names import RepoKind
from tulou.platform.machinery import Machinery
from tulou.platform.seal import SealBroken

LOOKS = 12
ROOM_MS = 10_000
"""A new version that finds no room beside the old one takes its place after so long."""


def follow(m: Machinery, repo_id: str) -> None:
    """Do everything that can be done for a Space now."""
    for _ in range(LOOKS):
        if not _look(m, repo_id):
            return


def _look(m: Machinery, repo_id: str) -> bool:
    """Do the next thing. False: there is nothing to do until something happens."""
    repo = _repo(m, repo_id)
    if repo is None:
        return _forget(m, repo_id)
    space = read.by_id(m, repo_id)
    if space is None:
        change.create(m, repo)
        return True
    if space.slug not in {slug(repo.name), slug(repo.name, marked=True)}:
        return _put(m, space, lambda tx: change.readdress(tx, m, space, repo))
    runs = runs_read.many(m, space.run_ids)
    if space.want != "run" and space.stage not in {Stage.PAUSED, Stage.STOPPED}:
        return _put(m, space, lambda tx: change.rest(tx, m, space, space.want))
    if space.want == "pause":
        return False
    return _pushed(m, repo, space, runs)


def _pushed(m: Machinery, repo: Repo, space: Space, runs: dict[str, Run]) -> bool:
    """Deploy what the branch has now, or go on with what is deployed."""
    try:
        head = revisions.head(m, repo)
    except RevisionNotFound:
        return space.stage is not Stage.NO_APP_FILE and _fail(m, space, CannotRun(Stage.NO_APP_FILE, "There is no commit."))
    if space.want == "sleep" and space.commit == head:
        return False
    if head != space.commit:
        try:
            deploy.begin(m, repo, space, head, runs)
        except CannotRun as problem:
            return _fail(m, space, problem, commit=head, want="run")
        except deploy.NotYourTurn:
            return _stage(m, space, Stage.RUNNING_BUILDING if deploy.is_serving(space, runs) else Stage.BUILDING)
        except ComputeOff as problem:
            return _put(m, space, partial(_cannot_now, m=m, space=space, head=head, message=problem.message))
        except HubError as problem:
            return _fail(m, space, CannotRun(Stage.CONFIG_ERROR, problem.message), commit=head, want="run")
        return True
    if space.building is None:
        return _served(m, space, runs)
    if space.building.step == "start":
        return _starting(m, repo, space, space.building, runs)
    return _building(m, repo, space, space.building, runs)


def _cannot_now(tx: Tx, m: Machinery, space: Space, head: str, message: str) -> None:
    """Nothing runs on this hub now. Once its operator changes that, the next visit, push or restart begins again."""
    change.rest(tx, m, space, "sleep")
    queries.change(tx, space.repo_id, commit=head, message=message)


def _building(m: Machinery, repo: Repo, space: Space, building: Building, runs: dict[str, Run]) -> bool:
    """Go on from one step of a build to the next."""
    run = runs.get(building.run_id)
    if run is None:
        return _fail(m, space, CannotRun(Stage.BUILD_ERROR, "The build was lost. Restart the Space."))
    if not run.is_over:
        return _stage(m, space, Stage.RUNNING_BUILDING if deploy.is_serving(space, runs) else Stage.BUILDING)
    if run.phase != "succeeded":
        _drop(m, building)
        return _fail(m, space, CannotRun(Stage.BUILD_ERROR, trouble.ended(run, "The build")))
    try:
        more = _DONE[building.step](m, repo, building)
    except CannotRun as problem:
        _drop(m, building)
        return _fail(m, space, problem)

    def go_on(tx: Tx) -> None:
        after, order = more
        if order is not None:
            run_id = deploy.order_build(tx, m, repo, order)
            after = Building(after.plan, after.step, run_id, after.env, after.salt)
            queries.change(tx, repo.id, build_runs=queries.dump_ids((*space.build_runs, run_id)))
        else:
            queries.change(tx, repo.id, built=dump(Built(after.plan, after.env)))
        queries.change(tx, repo.id, building=dump(after), changed_at=m.clock.now())

    _put(m, space, go_on)
    _drop(m, building)
    return True


def _drop(m: Machinery, building: Building) -> None:
    """Delete what a step of a build left. What a crash or a later push leaves of it is swept."""
    sources.drop_out(m, building.run_id)
    if building.step == "image":
        sources.drop_out(m, building.env)


def _locked(m: Machinery, repo: Repo, building: Building) -> tuple[Building, Order | None]:
    """The list of packages is there: install it, unless an equal one was."""
    lock = build.read_lock(m, building.run_id)
    if lock is None:
        raise CannotRun(Stage.BUILD_ERROR, "The build left no list of packages.")
    plan = building.plan
    env = packages.key(lock, plan.image, building.salt, repo.id, plan.commit)
    if sources.env_folder(m, env).is_dir():
        return Building(plan, "start", env=env), None
    packages.keep_lock(m, env, lock)
    order = build.install_order(m, repo, plan, env, with_source=not packages.is_complete(lock))
    return Building(plan, "install", env=env, salt=building.salt), order


def _installed(m: Machinery, _repo: Repo, building: Building) -> tuple[Building, Order | None]:
    """The packages are installed: put the environment in its place."""
    if not build.publish(m, sources.out_folder(m, building.run_id) / "env", building.env):
        raise CannotRun(Stage.BUILD_ERROR, "The build left no environment.")
    packages.drop_lock(m, building.env)
    return Building(building.plan, "start", env=building.env), None


def _imaged(m: Machinery, _repo: Repo, building: Building) -> tuple[Building, Order | None]:
    """The steps of the Dockerfile are done: put what they left in its place."""
    if not build.publish(m, sources.out_folder(m, building.env), building.env):
        raise CannotRun(Stage.BUILD_ERROR, "The build left nothing.")
    return Building(building.plan, "start", env=building.env), None


_DONE = {"lock": _locked, "install": _installed, "image": _imaged}


def _starting(m: Machinery, repo: Repo, space: Space, building: Building, runs: dict[str, Run]) -> bool:
    """Order the application, or let it take the place of the old one once it answers."""
    if not building.run_id:
        return _order(m, repo, space, building)
    run = runs.get(building.run_id)
    old = runs.get(space.run_id or "")
    if run is None or run.is_over:
        sentence = trouble.ended(run, "The application") if run is not None else "The application was lost."
        if run is not None and run.phase == "stopped":
            return _put(m, space, lambda tx: change.rest(tx, m, space, "sleep"))
        return _fail(m, space, CannotRun(Stage.RUNTIME_ERROR, sentence), run_id=building.run_id)
    if run.phase in deploy.SERVING:
        return _put(m, space, lambda tx: _swap(tx, m, space, building))
    is_waiting = run.phase == "pending" and m.clock.now() > run.created_at + ROOM_MS
    if is_waiting and old is not None and not old.is_over and old.want != "stop":
        return _put(m, space, lambda tx: want.stop(tx, m, old.id))
    return _stage(m, space, Stage.RUNNING_APP_STARTING if deploy.is_serving(space, runs) else Stage.APP_STARTING)


def _order(m: Machinery, repo: Repo, space: Space, building: Building) -> bool:
    built = Built(building.plan, building.env)
    if built.env and not sources.env_folder(m, built.env).is_dir():
        # Somebody emptied the cache: build it again.
        return _put(m, space, lambda tx: queries.change(tx, repo.id, commit=None, building="{}"))
    try:
        order, secrets = deploy.prepare(m, repo, space, built)
    except CannotRun as problem:
        return _fail(m, space, problem)
    except SealBroken as problem:
        return _fail(m, space, CannotRun(Stage.RUNTIME_ERROR, f"Its secrets cannot be read: {problem}"))
    return _put(m, space, lambda tx: deploy.start_in(tx, m, repo, built, order, secrets))


def _swap(tx: Tx, m: Machinery, space: Space, building: Building) -> None:
    if space.run_id and space.run_id != building.run_id:
        want.stop(tx, m, space.run_id)
    queries.change(
        tx, space.repo_id, run_id=building.run_id, building="{}", message="", stage=Stage.RUNNING, changed_at=m.clock.now()
    )


def _served(m: Machinery, space: Space, runs: dict[str, Run]) -> bool:
    """Nothing is being deployed: see whether the application is still there."""
    if space.stage.is_error or space.built is None:
        return False
    if space.built.plan.is_static:
        return _stage(m, space, Stage.RUNNING)
    run = runs.get(space.run_id or "")
    if run is None or run.phase == "lost":
        return _put(m, space, lambda tx: queries.change(tx, space.repo_id, **change.started(space)))
    if not run.is_over and (problem := _lost_volume(m, space)) is not None:
        return _fail(m, space, CannotRun(Stage.RUNTIME_ERROR, problem))
    if not run.is_over:
        return run.phase in deploy.SERVING and _stage(m, space, Stage.RUNNING)
    if run.phase == "stopped":  # not by us: the hub stops applications when it ends, and the next visit wakes them
        return _put(m, space, lambda tx: change.rest(tx, m, space, "sleep"))
    if (run.ended_at or 0) - (run.started_at or 0) >= SPACE_LIVES_MS and space.stage.is_serving:
        return _put(m, space, lambda tx: queries.change(tx, space.repo_id, **change.started(space)))
    return _fail(m, space, CannotRun(Stage.RUNTIME_ERROR, trouble.ended(run, "The application")))


def _lost_volume(m: Machinery, space: Space) -> str | None:
    """Return why the application may not see what it sees any more, or None: rights change while it runs."""
    try:
        volumes.mounts(m, space.volumes)
    except HubError as problem:
        return problem.message
    return None


def _stage(m: Machinery, space: Space, stage: Stage) -> bool:
    """Note another stage, and wait: nothing else follows from it."""
    if space.stage is not stage:
        _put(m, space, lambda tx: queries.change(tx, space.repo_id, stage=stage, message=""))
    return False


def _fail(m: Machinery, space: Space, problem: CannotRun, **more: str | None) -> bool:
    return _put(m, space, lambda tx: change.fail(tx, m, space, problem.stage, problem.message, **more))


def _put(m: Machinery, seen: Space, write: Callable[[Tx], object]) -> bool:
    """Write in one transaction, unless somebody changed the Space since it was seen. True: look again."""
    with m.db.write() as tx:
        now = queries.take(tx, seen.repo_id)
        if now is not None and deploy.same(now, seen):
            write(tx)
    return True


def _forget(m: Machinery, repo_id: str) -> bool:
    """The repository is deleted: stop what runs, and erase settings, secrets and the persistent folder.

    Write order: 1 one transaction: runs stopped, rows gone   2 the folder, once those runs ended.
    Crash after 1: the sweep deletes folders without a Space.
    """
    with m.db.write() as tx:
        space = queries.take(tx, repo_id)
        if space is not None:
            change.stop_runs(tx, m, space)
            queries.delete(tx, repo_id)
    data.drop(m, repo_id)
    return False


def _repo(m: Machinery, repo_id: str) -> Repo | None:
    try:
        found = lookup.by_id(m, repo_id)
    except RepoNotFound:
        return None
    return found if found.name.kind is RepoKind.SPACE else None
