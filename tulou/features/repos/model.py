"""A repository, as everybody else sees it."""

from __future__ import annotations

from dataclasses import dataclass

from tulou.kernel.names import RepoName


@dataclass(frozen=True, slots=True)
class Repo:
    """One live repository. `generation` grows with every change of its refs or packs."""

    id: str
    name: RepoName
    account_id: str
    account_is_org: bool
    visibility: str
    gated: str
    default_branch: str
    generation: int
    created_at: int
    updated_at: int

    @property
    def is_private(self) -> bool:
        """True when strangers must not learn that it exists."""
        return self.visibility == "private"

    @property
    def default_ref(self) -> str:
        """The full name of the default branch."""
        return f"refs/heads/{self.default_branch}"


@dataclass(frozen=True, slots=True)
class Ref:
    """A row of refs: `target` is what it names, `peeled` the commit behind it (they differ for annotated tags)."""

    name: str
    target: str
    peeled: str
