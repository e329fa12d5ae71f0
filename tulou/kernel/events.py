"""What the slices tell each other: facts that happened, written in the same transaction."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class RefMove:
    """One ref went from `old` to `new` (40 hex; None = did not exist, or was deleted)."""

    ref: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """A fact."""

    kind: ClassVar[str] = "event"

    def payload(self) -> dict[str, Any]:
        """Return the fact as JSON-ready data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RepoEvent(Event):
    """A fact about one repository."""

    repo_id: str


@dataclass(frozen=True, slots=True)
class RefsMoved(RepoEvent):
    """A commit, push, branch or tag change landed."""

    kind: ClassVar[str] = "repo.refs"
    actor_id: str | None
    moves: tuple[RefMove, ...]


@dataclass(frozen=True, slots=True)
class RepoCreated(RepoEvent):
    """A repository came to be."""

    kind: ClassVar[str] = "repo.created"
    actor_id: str | None


@dataclass(frozen=True, slots=True)
class RepoChanged(RepoEvent):
    """Name, owner, visibility or gating changed."""

    kind: ClassVar[str] = "repo.changed"
    actor_id: str | None
    what: str


@dataclass(frozen=True, slots=True)
class RepoDeleted(RepoEvent):
    """A repository was deleted; its bytes stay until the grace period is over."""

    kind: ClassVar[str] = "repo.deleted"
    actor_id: str | None


@dataclass(frozen=True, slots=True)
class ObjectUploaded(RepoEvent):
    """A whole file arrived in large-file storage."""

    kind: ClassVar[str] = "object.uploaded"
    sha256: str


@dataclass(frozen=True, slots=True)
class RunChanged(Event):
    """A run came to another phase (`platform/compute/base.Phase`)."""

    kind: ClassVar[str] = "run.changed"
    run_id: str
    run_kind: str
    phase: str


_ALL = (RefsMoved, RepoCreated, RepoChanged, RepoDeleted, ObjectUploaded, RunChanged)
KINDS: dict[str, type[Event]] = {each.kind: each for each in _ALL}
