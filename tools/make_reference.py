"""Write docs/reference from the program itself: settings, routes, errors, events, commands, limits.

`tests/unit/test_reference.py` fails when what is written differs from what this would write.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import json
import os
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tulou import app, settings  # noqa: E402 - the repository need not be installed
from tulou.cli import main as cli  # noqa: E402
from tulou.delivery.kit.routes import Login, Route  # noqa: E402
from tulou.kernel import errors, events, limits  # noqa: E402
from tulou.kernel.actor import Action  # noqa: E402

FOLDER = ROOT / "docs" / "reference"
MADE = "<!-- Written by tools/make_reference.py: change the program, then run `make docs`. -->"
ADDRESS = re.compile(r"^(Answer )?`?(GET|HEAD|POST|PUT|PATCH|DELETE)([|,]\S+)?( or [A-Z]+)? [^\s]*\S[:.,]?( *(with|and) )?\s*")
KIND = re.compile(r"^/(datasets|spaces|kernels)/(?={account})")
NOT_BUILT = "*answers 501: not built yet*"


def pages() -> dict[str, str]:
    """Return every page by its file name."""
    made = {
        "settings.md": page("Settings", settings_intro(), settings_table()),
        "routes.md": page("Routes", ROUTES_INTRO, routes_table()),
        "errors.md": page("Errors", ERRORS_INTRO, errors_table()),
        "events.md": page("Events", EVENTS_INTRO, events_table()),
        "commands.md": page("Commands", "Every command takes `--help`; those that touch data take `--data DIR`.", commands()),
        "limits.md": page("Limits", "Every limit that the program enforces, from `tulou/kernel/limits.py`.", limits_table()),
    }
    links = [f"- [{text.splitlines()[0].removeprefix('# ')}]({name})" for name, text in made.items()]
    made["index.md"] = page("Reference", "Written by the program, so that it cannot drift from it.", links)
    return made


def page(title: str, intro: str, lines: list[str] | Iterator[str]) -> str:
    """Put a page together."""
    return "\n".join([f"# {title}", "", MADE, "", intro, "", *lines, ""])


def row(*cells: str) -> str:
    """Make one line of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def table(*head: str) -> list[str]:
    """Make the two lines that begin a table."""
    return [row(*head), "|" + " --- |" * len(head)]


def sayings(module: ModuleType) -> dict[str, str]:
    """Return the text below each assignment in a module or its first class, by name."""
    found: dict[str, str] = {}
    tree = ast.parse(inspect.getsource(module))
    for body in [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]:
        for before, after in pairwise(body):
            is_named = isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name)
            text = ast.get_docstring(ast.Module([after], [])) if is_named else None
            if text:
                found[before.target.id] = text
    return found


def settings_intro() -> str:
    """Say where settings come from."""
    return (
        "A setting is a key in `tulou.toml` in the data folder, or the variable `TULOU_` and its name in capitals; "
        "`TULOU_…_FILE` names a file that holds the value. A variable wins over the file, an option of the command line "
        "over both. An unknown or impossible setting stops the start with one line. `tulou settings` prints what is in effect."
    )


def settings_table() -> list[str]:
    """List every setting."""
    said = sayings(settings)
    rows = [
        row(f"`{f.name}`", f"`TULOU_{f.name.upper()}`", f"`{f.default}`" if str(f.default) else "(empty)", said.get(f.name, ""))
        for f in dataclasses.fields(settings.Settings)
    ]
    return [*table("in `tulou.toml`", "variable", "default", "what it does"), *rows]


ROUTES_INTRO = (
    "`{x}` is one segment of the path, `{x*}` the rest of it. The right is what somebody needs on the repository that the "
    "address names; *public* and *signed in* are addresses that name none; *bearer* addresses carry a right of their own, "
    "signed by the hub. An address that begins with `/{account}/{name}` names a model; the same behind `/datasets`, "
    "`/spaces` and `/kernels` names the others."
)


def routes_table() -> Iterator[str]:
    """List every route."""
    yield from table("methods", "address", "right", "what it does")
    routes = app.routes()
    for_models = {route.pattern for route in routes}
    for route in sorted(routes, key=lambda r: (r.pattern, r.methods)):
        if KIND.sub("/", route.pattern) in for_models and KIND.match(route.pattern):
            continue
        methods = (
            "any" if len(route.methods) >= 5 else " ".join(m for m in route.methods if m != "HEAD" or "GET" not in route.methods)
        )
        right = route.access.name.lower().replace("_", " ") if isinstance(route.access, Action) else route.access.value
        yield row(methods, f"`{route.pattern}`", right + (", by cookie" if route.login is Login.COOKIE else ""), purpose(route))


