"""The tree of everything that may go wrong, as the caller will read it.

HubError
├── BadInput (400)         InvalidName, InvalidPath, EmptyCommit, WireError
├── Unauthenticated (401)  BadCredentials, SignInNeeded
├── Forbidden (403)        GatedRepo, QuotaExceeded
├── NotFound (404)         RepoNotFound, RevisionNotFound, EntryNotFound, ObjectNotFound, AccountNotFound
├── Conflict (409)         AlreadyExists
├── RequestTimedOut (408) · StaleParent (412) · TooLarge (413) · RangeNotSatisfiable (416)
├── Unprocessable (422) · TooManyRequests (429)
├── Locked (423) · NotBuilt, ComputeOff (501) · Busy (503) · StorageFull (507)
└── SettingError           stops the start, never reaches the wire

Messages are safe to show: they never repeat what the client sent, except names that passed their grammar.
"""

from __future__ import annotations


class HubError(Exception):
    """Something went wrong."""

    status = 500
    code = "internal"
    wire_code: str | None = None
    """Value of `X-Error-Code`, from which Hub clients choose their exception class."""

    def __init__(self, message: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip().split("\n")[0]
        super().__init__(self.message)


class BadInput(HubError):
    """The request could not be understood."""

    status = 400
    code = "bad_input"


class WireError(BadInput):
    """The bytes do not follow their format."""

    code = "bad_format"


class InvalidName(BadInput):
    """That is not a valid name."""

    code = "invalid_name"


class InvalidPath(BadInput):
    """That is not a valid file path."""

    status = 422
    code = "invalid_path"



class EmptyCommit(BadInput):
    """The commit changes nothing."""

    code = "empty_commit"


class Unauthenticated(HubError):
    """Please sign in or send a token."""

    status = 401
    code = "unauthenticated"


class BadCredentials(Unauthenticated):
    """Invalid credentials in Authorization header"""

    code = "bad_credentials"


class SignInNeeded(Unauthenticated):
    """This needs a sign-in: send a token."""

    code = "sign_in_needed"


class Forbidden(HubError):
    """You do not have the right to do this."""

    status = 403
    code = "forbidden"


class GatedRepo(Forbidden):
    """Access to this repository is restricted and you are not in the authorized list."""

    code = "gated_repo"
    wire_code = "GatedRepo"


class GatedRepoSignIn(GatedRepo):
    """Access to this repository is restricted. Please sign in or send a token."""

    status = 401
    code = "gated_repo_sign_in"


class QuotaExceeded(Forbidden):
    """The storage quota of this account is used up."""

    code = "quota_exceeded"


class NotFound(HubError):
    """There is nothing here."""

    status = 404
    code = "not_found"


class RepoNotFound(NotFound):
    """Repository not found"""

    code = "repo_not_found"
    wire_code = "RepoNotFound"


class RepoNotFoundSignIn(RepoNotFound):
    """Repository not found, or it needs a sign-in: send a token."""

    status = 401
    code = "repo_not_found_sign_in"


class RevisionNotFound(NotFound):
    """That revision does not exist in this repository."""

    code = "revision_not_found"
    wire_code = "RevisionNotFound"


class EntryNotFound(NotFound):
    """Entry not found"""

    code = "entry_not_found"
    wire_code = "EntryNotFound"

    def __init__(self, message: str | None = None, *, commit: str | None = None) -> None:
        super().__init__(message)
        self.commit = commit


class ObjectNotFound(NotFound):
    """No such object in this repository."""

    code = "object_not_found"


class AccountNotFound(NotFound):
    """No such user or organization."""

    code = "account_not_found"


class Conflict(HubError):
    """The request conflicts with the present state."""

    status = 409
    code = "conflict"


class AlreadyExists(Conflict):
    """It already exists."""

    code = "already_exists"

    def __init__(self, message: str | None = None, *, url: str | None = None) -> None:
        super().__init__(message)
        self.url = url


class StaleParent(HubError):
    """The branch was updated since you opened this page. Please refresh and try again."""

    status = 412
    code = "stale_parent"


class TooLarge(HubError):
    """The request is larger than this server accepts."""

    status = 413
    code = "too_large"


class RangeNotSatisfiable(HubError):
    """The requested range lies outside the file."""

    status = 416
    code = "range_not_satisfiable"

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size


class Unprocessable(HubError):
    """The request was understood but cannot be carried out."""

    status = 422
    code = "unprocessable"


class Locked(HubError):
    """Somebody else holds a lock on this."""

    status = 423
    code = "locked"


class TooManyRequests(HubError):
    """Too many requests: please slow down."""

    status = 429
    code = "too_many_requests"

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = retry_after


class NotBuilt(HubError):
    """This server does not have that feature yet."""

    status = 501
    code = "not_built"


class ComputeOff(HubError):
    """This hub runs no programs: its administrator can see why, and what to do, with `tulou doctor`."""

    status = 501
    code = "compute_off"


class Busy(HubError):
    """The server is busy. Please try again in a moment."""

    status = 503
    code = "busy"


class ViewerProblem(HubError):
    """The dataset viewer cannot show this."""

    code = "viewer"

    def __init__(self, wire_code: str, message: str | None = None, status: int = 500) -> None:
        super().__init__(message)
        self.wire_code = wire_code
        self.status = status


class RequestTimedOut(HubError):
    """The request body arrived too slowly."""

    status = 408
    code = "request_timed_out"


class StorageFull(HubError):
    """The disk of this server is full: nothing was stored. Please tell its administrator."""

    status = 507
    code = "storage_full"


class SettingError(HubError):
    """A setting is unknown or impossible."""

    code = "setting"
