"""What pages with forms share: reading fields, going on to another page, and opening a session in the browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, urlencode

from starlette.responses import RedirectResponse, Response

from tulou.delivery.kit.auth import session_cookie, session_secret
from tulou.delivery.kit.call import Call
from tulou.delivery.pages import render
from tulou.features.access.rules import may_create
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts import sessions
from tulou.features.accounts.model import Account
from tulou.features.accounts.sessions import Browser
from tulou.features.orgs import lookup as orgs
from tulou.kernel.actor import Actor
from tulou.kernel.errors import NotFound, SignInNeeded

FORM_BYTES = 16 * 1024
_ID = re.compile(r"[0-9a-f]{1,64}")

DONE = {
    "saved": "Saved.",
    "password": "Your password is changed, and every other browser is signed out.",
    "off": "The second step is off.",
    "closed": "That browser is signed out.",
    "everywhere": "Every other browser is signed out.",
    "revoked": "The token is revoked.",
    "left": "You left the organization.",
    "removed": "The member is removed.",
    "withdrawn": "The invitation is withdrawn.",
    "renamed": "The repository has its new name. The old address leads here.",
    "deleted": "The repository is deleted. You can restore it for seven days.",
    "restored": "The repository is restored.",
    "retried": "The task runs again.",
    "dropped": "The task is dropped.",
    "queued": "The collection begins within seconds.",
}
"""What a page says after a form was carried out: `?done=saved`."""


async def fields(call: Call) -> dict[str, str]:
    """Read the fields of a form; of several with the same name the last. PostgreSQL cannot keep a NUL, so none comes through."""
    return {name: value.replace("\0", "") for name, value in await call.form(FORM_BYTES)}


def queried(call: Call, name: str, limit: int = 200) -> str:
    """Return what was typed into a field of the query, without what cannot be seen; nothing if there is none."""
    return "".join(c for c in call.query(name) or "" if c.isprintable()).strip()[:limit]


def id_of(call: Call) -> str:
    """Return the id in the address. Raises NotFound for what cannot be one."""
    if not _ID.fullmatch(call.params["id"]):
        raise NotFound("There is no such address on this hub.")
    return call.params["id"]


def see(path: str, done: str | None = None) -> Response:
    """Go on to a page, which says what was done."""
    query = f"?{urlencode({'done': done})}" if done else ""
    return RedirectResponse(path + query, 303, render.HEADERS)


def done(call: Call) -> str | None:
    """Return what the page is to say was done."""
    return DONE.get(call.query("done") or "")


def me(call: Call) -> Account:
    """Return the account of whoever asks. Raises SignInNeeded."""
    found = accounts.by_id(call.m, call.actor.user_id) if call.actor.user_id else None
    if found is None:
        raise SignInNeeded
    return found


def owners(call: Call, may: Callable[[Actor, str], bool] = may_create) -> list[str]:
    """Return the names of the accounts in which whoever asks may do something: their own, then those organizations."""
    account = me(call)
    mine = [one.org for one in orgs.memberships(call.m, account.id)]
    return [account.name, *(org.name for org in mine if may(call.actor, org.id))]


def browser(call: Call) -> Browser:
    """Return where a request comes from."""
    return Browser(call.actor.address, call.request.headers.get("user-agent", ""))


def this_session(call: Call) -> str | None:
    """Return the secret of the session that a request belongs to, or None."""
    return session_secret(call.m, call.request.headers)


def signed_in(call: Call, secret: str, path: str) -> Response:
    """Go on to a page with a new session. The one before, which others may know, is closed."""
    before = this_session(call)
    if before is not None:
        sessions.close(call.m, before)
    answer = see(path)
    keep(call, answer, secret)
    return answer


def keep(call: Call, answer: Response, secret: str) -> None:
    """Put the secret of a session into the browser."""
    answer.set_cookie(
        session_cookie(call.base), secret, max_age=sessions.SESSION_SECONDS, path="/",
        secure=call.base.startswith("https:"), httponly=True, samesite="lax",
    )  # fmt: skip


def safe_path(text: str | None) -> str:
    """Return a path of this site to go on to, or the front page: never an address of somebody else."""
    is_ours = bool(text) and text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()  # type: ignore[union-attr]
    if text is None or not is_ours or "\\" in text or len(text) > 2000:
        return "/"
    return quote(text, safe="/?&=%:@+,;!$'()*~-._#")
