"""Begin the deployment of a commit: read its plan, then order the first run of its build, or nothing for a static Space."""

from __future__ import annotations

from collections.abc import Callable

from tulou.db.engine import Tx
from tulou.features.repos.model import Repo
from tulou.features.runs import flavors, want
from tulou.features.runs import read as runs_read
from tulou.features.runs.model import Order, Run
from tulou.features.spaces import build, change, launch, plans, queries, settings, volumes
from tulou.features.spaces.config import CannotRun
from tulou.features.spaces.model import Building, Built, Plan, Space, Stage, dump
from tulou.kernel.errors import HubError
from tulou.kernel.ids import new_id
from tulou.kernel.limits import BUILDS_AT_ONCE, SPACES_AWAKE
from tulou.platform.machinery import Machinery

SERVING = frozenset({"running", "paused"})


class NotYourTurn(Exception):
    """So many builds of this account go on that another has to wait."""


def begin(
    m: Machinery, repo: Repo, seen: Space, head: str, runs: dict[str, Run], *, salt: str = "",
    also: Callable[[Tx], None] | None = None,
) -> None:  # fmt: skip
    """Deploy a commit; with a salt, without anything that was built before. `also` joins the transaction.

    Raises CannotRun, HubError: their words are for the author of the Space; NotYourTurn.
    One transaction: the row names the commit, the step and the run that does it; what an earlier deployment ran is stopped.
    A crash before it leaves everything as it was, and the next look at the Space begins again.
    """
    plan = plans.at(m, repo, head)
    if plan.is_static:
        _serve_files(m, seen, plan)
        return
    flavors.get(m, seen.hardware)
    others = [run for run in runs_read.live(m, repo.account_id, "build") if run.repo_id != repo.id and run.want == "run"]
    if len(others) >= BUILDS_AT_ONCE:
        raise NotYourTurn
    with m.db.read() as connection:
        variables = {each.name: each.value or "" for each in queries.settings(connection, repo.id) if not each.is_secret}
    layers = new_id() if plan.script is not None else ""
    if plan.script is not None:
        order = build.image_order(m, repo, plan, plan.script, layers, variables)
    else:
        order = build.lock_order(m, repo, plan, variables)
    with m.db.write() as tx:
        space = queries.take(tx, repo.id)
        if space is None or not same(space, seen):
            return
        if space.building is not None and space.building.run_id:
            want.stop(tx, m, space.building.run_id)
        run_id = order_build(tx, m, repo, order)
        if also is not None:
            also(tx)
        queries.change(
            tx, repo.id, want="run", commit=head, message="",
            building=dump(Building(plan, "image" if layers else "lock", run_id, env=layers, salt=salt)),
            build_runs=queries.dump_ids((run_id,)), changed_at=m.clock.now(),
            stage=Stage.RUNNING_BUILDING if is_serving(space, runs) else Stage.BUILDING,
        )  # fmt: skip


def order_build(tx: Tx, m: Machinery, repo: Repo, order: Order) -> str:
    """Order a run of a build."""
    return want.order(tx, m, kind="build", account_id=repo.account_id, actor_id=None, repo_id=repo.id, order=order)


def prepare(m: Machinery, repo: Repo, space: Space, built: Built) -> tuple[Order, dict[str, str]]:
    """Return the order that starts an application, and its secrets. Raises CannotRun."""
    others = [run for run in runs_read.live(m, repo.account_id, "space") if run.repo_id != repo.id and run.want != "stop"]
    if len(others) >= SPACES_AWAKE:
        most = f"{SPACES_AWAKE} applications of this account run, which is the most. Pause one, then restart this."
        raise CannotRun(Stage.RUNTIME_ERROR, most)
    with m.db.read() as connection:
        variables = queries.settings(connection, repo.id)
    try:
        order = launch.order(m, repo, space, built, variables, volumes.mounts(m, space.volumes))
    except HubError as problem:
        raise CannotRun(Stage.RUNTIME_ERROR, problem.message) from problem
    return order, settings.unsealed(m, repo.id)


def start_in(tx: Tx, m: Machinery, repo: Repo, built: Built, order: Order, secrets: dict[str, str]) -> str:
    """Order the application, and note that it starts."""
    run_id = want.order(
        tx, m, kind="space", account_id=repo.account_id, actor_id=None, repo_id=repo.id, order=order, secrets=secrets
    )
    queries.change(tx, repo.id, building=dump(Building(built.plan, "start", run_id, built.env)), changed_at=m.clock.now())
    return run_id


def same(now: Space, seen: Space) -> bool:
    """Say whether nobody changed a Space since it was seen."""
    return now.changed_at == seen.changed_at and (now.stage, now.want, now.building, now.run_id, now.commit, now.slug) == (
        seen.stage, seen.want, seen.building, seen.run_id, seen.commit, seen.slug,
    )  # fmt: skip


def is_serving(space: Space, runs: dict[str, Run]) -> bool:
    """Say whether an application answers visitors now."""
    run = runs.get(space.run_id or "")
    return run is not None and run.phase in SERVING and run.want != "stop"


def _serve_files(m: Machinery, seen: Space, plan: Plan) -> None:
    with m.db.write() as tx:
        space = queries.take(tx, seen.repo_id)
        if space is not None and same(space, seen):
            change.stop_runs(tx, m, space)
            queries.change(
                tx, seen.repo_id, want="run", commit=plan.commit, building="{}", built=dump(Built(plan)), message="",
                build_runs="[]", run_id=None, stage=Stage.RUNNING, changed_at=m.clock.now(),
            )  # fmt: skip
