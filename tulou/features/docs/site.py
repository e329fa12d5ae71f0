"""Open the documentation of a repository at a revision, and lay out its pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from tulou.features.content import revisions
from tulou.features.docs import library as libraries
from tulou.features.docs import objects
from tulou.features.docs.library import Library, Tree
from tulou.features.docs.source import GitSource, Source
from tulou.features.docs.view import View
from tulou.features.repos.model import Repo
from tulou.kernel.errors import EntryNotFound, RevisionNotFound
from tulou.kernel.limits import CARD_BYTES
from tulou.platform.machinery import Machinery
from tulou.platform.markup.docs_model import Page

_PULL = re.compile(r"pr_([1-9][0-9]{0,8})")
_VERSION = re.compile(r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?:(rc|b|a|\.dev|\.post)?(\d{1,6}))?")


@dataclass(frozen=True, slots=True)
class Site:
    """The documentation of something at a revision, and the address that it is read under (without the language)."""

    title: str
    base: str
    revision: str
    """As in the address: a branch, a tag, `pr_7`, a commit."""
    source: Source
    library: Library


@dataclass(frozen=True, slots=True)
class Shown:
    """A page to be read. `language`: of the text, when that is not what was asked for."""

    site: Site
    tree: Tree
    local: str
    path: str
    page: Page
    language: str


def open_repo(m: Machinery, repo: Repo, revision: str) -> Site:
    """Open the documentation of a repository. Raises RevisionNotFound, EntryNotFound."""
    pull = _PULL.fullmatch(revision)
    commit = revisions.commit_of(m, repo, f"refs/pr/{pull[1]}" if pull else revision)
    named = quote(f"refs/pr/{pull[1]}" if pull else revision, safe="")
    source = GitSource(m, repo, commit, named)
    base = f"/docs/{repo.name.path}/{quote(revision, safe='')}"
    return Site(repo.name.full, base, revision, source, libraries.of(m, source))


def versions(m: Machinery, repo: Repo) -> list[str]:
    """Return the tags that are versions, the newest first; those before a release come after it."""
    known = m.cache.get("docs-versions", repo.id)
    if isinstance(known, list):
        return known
    mark = m.cache.mark()
    names = (name.removeprefix("refs/tags/") for name in revisions.refs(m, repo) if name.startswith("refs/tags/"))
    found = sorted((name for name in names if _VERSION.fullmatch(name)), key=_rank, reverse=True)
    m.cache.put(mark, "docs-versions", repo.id, found)
    return found


def newest(m: Machinery, repo: Repo) -> str:
    """Return the revision for those who name none: the newest version that has documentation, or the default branch."""
    return next((name for name in releases(m, repo)[:3] if has_docs(m, repo, name)), repo.default_branch)


def releases(m: Machinery, repo: Repo) -> list[str]:
    """Return the versions that are no previews, the newest first."""
    return [name for name in versions(m, repo) if _rank(name)[3] >= 0]


def is_documented(m: Machinery, repo: Repo, commit: str | None) -> bool:
    """Say whether there is documentation in a commit; looked at once a commit."""
    if commit is None:
        return False
    found = m.markup.kept(("documented", commit), lambda: "yes" if has_docs(m, repo, commit) else "no", lambda _: 100)
    return found == "yes"


def has_docs(m: Machinery, repo: Repo, revision: str) -> bool:
    """Say whether there is documentation at a revision."""
    try:
        open_repo(m, repo, revision)
    except (RevisionNotFound, EntryNotFound):
        return False
    return True


def locate(site: Site, tree: Tree, local: str) -> tuple[str, str] | None:
    """Return the page and its file: in this language, or in the default one; None when neither has it."""
    name = local.strip("/") or tree.home or site.library.default.home or ""
    for name_ in (name, f"{name}/index"):
        for known in (tree, site.library.default):
            if name_ in known.pages:
                return name_, known.pages[name_]
    return None


def moved(site: Site, tree: Tree, local: str) -> str | None:
    """Return where a page went, by `_redirects.yml`; or the nearest page that is there, when only its folder changed."""
    name = local.strip("/")
    for known in (tree, site.library.default):
        target = known.redirects.get(name, "")
        if target in known.pages:
            return target
    last = name.rpartition("/")[2]
    same = [page for page in (*tree.pages, *site.library.default.pages) if page.rpartition("/")[2] == last]
    return same[0] if last != "index" and len(set(same)) == 1 else None


def show(m: Machinery, site: Site, tree: Tree, local: str, path: str) -> Shown:
    """Lay out a page. Raises EntryNotFound for a file that is too large, Busy."""
    content = site.source.read(path, CARD_BYTES)
    if content is None:
        raise EntryNotFound("This page is too large to be shown.")
    view = view_of(m, site, tree, local, path)
    page = m.markup.docs(libraries.body_of(content), view, key=path)
    return Shown(site, tree, local, path, page, view.language)


def is_stale(m: Machinery, opened: Site, tree: Tree, local: str) -> bool:
    """Say whether the page of the default language was changed after its translation."""
    own, original = tree.pages.get(local), opened.library.default.pages.get(local)
    if own is None or original is None or own == original:
        return False
    key = ("changed", opened.source.version, own)
    times = m.markup.kept(key, lambda: opened.source.changed_at([own, original]), lambda _: 300)
    return times.get(own, 0) < times.get(original, 0)


def view_of(m: Machinery, site: Site, tree: Tree, local: str, path: str) -> View:
    """Return a page as its text sees its site."""
    return View(site.library, site.source, objects.of(m, site.source, site.library), site.base, tree, local, path)


def markdown(site: Site, path: str) -> str:
    """Return the source of a page. Raises EntryNotFound."""
    content = site.source.read(path, CARD_BYTES)
    if content is None:
        raise EntryNotFound
    return libraries.body_of(content)


def _rank(name: str) -> tuple[int, int, int, int, int]:
    found = _VERSION.fullmatch(name)
    if found is None:
        return (0, 0, 0, 0, 0)
    major, minor, patch = (int(found[at] or 0) for at in (1, 2, 3))
    stage = {None: 0, ".post": 1, "rc": -1, "b": -2, "a": -3, ".dev": -4}[found[4]]
    return major, minor, patch, stage, int(found[5] or 0)
