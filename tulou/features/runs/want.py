"""Say what should run. The machine follows later: `features/runs/reconcile`."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tulou.db.engine import Tx
from tulou.features.runs import queries
from tulou.features.runs.model import Order
from tulou.kernel.ids import new_id
from tulou.platform.machinery import Machinery


def order(
    tx: Tx, m: Machinery, *, kind: str, account_id: str, actor_id: str | None, repo_id: str | None, order: Order,
    secrets: Mapping[str, str] | None = None, token_id: str | None = None, attempts: int = 1,
) -> str:  # fmt: skip
    """Ask for a run in the caller's transaction, which has decided that it may be, and return its id.

    `attempts`: how often it may be tried in all when it fails or its machine is lost. `secrets` are stored sealed until it ends.
    """
    run_id = new_id()
    queries.insert(tx, {
        "id": run_id, "kind": kind, "account_id": account_id, "actor_id": actor_id, "repo_id": repo_id, "token_id": token_id,
        "order": order.dump(), "memory_mb": order.memory_mb, "attempts": attempts, "created_at": m.clock.now(),
        "sealed": m.sealer.seal(purpose(run_id), json.dumps(dict(secrets)).encode()) if secrets else None,
    })  # fmt: skip
    tx.on_commit(m.wake)
    return run_id


def stop(tx: Tx, m: Machinery, run_id: str) -> None:
    """End a run: politely, then not. One that has ended stays as it is."""
    queries.want(tx, run_id, "stop")
    tx.on_commit(m.wake)


def pause(tx: Tx, m: Machinery, run_id: str) -> None:
    """Freeze a run: it keeps its memory and uses no processor."""
    queries.want(tx, run_id, "pause")
    tx.on_commit(m.wake)


def resume(tx: Tx, m: Machinery, run_id: str) -> None:
    """Let a frozen run go on."""
    queries.want(tx, run_id, "run")
    tx.on_commit(m.wake)


def purpose(run_id: str) -> str:
    """Return what the secrets of a run are sealed for."""
    return f"run {run_id}"
