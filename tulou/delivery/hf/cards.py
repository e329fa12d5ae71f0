"""Check a card before it is committed."""

from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread, text
from tulou.delivery.kit.routes import Access, Route
from tulou.features.cards.validate import Report, validate
from tulou.kernel.errors import BadInput
from tulou.kernel.limits import INLINE_LFS_THRESHOLD
from tulou.kernel.names import KIND_BY_PLURAL, RepoKind

# JSON may need six characters for one of the card's.
_BODY = 2 * INLINE_LFS_THRESHOLD


async def validate_yaml(call: Call) -> ASGIApp:
    """POST /api/validate-yaml: warnings, and errors with status 400. JSON, unless `Accept` asks for plain text."""
    body = await call.json(_BODY)
    content = text(body, "content", default="", limit=_BODY)
    report = await in_thread(validate, _kind(body.get("repoType")), content)
    status = 400 if report.errors else 200
    if call.request.headers.get("accept", "").startswith("text/plain"):
        return PlainTextResponse(_plain(report), status)
    shape = {name: [{"message": message} for message in messages] for name, messages in _lists(report)}
    return answers.json(shape, status)


def _kind(word: object) -> RepoKind:
    if word is None:
        return RepoKind.MODEL
    kind = KIND_BY_PLURAL.get(f"{word}s") if isinstance(word, str) else None
    if kind is None:
        raise BadInput("The field 'repoType' must be model, dataset, space or kernel.")
    return kind


def _lists(report: Report) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return ("errors", report.errors), ("warnings", report.warnings)


def _plain(report: Report) -> str:
    lines = [f"- Error: {message}" for message in report.errors] + [f"- Warning: {message}" for message in report.warnings]
    return "\n".join(lines)


ROUTES = [Route(("POST",), "/api/validate-yaml", validate_yaml, Access.PUBLIC)]
