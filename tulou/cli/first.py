"""The first start: an administrator with a one-time link, the demo content, and what to type next."""

from __future__ import annotations

from tulou.features.accounts import create, links
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.model import AccountKind
from tulou.kernel.actor import SYSTEM
from tulou.platform.machinery import Machinery


def start(m: Machinery, url: str) -> None:
    """Do what a new hub needs; nothing when it has an administrator already.

    Write order: 1 demo content   2 administrator   3 link. Crash during 1: the next start goes on with it.
    After 2: `tulou link admin` makes another link.
    """
    if any(user.is_admin for user in accounts.everyone(m, AccountKind.USER)):
        return
    if m.settings.demo:
        from tulou.cli.demo import add_or_say_why_not  # noqa: PLC0415 - only a first start needs it

        add_or_say_why_not(m)
    secret = links.make(m, SYSTEM, create.create_first_admin(m, SYSTEM))
    print(_welcome(m, f"{url}/one-time/{secret}", url), flush=True)


def _welcome(m: Machinery, link: str, url: str) -> str:
    return f"""
A new hub, in {m.settings.data.resolve()}.

  Sign in as its administrator, once, within a day:
    {link}

  Then point your tools at it, in another terminal:
    export HF_ENDPOINT={url}
    hf auth login
    hf upload my-model ./folder

  More people: tulou user add NAME, then tulou link NAME.
"""
