"""The first start: an administrator with a one-time link, the demo content, and what to type next."""

from __future__ import annotations

from tulou.features.accounts import create, links
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.model import AccountKind
from tulou.kernel.actor import SYSTEM
from tulou.platform.machinery import Machinery


def start(m: Machinery, url: str) -> None:
    """Do what a new hub needs; nothing when it has an administrator already.

    Write order: 1 administrator   2 link   3 demo content. Crash after 1 or 2: `tulou link admin` makes another link,
    `tulou demo add` loads the demo content.
    """
    if any(user.is_admin for user in accounts.everyone(m, AccountKind.USER)):
        return
    admin = create.create_first_admin(m, SYSTEM)
    secret = links.make(m, SYSTEM, admin)
    if m.settings.demo:
        from tulou.cli.demo import add_or_say_why_not  # noqa: PLC0415 - only a first start needs it

        add_or_say_why_not(m)
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
