"""Start jobs: check what is asked against what this hub has and who may, then write job, run and token down together."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from tulou.db.engine import Tx
from tulou.features.accounts import tokens
from tulou.features.accounts.model import Account
from tulou.features.audit import record
from tulou.features.jobs import queries, rights, volumes
from tulou.features.jobs.model import Job
from tulou.features.runs import base, flavors, images, want
from tulou.features.runs.model import HOST_IMAGE, Order, OrderMount
from tulou.kernel.actor import Actor
from tulou.kernel.errors import Conflict
from tulou.kernel.ids import new_id
from tulou.kernel.limits import JOBS_LIVE
from tulou.platform.machinery import Machinery
from tulou.wire.job_spec import AskedJob, JobSpec

KIND = "job"
TOKEN = "HF_TOKEN"  # noqa: S105 - the name of a variable
WAIT_MS = 7 * 24 * 3_600_000
"""The token of a job works for all its attempts and this much longer: it may have to wait. It ends with the job anyway."""
_IMAGE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Ready:
    """A job that can be started: everything it names was found, and its starter may use it."""

    account: Account
    spec: JobSpec
    secrets: dict[str, str] = field(repr=False)
    labels: dict[str, str]
    image: str
    notes: tuple[str, ...]
    flavor: flavors.Flavor
    mounts: tuple[OrderMount, ...]


def submit(m: Machinery, actor: Actor, account: Account, asked: AskedJob, *, copied_from: str | None = None) -> Job:
    """Start a job. Raises Forbidden, BadInput for what this hub does not have, Conflict when too many wait, and as the gate does.

    One transaction: job, run, token and audit line are there, or nothing is. The machine follows the run.
    """
    ready = prepare(m, actor, account, asked)
    with m.db.write() as tx:
        return place(tx, m, actor, ready, copied_from=copied_from)


def prepare(m: Machinery, actor: Actor, account: Account, asked: AskedJob) -> Ready:
    """Check a job and find what it names. Raises as `submit`."""
    rights.check_run(actor, account.id)
    spec = asked.spec
    image, notes = images.resolve(m, spec.image)
    flavor = flavors.get(m, spec.flavor)
    found = volumes.mounts(m, actor, spec.volumes)
    return Ready(account, spec, asked.secrets, asked.labels, image, notes, flavor, found)


def place(
    tx: Tx, m: Machinery, actor: Actor, ready: Ready, *, scheduled_id: str | None = None, copied_from: str | None = None
) -> Job:
    """Start a checked job in the caller's transaction. Raises Conflict when too many wait."""
    account, spec = ready.account, ready.spec
    if queries.count_live(tx, account.id) >= JOBS_LIVE:
        raise Conflict(f"This account has {JOBS_LIVE} jobs that run or wait, which is the limit. Cancel some, or wait.")
    job_id, now = new_id(), m.clock.now()
    secrets, token_id = dict(ready.secrets), None
    if TOKEN not in secrets and TOKEN not in spec.environment:
        ends = now + spec.attempts * spec.timeout_s * 1000 + WAIT_MS
        made = tokens.add_for_run(tx, m, actor, f"job {job_id}", ends)
        secrets[TOKEN], token_id = made.secret, made.info.id
    run_id = want.order(
        tx, m, kind=KIND, account_id=account.id, actor_id=actor.user_id, repo_id=None, order=_order(m, job_id, ready),
        secrets=secrets, token_id=token_id, attempts=spec.attempts,
    )  # fmt: skip
    job = Job(
        job_id, account.id, actor.user_id or "", run_id, scheduled_id, copied_from, spec, ready.notes,
        tuple(sorted(ready.secrets)), ready.labels, now, is_saving=any(mount.mode == "rw" for mount in ready.mounts),
    )  # fmt: skip
    queries.insert_job(tx, job, seal(m, job_id, ready.secrets))
    record.write(tx, m.clock, actor, "job.start", account.id, job=job_id, image=spec.image, flavor=spec.flavor)
    return job


def seal(m: Machinery, owner_id: str, secrets: dict[str, str]) -> bytes | None:
    """Return the secrets of a job or a schedule as they are stored, for starting it again."""
    return m.sealer.seal(f"job {owner_id}", json.dumps(secrets).encode()) if secrets else None


def unseal(m: Machinery, owner_id: str, sealed: bytes | None) -> dict[str, str]:
    """Return what `seal` was given. Raises SealBroken."""
    secrets: dict[str, str] = json.loads(m.sealer.unseal(f"job {owner_id}", sealed)) if sealed else {}
    return secrets


def _order(m: Machinery, job_id: str, ready: Ready) -> Order:
    spec, flavor = ready.spec, ready.flavor
    is_ours = ready.image == HOST_IMAGE
    own = base.environment(m) if is_ours else {"PATH": _IMAGE_PATH, **base.index_environment(m)}
    cache = base.CACHE if is_ours else "/tmp"  # noqa: S108 - the job's own
    env = own | {
        "HF_ENDPOINT": base.endpoint(m), "HF_HOME": f"{cache}/huggingface", "JOB_ID": job_id, "ACCELERATOR": "none",
        "CPU_CORES": f"{flavor.cpus:g}", "MEMORY": f"{flavor.memory_mb}MB", "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }  # fmt: skip
    return Order(
        argv=(*spec.command, *spec.arguments), image=ready.image, mounts=(*(base.mounts(m) if is_ours else ()), *ready.mounts),
        env=env | spec.environment, cpus=flavor.cpus, memory_mb=flavor.memory_mb, tmp_mb=flavor.memory_mb,
        network="egress", timeout_s=float(spec.timeout_s),
    )  # fmt: skip
