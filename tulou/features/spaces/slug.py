"""Make the first label of a Space's host name out of its name."""

from __future__ import annotations

import hashlib
import re

from tulou.kernel.names import RepoName

LABEL = 63
"""What DNS allows."""
_MARK = 8
_OURS = frozenset({"datasets-server"})
"""Labels of hosts on which the hub itself answers."""


def slug(name: RepoName, *, marked: bool = False) -> str:
    """Return `<owner>-<name>` in lower case, other characters as `-`, cut to what a host name may have.

    Different names can come to the same label, as `a.b/c` and `a-b/c` do: the second gets a mark made of its whole name,
    and so does one that would have a host of the hub's own.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", name.full.lower()).strip("-") or "space"
    if not marked and len(plain) <= LABEL and plain not in _OURS:
        return plain
    mark = hashlib.sha256(name.full.lower().encode()).hexdigest()[:_MARK]
    return f"{plain[: LABEL - _MARK - 1].rstrip('-')}-{mark}"
