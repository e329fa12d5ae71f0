"""The only grammar for accounts, repositories, refs, revisions and paths."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from tulou.kernel.errors import InvalidName, InvalidPath
from tulou.kernel.ids import Sha1, Sha256
from tulou.kernel.limits import NAME_CHARS, PATH_BYTES, PATH_DEPTH, REF_BYTES


class RepoKind(StrEnum):
    """The kinds of repository, by their singular word on the wire. All but the bucket keep their history in git."""

    MODEL = "model"
    DATASET = "dataset"
    SPACE = "space"
    KERNEL = "kernel"
    BUCKET = "bucket"

    @property
    def plural(self) -> str:
        """The word in API paths: `models`."""
        return self.value + "s"

    @property
    def prefix(self) -> str:
        """What stands before `namespace/name` in a page or git URL: nothing for models."""
        return "" if self is RepoKind.MODEL else self.plural + "/"


GIT_KINDS = (RepoKind.MODEL, RepoKind.DATASET, RepoKind.SPACE, RepoKind.KERNEL)
"""What has commits, a card and pages of its own; a bucket is a folder of files without any of them."""
KIND_BY_PLURAL = {kind.plural: kind for kind in GIT_KINDS}

RESERVED_ACCOUNTS = frozenset({
    ".well-known", "admin", "api", "api-docs", "assets", "auth", "buckets", "cas", "chat", "chunks", "cli",
    "collections", "connect", "datasets", "device", "docs", "enterprise", "explore", "favicon.ico", "hardware",
    "health", "healthz", "help", "inference", "jobs", "join", "kernels", "lfs", "login", "logout", "metrics", "models",
    "new", "notifications", "oauth", "one-time", "organizations", "papers", "posts", "pricing", "raw", "reconstruction",
    "reconstructions", "resolve", "robots.txt", "search", "security", "settings", "shard", "shards", "signup", "spaces",
    "static", "tasks", "terms", "tokens", "tulou", "uploads", "user", "users", "v1", "v2", "welcome", "xorb",
    "xorb-data", "xorbs",
})  # fmt: skip
"""Words that addresses of this site begin with."""

_ACCOUNT = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_REPO = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_SHA1 = re.compile(r"[0-9a-f]{40}")
_SHA1_PREFIX = re.compile(r"[0-9a-f]{7,40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REF_BAD = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)|^[/.-]|[/.]$|^@$")
_WINDOWS_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"com{i}" for i in range(1, 10)), *(f"lpt{i}" for i in range(1, 10))})


@dataclass(frozen=True, slots=True)
class RepoName:
    """A repository as people write it: kind, account and name, in the letters they chose."""

    kind: RepoKind
    account: str
    name: str

    @property
    def full(self) -> str:
        """`account/name`."""
        return f"{self.account}/{self.name}"

    @property
    def path(self) -> str:
        """The path of its page: `datasets/account/name`, or `account/name` for a model."""
        return self.kind.prefix + self.full


def fold(name: str) -> str:
    """Return the form under which a name is unique: names differ by more than letter case."""
    return name.lower()


def parse_account(text: str) -> str:
    """Check the name of a user or organization. Raises InvalidName."""
    if len(text) > NAME_CHARS or not _ACCOUNT.fullmatch(text) or ".." in text:
        raise InvalidName("An account name has 1 to 96 letters, digits, '-', '_' or '.', and no '-' or '.' at its ends.")
    return text


def parse_new_account(text: str) -> str:
    """Check the name of an account to be made: the grammar, and no word that the site uses itself."""
    name = parse_account(text)
    if fold(name) in RESERVED_ACCOUNTS:
        raise InvalidName("That name is reserved by this site.")
    return name


def parse_repo_name(kind: RepoKind, account: str, name: str) -> RepoName:
    """Check `account/name`. Raises InvalidName."""
    parse_account(account)
    if len(name) > NAME_CHARS or not _REPO.fullmatch(name) or ".." in name or "--" in name:
        raise InvalidName(
            "A repository name has 1 to 96 letters, digits, '-', '_' or '.', no '--' or '..', and no '-' or '.' at its ends."
        )
    if name.lower().endswith((".git", ".ipynb")):
        raise InvalidName("A repository name may not end with .git or .ipynb.")
    return RepoName(kind, account, name)


def parse_repo_id(kind: RepoKind, full: str) -> RepoName:
    """Check `account/name` in one string. Raises InvalidName."""
    account, slash, name = full.partition("/")
    if not slash:
        raise InvalidName("A repository is named account/name.")
    return parse_repo_name(kind, account, name)


def parse_sha1(text: str) -> Sha1:
    """Check a git object id. Raises InvalidName."""
    if not _SHA1.fullmatch(text):
        raise InvalidName("A git object id is 40 lower-case hex characters.")
    return Sha1(text)


def is_sha1(text: str) -> bool:
    """True for a full git object id."""
    return _SHA1.fullmatch(text) is not None


def is_sha1_prefix(text: str) -> bool:
    """True for 7 to 40 hex characters."""
    return _SHA1_PREFIX.fullmatch(text) is not None


def parse_sha256(text: str) -> Sha256:
    """Check the name of a large file. Raises InvalidName."""
    if not _SHA256.fullmatch(text):
        raise InvalidName("A large file is named by 64 lower-case hex characters.")
    return Sha256(text)


def parse_ref_part(text: str) -> str:
    """Check what stands after `refs/heads/` or `refs/tags/` (git-check-ref-format). Raises InvalidName."""
    if not text or len(text.encode()) > REF_BYTES or _REF_BAD.search(text) or text.startswith("refs/"):
        raise InvalidName("That is not a valid branch or tag name.")
    if any(unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in text) or text == "HEAD" or is_sha1(text):
        raise InvalidName("That is not a valid branch or tag name.")
    return text


def parse_path(text: str) -> str:
    """Check a file path inside a repository: relative, `/` between parts, no part that a checkout could abuse.

    Raises InvalidPath.
    """
    parts = text.split("/")
    if not text or len(text.encode("utf-8", "surrogatepass")) > PATH_BYTES or len(parts) > PATH_DEPTH:
        raise InvalidPath("A file path has 1 to 1024 bytes and at most 32 parts.")
    for part in parts:
        why = path_part_problem(part)
        if why:
            raise InvalidPath(why)
    return text


def path_part_problem(part: str) -> str | None:
    """Say why `part` may not name a file or folder, or return None. Git's own rules first, then ours."""
    if part in {"", ".", ".."}:
        return "A file path may not have empty parts, '.' or '..'."
    if "\\" in part or any(unicodedata.category(c) in {"Cc", "Cs"} or c in _BIDI for c in part):
        return "A file path may not have backslashes, control characters or text-direction marks."
    folded = "".join(c for c in part if c not in _HFS_IGNORED).lower().rstrip(". ")
    if folded in {".git", "git~1"} or folded.startswith(".git:") or folded.split("::")[0] == ".git":
        return "A file path may not have a part that git reads as '.git'."
    if folded.split(".")[0] in _WINDOWS_DEVICES:
        return "A file path may not use a Windows device name."
    return None


_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
# Code points that HFS+ ignores in file names: `.g\u200cit` is `.git` there (CVE-2014-9390).
_HFS_IGNORED = frozenset("\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u206a\u206b\u206c\u206d\u206e\u206f\ufeff")
