"""A person's access tokens: list, make, revoke."""

from __future__ import annotations

from typing import Any

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.features.access import scopes
from tulou.features.accounts import tokens
from tulou.features.accounts.tokens import NewToken
from tulou.kernel.actor import Scope, TokenRole
from tulou.kernel.errors import BadInput, HubError, SignInNeeded

_FORM_BYTES = 16 * 1024
_SCOPES = 20


async def show(call: Call) -> ASGIApp:
    """List the tokens."""
    return render.page(call, "tokens.html", **await in_thread(_listed, call), made=None, problem=None)


async def make(call: Call) -> ASGIApp:
    """Make a token and show it, this once."""
    fields = await call.form(_FORM_BYTES)
    try:
        made = await in_thread(_make, call, fields)
    except HubError as problem:
        values = await in_thread(_listed, call)
        return render.page(call, "tokens.html", status=problem.status, **values, made=None, problem=problem.message)
    return render.page(call, "tokens.html", **await in_thread(_listed, call), made=made, problem=None)


async def revoke(call: Call) -> ASGIApp:
    """End a token."""
    await in_thread(tokens.revoke, call.m, call.actor, _me(call), call.params["id"])
    return RedirectResponse("/settings/tokens", 303, render.HEADERS)


def _make(call: Call, fields: list[tuple[str, str]]) -> NewToken:
    one = dict(fields)
    try:
        role = TokenRole(one.get("role", ""))
    except ValueError as cause:
        raise BadInput("A token is 'read', 'write' or 'fineGrained'.") from cause
    granted = _scopes(call, one.get("scopes", "")) if role is TokenRole.FINE_GRAINED else ()
    return tokens.create_token(call.m, call.actor, _me(call), one.get("name", ""), role, scopes=granted)


def _scopes(call: Call, typed: str) -> tuple[Scope, ...]:
    """Read one grant a line: `acme: write` or `datasets/acme/x: read`."""
    lines = [line for line in typed.splitlines() if line.strip()]
    if len(lines) > _SCOPES:
        raise BadInput(f"A token has at most {_SCOPES} permissions.")
    found: dict[str, frozenset[str]] = {}
    for line in lines:
        where, _, permission = line.rpartition(":")
        scope = scopes.grant(call.m, call.actor, where.strip(), scopes.parse_permission(permission.strip()))
        found[scope.entity_id] = found.get(scope.entity_id, frozenset()) | scope.permissions
    return tuple(Scope(entity, permissions) for entity, permissions in found.items())


def _listed(call: Call) -> dict[str, Any]:
    found = tokens.of_account(call.m, _me(call))
    return {"tokens": [(token, scopes.describe(call.m, token.scopes)) for token in found]}


def _me(call: Call) -> str:
    if call.actor.user_id is None:
        raise SignInNeeded
    return call.actor.user_id


ROUTES = [
    Route(("GET", "HEAD"), "/settings/tokens", show, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/settings/tokens", make, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/settings/tokens/{id}/revoke", revoke, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
]
