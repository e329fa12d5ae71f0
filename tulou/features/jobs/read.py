"""Look at jobs, each with its run."""

from __future__ import annotations

from dataclasses import dataclass

from tulou.features.accounts.model import Account
from tulou.features.jobs import queries, rights, stage
from tulou.features.jobs.model import Job
from tulou.features.jobs.stage import Stage
from tulou.features.runs import read as runs
from tulou.features.runs.model import Run
from tulou.kernel.actor import Actor
from tulou.kernel.errors import NotFound
from tulou.kernel.ids import is_id
from tulou.platform.machinery import Machinery

_CHUNK = 200


@dataclass(frozen=True, slots=True)
class JobView:
    """A job, its run now, and the account that it belongs to."""

    job: Job
    run: Run
    account: Account

    @property
    def stage(self) -> Stage:
        """The word of the Hub's clients for how it is."""
        return stage.of(self.run, is_saving=self.job.is_saving, save_problem=self.job.save_problem)

    @property
    def message(self) -> str | None:
        """Why it is so, for people."""
        return stage.message(self.run, is_saving=self.job.is_saving, save_problem=self.job.save_problem)


def get(m: Machinery, actor: Actor, account_name: str, job_id: str) -> JobView:
    """Return a job that `actor` may see. Raises NotFound, also for jobs of others."""
    account = rights.account_of(m, actor, account_name, "job")
    with m.db.read() as connection:
        found = queries.job_of(connection, account.id, job_id) if is_id(job_id) else None
    if found is None:
        raise NotFound("There is no such job.")
    return view(m, account, found)


def view(m: Machinery, account: Account, job: Job) -> JobView:
    """Return a job with its run. Raises NotFound when it was deleted meanwhile."""
    run = runs.get(m, job.run_id)
    if run is None:
        raise NotFound("There is no such job.")
    return JobView(job, run, account)


def page(
    m: Machinery, actor: Actor, account_name: str, *,
    stages: frozenset[Stage], labels: dict[str, str], after: str | None, limit: int,
) -> tuple[list[JobView], str | None]:  # fmt: skip
    """Return jobs, newest first, from behind the id `after`, and the id to go on from. Raises Forbidden.

    Without stages, all of them; only jobs that have every one of the labels.
    """
    account = rights.account_to_see(m, actor, account_name)
    found: list[Job] = []
    while len(found) <= limit:
        with m.db.read() as connection:
            chunk = queries.jobs(connection, account.id, stages, after, _CHUNK)
        found += [job for job in chunk if labels.items() <= job.labels.items()]
        if len(chunk) < _CHUNK:
            break
        after = chunk[-1].id
    known = runs.many(m, [job.run_id for job in found[:limit]])
    views = [JobView(job, known[job.run_id], account) for job in found[:limit] if job.run_id in known]
    return views, found[limit - 1].id if len(found) > limit else None
