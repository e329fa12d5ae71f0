"""What the owners of a job do with it: cancel, label, and start it again."""

from __future__ import annotations

from dataclasses import replace

from tulou.features.audit import record
from tulou.features.jobs import queries, read, rights, submit
from tulou.features.jobs.model import Job
from tulou.features.jobs.read import JobView
from tulou.features.runs import want
from tulou.kernel.actor import Actor
from tulou.platform.machinery import Machinery
from tulou.wire.job_spec import AskedJob


def cancel(m: Machinery, actor: Actor, account_name: str, job_id: str) -> None:
    """Stop a job; one that has ended stays as it is. Raises NotFound, Forbidden."""
    found = _mine(m, actor, account_name, job_id)
    with m.db.write() as tx:
        want.stop(tx, m, found.run.id)
        record.write(tx, m.clock, actor, "job.cancel", found.account.id, job=job_id)


def set_labels(m: Machinery, actor: Actor, account_name: str, job_id: str, labels: dict[str, str]) -> JobView:
    """Replace the labels of a job. Raises NotFound, Forbidden."""
    found = _mine(m, actor, account_name, job_id)
    with m.db.write() as tx:
        queries.set_labels(tx, job_id, labels)
    return replace(found, job=replace(found.job, labels=labels))


def rerun(m: Machinery, actor: Actor, account_name: str, job_id: str) -> Job:
    """Start a job with the same specification and secrets. Raises NotFound, and as `submit` does.

    What it names is found again: a branch may have moved, a repository may be closed to `actor` now.
    """
    found = _mine(m, actor, account_name, job_id)
    with m.db.read() as connection:
        sealed = queries.sealed_of_job(connection, job_id)
    asked = AskedJob(found.job.spec, submit.unseal(m, job_id, sealed), found.job.labels)
    return submit.submit(m, actor, found.account, asked, copied_from=job_id)


def _mine(m: Machinery, actor: Actor, account_name: str, job_id: str) -> JobView:
    found = read.get(m, actor, account_name, job_id)
    rights.require_run(actor, found.account.id)
    return found
