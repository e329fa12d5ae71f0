"""`tulou user`: add, list and change users."""

from __future__ import annotations

import argparse

from tulou.cli import options
from tulou.features.accounts import create, sessions
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.model import AccountKind
from tulou.features.quota import limit
from tulou.kernel.actor import SYSTEM
from tulou.kernel.clock import iso
from tulou.kernel.errors import BadInput
from tulou.platform.machinery import Machinery


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which options there are."""
    commands = parser.add_subparsers(dest="what", required=True)
    add = commands.add_parser("add", help="add a user")
    add.add_argument("name")
    add.add_argument("--fullname", default="")
    add.add_argument("--email")
    add.add_argument("--admin", action="store_true", help="an administrator of this hub")
    listing = commands.add_parser("list", help="list users")
    options.add_json(listing)
    disable = commands.add_parser("disable", help="close a user: tokens and sessions stop at once")
    enable = commands.add_parser("enable", help="open a closed user again")
    admin = commands.add_parser("admin", help="make a user an administrator, or take that away")
    quota = commands.add_parser("quota", help="limit what a user or an organization may store")
    for command in (disable, enable, admin, quota):
        command.add_argument("name")
    admin.add_argument("value", choices=("on", "off"))
    quota.add_argument("size", metavar="GB", help="gigabytes (GiB), or 'default'")
    for command in (add, listing, disable, enable, admin, quota):
        options.add_data(command)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    with options.machinery(arguments) as m:
        _COMMANDS[arguments.what](m, arguments)
    return 0


def _add(m: Machinery, arguments: argparse.Namespace) -> None:
    user = create.create_user(
        m, SYSTEM, arguments.name, fullname=arguments.fullname, email=arguments.email, is_admin=arguments.admin
    )
    print(f"Added {user.name}. Let them in with: tulou link {user.name}")


def _list(m: Machinery, arguments: argparse.Namespace) -> None:
    rows = [
        {
            "name": user.name, "fullname": user.fullname, "email": user.email, "admin": user.is_admin,
            "disabled": user.disabled_at is not None, "created": iso(user.created_at),
        }
        for user in accounts.everyone(m, AccountKind.USER)
    ]
    options.show(rows, as_json=arguments.json)


def _disable(m: Machinery, arguments: argparse.Namespace) -> None:
    user = accounts.user(m, arguments.name)
    create.set_disabled(m, SYSTEM, user, disabled=True)
    sessions.close_all(m, SYSTEM, user.id)
    print(f"Closed {user.name}.")


def _enable(m: Machinery, arguments: argparse.Namespace) -> None:
    user = accounts.user(m, arguments.name)
    create.set_disabled(m, SYSTEM, user, disabled=False)
    print(f"Opened {user.name}.")


def _admin(m: Machinery, arguments: argparse.Namespace) -> None:
    user = accounts.user(m, arguments.name)
    create.change_user(m, SYSTEM, user, is_admin=arguments.value == "on")
    print(f"{user.name} is {'now' if arguments.value == 'on' else 'no longer'} an administrator.")


def _quota(m: Machinery, arguments: argparse.Namespace) -> None:
    if arguments.size != "default" and not arguments.size.isdecimal():
        raise BadInput("The quota is a whole number of gigabytes, or 'default'.")
    limit.set_limit(m, SYSTEM, arguments.name, None if arguments.size == "default" else int(arguments.size))
    print(f"The quota of {arguments.name} is {arguments.size if arguments.size == 'default' else arguments.size + ' GB'}.")


_COMMANDS = {"add": _add, "list": _list, "disable": _disable, "enable": _enable, "admin": _admin, "quota": _quota}
