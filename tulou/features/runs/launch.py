"""Turn a stored order into what the machine understands, and start it."""

from __future__ import annotations

import json

from tulou.features.runs import images, queries, sources
from tulou.features.runs.model import Order, Run
from tulou.features.runs.want import purpose
from tulou.platform.compute.base import Mount, Resources, RunSpec, StartFailed
from tulou.platform.machinery import Machinery
from tulou.platform.seal import SealBroken


def start(m: Machinery, run: Run, others: dict[str, sources.Resolver], lease_s: float | None) -> None:
    """Start an attempt of a run on this machine; doing it twice starts it once. Raises StartFailed, ComputeOff, OSError."""
    order = run.order
    mounts = tuple(Mount(sources.find(m, run, each.source, others), each.target, each.mode) for each in order.mounts)
    m.compute.start(RunSpec(
        id=run.machine_id, kind=run.kind, argv=order.argv, root=images.root_folder(m, order.image), mounts=mounts,
        env=order.env, secrets=_secrets(m, run), cwd=order.cwd, resources=_resources(order), network=order.network,
        timeout_s=order.timeout_s, lease_s=lease_s,
    ))  # fmt: skip


def _resources(order: Order) -> Resources:
    return Resources(cpus=order.cpus, memory_mb=order.memory_mb, pids=order.pids, tmp_mb=order.tmp_mb, disk_mb=order.disk_mb)


def _secrets(m: Machinery, run: Run) -> dict[str, str]:
    with m.db.read() as connection:
        sealed = queries.sealed(connection, run.id)
    if sealed is None:
        return {}
    try:
        secrets: dict[str, str] = json.loads(m.sealer.unseal(purpose(run.id), sealed))
    except SealBroken as cause:
        raise StartFailed(str(cause)) from cause
    return secrets
