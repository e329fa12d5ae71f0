"""`tulou token`: make, list and revoke access tokens."""

from __future__ import annotations

import argparse

from tulou.cli import options
from tulou.features.access import scopes
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts import tokens
from tulou.kernel.actor import SYSTEM, Scope, TokenRole
from tulou.kernel.clock import iso
from tulou.kernel.errors import BadInput
from tulou.platform.machinery import Machinery

_DAY_MS = 86_400_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which options there are."""
    commands = parser.add_subparsers(dest="what", required=True)
    add = commands.add_parser("add", help="make a token and print it, once")
    listing = commands.add_parser("list", help="list the tokens of a user")
    revoke = commands.add_parser("revoke", help="end a token for good")
    for command in (add, listing, revoke):
        command.add_argument("user")
        options.add_data(command)
    add.add_argument("--name", default="command line")
    add.add_argument("--role", choices=("read", "write"), default="read", help="what it may do everywhere its user may")
    add.add_argument(
        "--scope", action="append", default=[], metavar="WHERE:read|write",
        help="a fine-grained token for an account or a repository, such as acme:write or datasets/acme/x:read; repeat for more",
    )
    add.add_argument("--days", type=int, help="how long it works (default: until revoked)")
    options.add_json(listing)
    revoke.add_argument("id", help="as `tulou token list` shows it")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    with options.machinery(arguments) as m:
        _COMMANDS[arguments.what](m, arguments)
    return 0


def _add(m: Machinery, arguments: argparse.Namespace) -> None:
    user = accounts.user(m, arguments.user)
    granted = tuple(_scope(m, text) for text in arguments.scope)
    role = TokenRole.FINE_GRAINED if granted else TokenRole(arguments.role)
    if arguments.days is not None and arguments.days < 1:
        raise BadInput("A token works for at least one day.")
    expires_at = None if arguments.days is None else m.clock.now() + arguments.days * _DAY_MS
    made = tokens.create_token(m, SYSTEM, user.id, arguments.name, role, scopes=granted, expires_at=expires_at)
    print(made.secret)


def _scope(m: Machinery, text: str) -> Scope:
    where, _, permission = text.rpartition(":")
    return scopes.grant(m, SYSTEM, where, scopes.parse_permission(permission))


def _list(m: Machinery, arguments: argparse.Namespace) -> None:
    rows = [
        {
            "id": token.id, "name": token.name, "role": token.role.value, "token": token.hint,
            "scopes": [_shown(entity) for entity in scopes.describe(m, token.scopes)],
            "created": iso(token.created_at), "expires": token.expires_at and iso(token.expires_at),
            "last_used": token.last_used_at and iso(token.last_used_at),
        }
        for token in tokens.of_account(m, accounts.user(m, arguments.user).id)
    ]
    options.show(rows, as_json=arguments.json)


def _shown(entity: scopes.Entity) -> str:
    return f"{entity.name}:{'write' if 'repo.write' in entity.permissions else 'read'}"


def _revoke(m: Machinery, arguments: argparse.Namespace) -> None:
    tokens.revoke(m, SYSTEM, accounts.user(m, arguments.user).id, arguments.id)
    print("Revoked.")


_COMMANDS = {"add": _add, "list": _list, "revoke": _revoke}
