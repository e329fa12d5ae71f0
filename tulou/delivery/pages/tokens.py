"""A person's access tokens: list, make, revoke."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Budget, Login, Route
from tulou.delivery.pages import render
from tulou.delivery.pages.forms import FORM_BYTES, done, id_of, me, see
from tulou.features.access import scopes
from tulou.features.accounts import tokens
from tulou.features.accounts.tokens import NewToken
from tulou.features.orgs import lookup as orgs
from tulou.kernel.actor import Scope, TokenRole
from tulou.kernel.errors import BadInput, HubError

_SCOPES = 20
_DAYS = ("7", "30", "90", "365")
_DAY_MS = 86_400_000


async def show(call: Call) -> ASGIApp:
    """List the tokens."""
    return await in_thread(_page, call)


async def make(call: Call) -> ASGIApp:
    """Make a token and show it, this once."""
    form = await call.form(FORM_BYTES)
    try:
        made = await in_thread(_make, call, form)
    except HubError as problem:
        shown = problem
        return await in_thread(lambda: _page(call, problem=shown, typed=dict(form)))
    return await in_thread(lambda: _page(call, made=made))


async def revoke(call: Call) -> ASGIApp:
    """End a token."""
    await in_thread(lambda: tokens.revoke(call.m, call.actor, me(call).id, id_of(call)))
    return see("/settings/tokens", "revoked")


def _make(call: Call, form: list[tuple[str, str]]) -> NewToken:
    one = dict(form)
    try:
        role = TokenRole(one.get("role", ""))
    except ValueError as cause:
        raise BadInput("A token is 'read', 'write' or 'fineGrained'.") from cause
    granted = _scopes(call, form) if role is TokenRole.FINE_GRAINED else ()
    days = one.get("days", "")
    expires_at = call.m.clock.now() + int(days) * _DAY_MS if days in _DAYS else None
    return tokens.create_token(call.m, call.actor, me(call).id, one.get("name", ""), role, scopes=granted, expires_at=expires_at)


def _scopes(call: Call, form: list[tuple[str, str]]) -> tuple[Scope, ...]:
    """Read a choice for each account (`on:acme` = `write`) and one grant a line: `datasets/acme/x: read`."""
    chosen = [(field.removeprefix("on:"), value) for field, value in form if field.startswith("on:") and value]
    for line in dict(form).get("scopes", "").splitlines():
        where, _, permission = line.rpartition(":")
        if line.strip():
            chosen.append((where.strip(), permission.strip()))
    if len(chosen) > _SCOPES:
        raise BadInput(f"A token has at most {_SCOPES} permissions.")
    found: dict[str, frozenset[str]] = {}
    for where, permission in chosen:
        scope = scopes.grant(call.m, call.actor, where, scopes.parse_permission(permission))
        found[scope.entity_id] = found.get(scope.entity_id, frozenset()) | scope.permissions
    return tuple(Scope(entity, permissions) for entity, permissions in found.items())


def _page(
    call: Call, *, made: NewToken | None = None, problem: HubError | None = None, typed: dict[str, str] | None = None
) -> ASGIApp:
    account = me(call)
    values: dict[str, Any] = {
        "tokens": [(token, scopes.describe(call.m, token.scopes)) for token in tokens.of_account(call.m, account.id)],
        "accounts": [account.name, *(one.org.name for one in orgs.memberships(call.m, account.id))],
    }
    status = problem.status if problem else 200
    return render.page(
        call, "settings/tokens.html", status=status, tab="tokens", done=done(call), problem=problem, made=made,
        typed=typed or {}, days=_DAYS, **values,
    )  # fmt: skip


ROUTES = [
    Route(("GET", "HEAD"), "/settings/tokens", show, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/settings/tokens", make, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
    Route(("POST",), "/settings/tokens/{id}/revoke", revoke, Access.SIGNED_IN, Login.COOKIE, Budget.PAGES),
]
