"""Jobs and schedules as Hub clients read them."""

from __future__ import annotations

from typing import Any

from tulou.features.accounts.model import Account
from tulou.features.jobs import stage
from tulou.features.jobs.model import Schedule
from tulou.features.jobs.read import JobView
from tulou.features.runs.flavors import Flavor
from tulou.kernel.clock import iso
from tulou.wire.job_spec import JobSpec


def job(found: JobView, starter: Account | None, now: int) -> dict[str, Any]:
    """Return a job."""
    one, run = found.job, found.run
    took = stage.durations(run, now)
    return {
        "type": "job",
        "id": one.id,
        "createdAt": iso(one.created_at),
        "startedAt": iso(run.started_at) if run.started_at else None,
        "finishedAt": iso(run.ended_at) if run.ended_at else None,
        **_spec(one.spec, one.secret_names, one.labels),
        "status": {"stage": found.stage.value, "message": found.message, "exposeUrls": None, "sshUrl": None},
        "durations": {"schedulingSecs": took.scheduling, "runningSecs": took.running, "totalSecs": took.total},
        "exitCode": run.exit_code,
        "owner": _owner(found.account),
        "initiator": _initiator(found, starter),
        "createdBy": {"id": starter.id, "name": starter.name} if starter else None,
        "network": None,
        "expose": None,
    }


def schedule(one: Schedule, account: Account) -> dict[str, Any]:
    """Return a schedule."""
    last = {"id": one.last_job_id, "at": iso(one.last_at)} if one.last_job_id and one.last_at else None
    return {
        "id": one.id,
        "createdAt": iso(one.created_at),
        "jobSpec": {**_spec(one.spec, one.secret_names, one.labels), "timeout": one.spec.timeout_s, "tags": [], "arch": "amd64"},
        "schedule": one.cron,
        "suspend": one.is_suspended,
        "suspendReason": one.problem or None,
        "concurrency": one.may_overlap,
        "status": {"lastJob": last, "nextJobRunAt": iso(one.next_at) if one.next_at else None},
        "owner": _owner(account),
    }


def hardware(flavor: Flavor) -> dict[str, Any]:
    """Return a flavour. It costs nothing here: nobody pays by the minute."""
    return {
        "name": flavor.name,
        "prettyName": flavor.pretty,
        "cpu": f"{flavor.cpus:g} vCPU",
        "ram": f"{flavor.memory_mb / 1024:g} GB",
        "accelerator": None,
        "unitCostMicroUSD": 0,
        "unitCostUSD": 0.0,
        "unitLabel": "minute",
    }


def _spec(spec: JobSpec, secret_names: tuple[str, ...], labels: dict[str, str]) -> dict[str, Any]:
    return {
        "dockerImage": spec.image,
        "spaceId": None,
        "command": list(spec.command),
        "arguments": list(spec.arguments),
        "environment": spec.environment,
        "secrets": dict.fromkeys(secret_names),
        "flavor": spec.flavor,
        "timeoutSeconds": spec.timeout_s,
        "retry": spec.attempts - 1,
        "labels": labels,
        "volumes": [volume.shown() for volume in spec.volumes],
    }


def _owner(account: Account) -> dict[str, str]:
    return {"id": account.id, "name": account.name, "type": account.kind.value}


def _initiator(found: JobView, starter: Account | None) -> dict[str, Any] | None:
    one = found.job
    if one.scheduled_id is not None:
        return {"type": "scheduled-job", "id": one.scheduled_id}
    if one.copied_from is not None:
        return {"type": "duplicated-job", "id": one.copied_from}
    return {"type": "user", "id": starter.id, "name": starter.name} if starter else None