def purpose(route: Route) -> str:
    """Return the first sentence about a handler."""
    handler = getattr(route.handler, "func", route.handler)
    if "_refuse" in getattr(handler, "__qualname__", ""):
        return NOT_BUILT
    first = (inspect.getdoc(handler) or "").split("\n")[0]
    # Many handlers begin with their address, which stands beside the sentence here.
    rest = ADDRESS.sub("", first) or handler.__name__.replace("_", " ")
    return rest[:1].upper() + rest[1:].rstrip(".")


ERRORS_INTRO = (
    "Every problem is a JSON object with `error`, a sentence that is safe to show, and `code`, which does not change between "
    "versions. `X-Error-Code` is what Hub clients choose their exception by; `X-Request-Id` finds the request in the log."
)


def errors_table() -> Iterator[str]:
    """List every error, most general first within a status."""
    yield from table("status", "`code`", "`X-Error-Code`", "meaning")
    classes = {c for c in vars(errors).values() if inspect.isclass(c) and issubclass(c, errors.HubError)} | set(
        subclasses(errors.HubError)
    )
    classes = {c for c in classes if not issubclass(c, errors.SettingError)}
    # A class that only adds detail shares its parent's code: the parent speaks for both.
    by_code = {c.code: c for c in sorted(classes, key=lambda c: -len(c.__mro__))}
    for kind in sorted(by_code.values(), key=lambda c: (c.status, c.code)):
        yield row(
            str(kind.status),
            f"`{kind.code}`",
            f"`{kind.wire_code}`" if kind.wire_code else "",
            (kind.__doc__ or "").split("\n")[0],
        )


def subclasses(kind: type) -> Iterator[type]:
    """Yield every class below one, wherever it is defined."""
    app.routes()  # imports every module that can define one
    for below in kind.__subclasses__():
        yield below
        yield from subclasses(below)


EVENTS_INTRO = (
    "What the parts of the hub tell each other: facts, written to the outbox in the transaction that makes them true, and "
    "delivered to subscribers at least once, in order."
)


def events_table() -> list[str]:
    """List every event and what it carries."""
    rows = [
        row(f"`{name}`", (kind.__doc__ or "").split("\n")[0], ", ".join(f"`{f.name}`" for f in dataclasses.fields(kind)))
        for name, kind in sorted(events.KINDS.items())
    ]
    return [*table("event", "what happened", "carries"), *rows]


def commands() -> Iterator[str]:
    """Show the help of every command and subcommand."""
    os.environ["COLUMNS"] = "110"
    yield from ["```", cli.usage(), "```"]
    for name in cli.COMMANDS:
        for parser in parsers(cli.parser_of(name)):
            yield from ["", f"## {parser.prog}", "", "```", parser.format_help().strip(), "```"]


def commands_page() -> str:
    """Return the same for the website, as JSON."""
    os.environ["COLUMNS"] = "100"
    found = [{"name": "tulou", "help": cli.usage()}]
    for name in cli.COMMANDS:
        found += [{"name": parser.prog, "help": parser.format_help().strip()} for parser in parsers(cli.parser_of(name))]
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a parser and those of its subcommands."""
    yield parser
    for action in parser._actions:  # noqa: SLF001 - argparse offers no other way to list subcommands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for below in action.choices.values():
                yield from parsers(below)


def limits_table() -> list[str]:
    """List every limit."""
    said = sayings(limits)
    units = {"KIB", "MIB", "GIB"}
    values = {name: value for name, value in vars(limits).items() if name.isupper() and name not in units}
    return [
        *table("limit", "value", "note"),
        *(row(f"`{name}`", amount(name, value), said.get(name, "")) for name, value in values.items()),
    ]


def amount(name: str, value: object) -> str:
    """Write a number so that people can read it."""
    if not isinstance(value, int):
        return f"`{value}`"
    if value < limits.MIB and "BYTES" not in name:
        return f"{value:,}"
    for size, unit in ((limits.GIB, "GiB"), (limits.MIB, "MiB"), (limits.KIB, "KiB")):
        if value >= size and value % size == 0:
            return f"{value // size} {unit}"
    return f"{value:,}"


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
    (ROOT / "tulou" / "web" / "commands.json").write_text(commands_page())


if __name__ == "__main__":
    main()
