"""The first page of the administration: how the hub is, and what is enforced on this host."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.types import ASGIApp

from tulou.delivery.kit.call import Call, in_thread
from tulou.delivery.kit.limits import WINDOW_SECONDS
from tulou.delivery.pages import render
from tulou.delivery.pages.admin.guard import route
from tulou.delivery.pages.formats import size
from tulou.features.accounts import passwords, twofactor
from tulou.features.admin import health
from tulou.kernel.limits import DISK_RESERVE, GIB, PUSH_BLOB, PUSH_PACK


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that is, or is not, enforced on this host: the words, what fills them in, and whether it holds."""

    title: str
    text: str
    values: dict[str, object]
    holds: bool


async def show(call: Call) -> ASGIApp:
    """Show how the hub is."""
    found = await in_thread(health.look, call.m)
    own = call.actor.user_id or ""
    is_weak = await in_thread(lambda: passwords.has_one(call.m, own) and not twofactor.is_on(call.m, own))
    return render.page(call, "admin/overview.html", tab="overview", health=found, is_weak=is_weak)


async def enforced(call: Call) -> ASGIApp:
    """Say honestly what this host enforces, and what it does not."""
    return render.page(call, "admin/enforced.html", tab="enforced", rules=_rules(call))


def _rules(call: Call) -> list[Rule]:
    chosen = call.m.settings
    minutes = WINDOW_SECONDS // 60
    return [
        _rate("Requests to pages and the API", chosen.rate_limit_api, minutes),
        _rate("Requests for files", chosen.rate_limit_resolve, minutes),
        Rule("Sign-in", "After five wrong passwords each further try waits twice as long, up to 15 minutes.", {}, True),
        Rule("Storage", "Each account may store {limit}, unless it has a limit of its own.",
             {"limit": f"{chosen.default_quota_gb} GiB"}, True)
        if chosen.default_quota_gb
        else Rule("Storage", "Accounts may store as much as they like, unless they have a limit of their own.", {}, False),
        Rule("Full disk", "Uploads stop before less than {bytes} are left.", {"bytes": size(DISK_RESERVE)}, True),
        Rule("Pushes", "A push has at most {pack}; a file of more than {blob} must go to large-file storage.",
             {"pack": f"{PUSH_PACK // GIB} GiB", "blob": size(PUSH_BLOB)}, True),
        Rule("Encryption", "Users reach this hub by https.", {}, True)
        if chosen.public_url.startswith("https:")
        else Rule("Encryption", "The setting public_url does not begin with https: passwords and tokens may travel in the clear.",
                  {}, False),
        _running(call),
        Rule("Malware and secrets", "Uploaded files are not scanned yet.", {}, False),
    ]  # fmt: skip


def _running(call: Call) -> Rule:
    level = call.m.compute.nodes()[0].level
    if level == "sandbox":
        text = "Each Space and job has a sandbox: a user, files, processes and a network of its own."
        return Rule("Running code", text, {}, True)
    if level == "process":
        text = "Spaces and jobs run as the hub itself, without a sandbox: they can read what the hub can."
        return Rule("Running code", text, {}, False)
    return Rule("Running code", "This hub runs no programs of its users.", {}, True)


def _rate(title: str, limit: int, minutes: int) -> Rule:
    if limit == 0:
        return Rule(title, "There is no limit.", {}, False)
    text = "{count} in {minutes} minutes for each token, account or address."
    return Rule(title, text, {"count": f"{limit:,}", "minutes": minutes}, True)


ROUTES = [route("GET", "", show), route("GET", "/enforced", enforced)]
