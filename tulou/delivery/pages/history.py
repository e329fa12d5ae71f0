"""The commits of a revision or of one file, and what each of them changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape
from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Budget, Login, Route, for_kinds
from tulou.delivery.pages import places, render
from tulou.delivery.pages.repo_frame import frame
from tulou.features.content import diff, log, revisions
from tulou.features.content.diff import Hunk, Line
from tulou.features.content.log import Commit
from tulou.features.repos.model import Ref
from tulou.kernel.actor import Action
from tulou.wire import bidi

COMMITS_SHOWN = 40
_DAY = 86_400_000
_LONG_LINE = 500
_DEL, _INS = Markup("{}<del>{}</del>{}"), Markup("{}<ins>{}</ins>{}")


async def commits(call: Call) -> ASGIApp:
    """List commits, newest first."""
    return render.page(call, "commits.html", **await in_thread(_listed, call))


async def commit(call: Call) -> ASGIApp:
    """Show what one commit changed."""
    return render.page(call, "commit.html", **await in_thread(_compared, call))


def _listed(call: Call) -> dict[str, Any]:
    place = places.find(call, may_be_empty=True)
    number = _number(call.query("p"))
    found, is_unsure = _commits(call, place, number * COMMITS_SHOWN)
    return {
        **frame(call, "history"),
        "place": place,
        "days": _by_day(found[:COMMITS_SHOWN]),
        "number": number,
        "has_more": len(found) > COMMITS_SHOWN,
        "is_unsure": is_unsure,
        "switcher": places.switcher(call),
        "verb": "commits",
        "labels": _labels(call),
    }


def _commits(call: Call, place: places.Place, skip: int) -> tuple[list[Commit], bool]:
    if place.commit is None:
        return [], False
    if place.path:
        return log.commits_of_path(call.m, call.repo, place.commit, place.path, skip, COMMITS_SHOWN + 1)
    return log.commits(call.m, call.repo, place.commit, skip, COMMITS_SHOWN + 1), False


def _by_day(found: list[Commit]) -> list[tuple[int, list[Commit]]]:
    """Group neighbours of the same day (UTC): (its first millisecond, commits)."""
    days: list[tuple[int, list[Commit]]] = []
    for item in found:
        day = item.at - item.at % _DAY
        if not days or days[-1][0] != day:
            days.append((day, []))
        days[-1][1].append(item)
    return days


def _labels(call: Call) -> dict[str, list[Ref]]:
    """Return the branches and tags that stand at each commit."""
    found: dict[str, list[Ref]] = {}
    for ref in revisions.refs(call.m, call.repo).values():
        if ref.name.startswith(("refs/heads/", "refs/tags/")):
            found.setdefault(ref.peeled, []).append(ref)
    return found


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a comparison on the page; `html` marks the words that differ."""

    mark: str
    old: int | None
    new: int | None
    html: Markup


def rows(hunk: Hunk) -> list[Row]:
    """Return the lines of a hunk. Where lines were replaced one by one, the words that differ are marked."""
    found: list[Row] = []
    lines, at = hunk.lines, 0
    while at < len(lines):
        if lines[at].mark != "-":
            found.append(_row(lines[at], escape(lines[at].text)))
            at += 1
            continue
        gone = _run(lines, at, "-")
        come = _run(lines, at + len(gone), "+")
        found += _replaced(gone, come)
        at += len(gone) + len(come)
    return found


def _run(lines: tuple[Line, ...], at: int, mark: str) -> list[Line]:
    end = at
    while end < len(lines) and lines[end].mark == mark:
        end += 1
    return list(lines[at:end])


def _replaced(gone: list[Line], come: list[Line]) -> list[Row]:
    if len(gone) != len(come):
        return [_row(line, escape(line.text)) for line in (*gone, *come)]
    pairs = [_marked(old.text, new.text) for old, new in zip(gone, come, strict=True)]
    before = [_row(line, old) for line, (old, _) in zip(gone, pairs, strict=True)]
    return before + [_row(line, new) for line, (_, new) in zip(come, pairs, strict=True)]


def _marked(old: str, new: str) -> tuple[Markup, Markup]:
    """Mark what lies between the common beginning and the common end of two lines."""
    if max(len(old), len(new)) > _LONG_LINE:
        return escape(old), escape(new)
    start = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    rest = min(len(old), len(new)) - start
    end = next((at for at in range(rest) if old[-1 - at] != new[-1 - at]), rest)
    if start + end < max(len(old), len(new)) / 4:
        return escape(old), escape(new)  # they have next to nothing in common
    return _piece(_DEL, old, start, end), _piece(_INS, new, start, end)


def _piece(tag: Markup, text: str, start: int, end: int) -> Markup:
    stop = len(text) - end
    if start == stop:
        return escape(text)
    return tag.format(text[:start], text[start:stop], text[stop:])


def _row(line: Line, html: Markup) -> Row:
    return Row(line.mark, line.old, line.new, Markup(bidi.shown(html)))  # noqa: S704 - escaped before


def _compared(call: Call) -> dict[str, Any]:
    found = diff.of_commit(call.m, call.repo, call.params["revision"])
    place = places.Place(f"/{call.repo.name.path}", found.commit.oid, found.commit.oid, "", "commit")
    return {
        **frame(call, "history"),
        "place": place,
        "commit": found.commit,
        "parents": [(parent, place.url("commit", revision=parent)) for parent in found.commit.parents[:10]],
        "files": found.files,
        "total": found.total,
        "added": sum(file.added for file in found.files),
        "removed": sum(file.removed for file in found.files),
        "rows": rows,
        "labels": _labels(call).get(found.commit.oid, []),
    }


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() and text.isascii() and len(text) < 7 else 0


def _pages(pattern: str, handler: Any, access: Action) -> list[Route]:
    options: dict[str, Any] = {"login": Login.COOKIE, "budget": Budget.PAGES}
    return for_kinds(("GET", "HEAD"), "/{account}/{name}" + pattern, handler, access, **options)


ROUTES = [
    *_pages("/commits/{revision}", commits, Action.READ_INFO),
    *_pages("/commits/{revision}/{path*}", commits, Action.READ_INFO),
    *_pages("/commit/{revision}", commit, Action.READ_CONTENT),
]
