"""Set what an account may store."""

from __future__ import annotations

import sqlalchemy as sa

from tulou.db.tables import account
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.create import require_admin
from tulou.features.audit import record
from tulou.kernel.actor import Actor
from tulou.kernel.errors import AccountNotFound
from tulou.kernel.limits import GIB
from tulou.platform.machinery import Machinery


def set_limit(m: Machinery, actor: Actor, name: str, gigabytes: int | None) -> None:
    """Give an account a limit of its own in GiB, or with None the default of the hub. Raises AccountNotFound, Forbidden."""
    require_admin(actor)
    found = accounts.by_name(m, name)
    if found is None:
        raise AccountNotFound
    size = None if gigabytes is None else gigabytes * GIB
    with m.db.write() as tx:
        tx.execute(sa.update(account).where(account.c.id == found.id).values(quota_bytes=size))
        record.write(tx, m.clock, actor, "quota.changed", found.id, bytes=size)
