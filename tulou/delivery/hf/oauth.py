"""OAuth for programs: the device flow that `hf auth login` speaks, and who a token belongs to."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp

from tulou.delivery.hf import avatars
from tulou.delivery.kit import answers
from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.routes import Access, Route
from tulou.features.accounts import device
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.device import DeviceProblem
from tulou.features.orgs import lookup as orgs
from tulou.kernel.errors import AccountNotFound, BadInput, Conflict, NotBuilt

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_NO_STORE = {"Cache-Control": "no-store"}  # RFC 6749 §5.1
_FORM_BYTES = 16 * 1024


async def start_device(call: Call) -> ASGIApp:
    """Answer `POST /oauth/device` (RFC 8628 §3.2)."""
    try:
        fields = await _fields(call)
        started = await in_thread(device.start, call.m, fields.get("client_id", ""))
    except DeviceProblem as problem:
        return _refusal(problem.oauth, problem.message)
    shown = device.shown(started.user_code)
    return answers.json({
        "device_code": started.device_code,
        "user_code": shown,
        "verification_uri": f"{call.base}/device",
        "verification_uri_complete": f"{call.base}/device?code={shown}",
        "interval": device.INTERVAL_SECONDS,
        "expires_in": device.EXPIRES_SECONDS,
    }, headers=_NO_STORE)


async def token(call: Call) -> ASGIApp:
    """Answer `POST /oauth/token`: a token for an approved device, or the OAuth error that says why not yet."""
    try:
        fields = await _fields(call)
        if fields.get("grant_type") != DEVICE_GRANT:
            return _refusal("unsupported_grant_type", "This hub grants tokens by the device flow only.")
        secret = await in_thread(device.redeem, call.m, call.actor, fields.get("client_id", ""), fields.get("device_code", ""))
    except DeviceProblem as problem:
        return _refusal(problem.oauth, problem.message)
    except Conflict as problem:  # the account has as many tokens as it may have
        return _refusal("access_denied", problem.message)
    return answers.json({"access_token": secret, "token_type": "bearer", "scope": "write-repos"}, headers=_NO_STORE)


async def userinfo(call: Call) -> ASGIApp:
    """Answer `GET /oauth/userinfo` with the claims of OpenID Connect."""
    return answers.json(await in_thread(_userinfo, call), headers=_NO_STORE)


async def later(call: Call) -> ASGIApp:
    """Refuse what this version does not have: signing in to other sites with an account of this hub."""
    raise NotBuilt("This hub is not an OpenID provider for other sites yet; programs sign in by the device flow.")


async def _fields(call: Call) -> dict[str, str]:
    """Read a form or, as one client sends, JSON. A repeated field is an error (RFC 6749 §3.2)."""
    if call.request.headers.get("content-type", "").partition(";")[0].strip() == "application/json":
        body: dict[str, Any] = await call.json(_FORM_BYTES)
        return {name: value for name, value in body.items() if isinstance(value, str)}
    pairs = await call.form(_FORM_BYTES)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise DeviceProblem("invalid_request", "A field is given twice.")
    return fields


def _refusal(code: str, message: str) -> Response:
    return answers.json({"error": code, "error_description": message}, BadInput.status, _NO_STORE)


def _userinfo(call: Call) -> dict[str, Any]:
    me = accounts.by_id(call.m, call.actor.user_id or "")
    if me is None:
        raise AccountNotFound
    return {
        "sub": me.id,
        "name": me.fullname or me.name,
        "preferred_username": me.name,
        "picture": avatars.url(call.base, me),
        "profile": f"{call.base}/{me.name}",
        "website": None,
        "email": me.email,
        "email_verified": False,
        "isPro": False,
        "canPay": False,
        "orgs": [
            {
                "sub": membership.org.id,
                "name": membership.org.fullname or membership.org.name,
                "preferred_username": membership.org.name,
                "picture": avatars.url(call.base, membership.org),
                "plan": None,
                "canPay": False,
                "roleInOrg": membership.role.value,
            }
            for membership in orgs.memberships(call.m, me.id)
        ],
    }


ROUTES = [
    Route(("POST",), "/oauth/device", start_device, Access.PUBLIC),
    Route(("POST",), "/oauth/token", token, Access.PUBLIC),
    Route(("GET", "POST"), "/oauth/userinfo", userinfo, Access.SIGNED_IN),
    Route(("GET", "POST"), "/oauth/{path*}", later, Access.PUBLIC),
    Route(("GET",), "/.well-known/openid-configuration", later, Access.PUBLIC),
    Route(("GET",), "/.well-known/oauth-authorization-server", later, Access.PUBLIC),
]
