"""`tulou seed`: load users, organizations, members and tokens from a file; what is there already stays as it is."""

from __future__ import annotations

import argparse
from pathlib import Path

from tulou.cli import options, seedfile
from tulou.cli.seedfile import Seed, SeedOrg, SeedToken, SeedUser
from tulou.features.accounts import create, tokens
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.model import Account, AccountKind
from tulou.features.orgs import create as orgs
from tulou.kernel.actor import SYSTEM
from tulou.kernel.errors import BadInput, Conflict, SettingError
from tulou.kernel.limits import FRONT_MATTER
from tulou.platform.machinery import Machinery


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which options there are."""
    parser.add_argument("file", type=Path, metavar="FILE.yaml")
    options.add_data(parser)


def run(arguments: argparse.Namespace) -> int:
    """Load the file. Running it again changes nothing."""
    try:
        with arguments.file.open(encoding="utf-8") as file:
            text = file.read(FRONT_MATTER + 1)
    except (OSError, UnicodeDecodeError) as cause:
        raise SettingError(f"{arguments.file} cannot be read: {cause}") from cause
    seed = seedfile.parse(text)
    with options.machinery(arguments) as m:
        sow(m, seed)
    print(f"{len(seed.users)} users and {len(seed.orgs)} organizations are in place.")
    return 0


def sow(m: Machinery, seed: Seed) -> None:
    """Make what the seed names. Each item is a transaction of its own: after a crash, run it again."""
    for user in seed.users:
        account = _user(m, user)
        for token in user.tokens:
            _token(m, account, token)
    for org in seed.orgs:
        _org(m, org)


def _user(m: Machinery, wanted: SeedUser) -> Account:
    found = accounts.by_name(m, wanted.name)
    if found is None:
        return create.create_user(
            m, SYSTEM, wanted.name, fullname=wanted.fullname, email=wanted.email, is_admin=bool(wanted.admin)
        )
    if found.kind is not AccountKind.USER:
        raise Conflict(f"{found.name} is an organization already, so it cannot be a user.")
    create.change_user(m, SYSTEM, found, fullname=wanted.fullname or None, email=wanted.email, is_admin=wanted.admin)
    return found


def _token(m: Machinery, owner: Account, wanted: SeedToken) -> None:
    if wanted.value is None:
        if all(token.name != wanted.name for token in tokens.of_account(m, owner.id)):
            print(f"{owner.name}: {tokens.create_token(m, SYSTEM, owner.id, wanted.name, wanted.role).secret}")
        return
    holder = tokens.owner_of(m, wanted.value)
    if holder is None:
        tokens.create_token(m, SYSTEM, owner.id, wanted.name, wanted.role, secret=wanted.value)
    elif holder != owner.id:
        raise BadInput(f"A token value of {owner.name} belongs to somebody else already.")


def _org(m: Machinery, wanted: SeedOrg) -> None:
    found = accounts.by_name(m, wanted.name)
    if found is None:
        visibility = wanted.default_visibility or "public"
        orgs.create_org(m, SYSTEM, wanted.name, fullname=wanted.fullname, default_visibility=visibility)
    elif found.kind is not AccountKind.ORG:
        raise Conflict(f"{found.name} is a user already, so it cannot be an organization.")
    else:
        orgs.change_org(m, SYSTEM, found.name, fullname=wanted.fullname or None, default_visibility=wanted.default_visibility)
    for user, role in wanted.members:
        orgs.set_member(m, SYSTEM, wanted.name, user, role)
