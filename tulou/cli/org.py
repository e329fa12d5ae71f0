"""`tulou org`: add and list organizations, and say who belongs to them."""

from __future__ import annotations

import argparse

from tulou.cli import options
from tulou.features.accounts import lookup as accounts
from tulou.features.accounts.model import AccountKind
from tulou.features.orgs import create
from tulou.features.orgs import lookup as orgs
from tulou.kernel.actor import SYSTEM, Role
from tulou.kernel.clock import iso
from tulou.platform.machinery import Machinery


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which options there are."""
    commands = parser.add_subparsers(dest="what", required=True)
    add = commands.add_parser("add", help="add an organization")
    add.add_argument("name")
    add.add_argument("--fullname", default="")
    add.add_argument("--default-visibility", choices=create.VISIBILITIES, default="public", help="of its new repositories")
    listing = commands.add_parser("list", help="list organizations")
    members = commands.add_parser("members", help="list the members of one")
    join = commands.add_parser("join", help="make a user a member, or change a member's role")
    leave = commands.add_parser("leave", help="end a membership")
    for command in (members, join, leave):
        command.add_argument("name")
    for command in (join, leave):
        command.add_argument("user")
    join.add_argument("--role", choices=[role.value for role in Role], default=Role.WRITE.value)
    for command in (listing, members):
        options.add_json(command)
    for command in (add, listing, members, join, leave):
        options.add_data(command)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    with options.machinery(arguments) as m:
        _COMMANDS[arguments.what](m, arguments)
    return 0


def _add(m: Machinery, arguments: argparse.Namespace) -> None:
    org = create.create_org(
        m, SYSTEM, arguments.name, fullname=arguments.fullname, default_visibility=arguments.default_visibility
    )
    print(f"Added {org.name}. Add members with: tulou org join {org.name} USER --role admin")


def _list(m: Machinery, arguments: argparse.Namespace) -> None:
    rows = [
        {
            "name": org.name, "fullname": org.fullname, "members": orgs.count_members(m, org),
            "default_visibility": org.default_visibility, "created": iso(org.created_at),
        }
        for org in accounts.everyone(m, AccountKind.ORG)
    ]
    options.show(rows, as_json=arguments.json)


def _members(m: Machinery, arguments: argparse.Namespace) -> None:
    found = orgs.members(m, accounts.org(m, arguments.name))
    options.show([{"user": member.user.name, "role": member.role.value} for member in found], as_json=arguments.json)


def _join(m: Machinery, arguments: argparse.Namespace) -> None:
    create.set_member(m, SYSTEM, arguments.name, arguments.user, Role(arguments.role))
    print(f"{arguments.user} is a member of {arguments.name} ({arguments.role}).")


def _leave(m: Machinery, arguments: argparse.Namespace) -> None:
    create.remove_member(m, SYSTEM, arguments.name, arguments.user)
    print(f"{arguments.user} is no longer a member of {arguments.name}.")


_COMMANDS = {"add": _add, "list": _list, "members": _members, "join": _join, "leave": _leave}
