"""What mallory filled with hostile words: cards, notebooks, tables, file names, messages, branches, her own name."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.browser import chromium, content
from tests.browser.payloads import ALL, DRAWING, MARKUP, PAGE
from tests.browser.world import World
from tests.commits import safetensors
from tulou.features.accounts import lookup
from tulou.features.accounts.create import change_user
from tulou.features.accounts.tokens import create_token
from tulou.features.content import branches
from tulou.kernel.actor import SYSTEM, TokenRole
from tulou.kernel.errors import InvalidName, InvalidPath
from tulou.kernel.names import parse_path, parse_ref_part

BAD = "<img src=x onerror=alert(1)>"
_ENDLESS = ("<!--", "CDATA", "<script>alert(1)//")
"""What swallows the rest of a page that is made of all lines together."""


def fill(home: World) -> None:
    """Use every line of the corpus wherever the hub takes text."""
    home.repo("mallory/markdown", files={f"{n:03d}.md": text for n, text in enumerate(ALL)})
    card = _metadata() + "\n\n".join(text for text in ALL if not any(word in text for word in _ENDLESS))
    home.repo("mallory/card", files={"README.md": card})
    home.repo("mallory/cards-dataset", "dataset", files={"README.md": card})
    home.repo("mallory/notebook", files={"hostile.ipynb": _notebook()})
    home.repo("mallory/tables", files=_tables())
    home.repo("mallory/pages", files={"page.html": PAGE.replace("HUB", chromium.address(home.hub)), "drawing.svg": DRAWING})
    _names(home)


def _metadata() -> str:
    """Return front matter whose every value is hostile."""
    bad = json.dumps(BAD)
    result = {
        "task": {"type": BAD, "name": BAD},
        "dataset": {"type": BAD, "name": BAD, "args": BAD},
        "metrics": [{"type": BAD, "value": BAD, "name": BAD}],
        "source": {"name": BAD, "url": "javascript:alert(1)"},
    }
    keys = ("license_name", "license_link", "library_name", "pipeline_tag", "pretty_name", "title", "emoji", "thumbnail")
    lines = [f"{key}: {bad}" for key in keys]
    lines += [f"{key}: [{bad}, 'javascript:alert(1)']" for key in ("tags", "task_categories", "datasets", "base_model", "spaces")]
    lines += [
        f"model-index: {json.dumps([{'name': BAD, 'results': [result]}])}",
        "license: other",
        f"widget: [{{text: {bad}}}]",
    ]
    return "---\n" + "\n".join(lines) + "\n---\n"


def _notebook() -> str:
    """Return a notebook where every line is text, code and output of cells of its own, which are laid out one by one."""
    whole = json.loads(content.notebook())
    whole["cells"] = [cell for text in MARKUP for cell in json.loads(content.notebook(text, text, text))["cells"]]
    return json.dumps(whole)


def _tables() -> dict[str, str | bytes]:
    """Return files of data whose cells are hostile."""
    rows = [f'"{text.replace(chr(34), chr(34) * 2)}",{n}' for n, text in enumerate(ALL[:95])]
    hostile = {f"<img src=x onerror=alert({n})>.{text[:40]}": ("F32", [1]) for n, text in enumerate(MARKUP[:20])}
    return {
        "cells.csv": "\n".join([f'"{BAD}",n', *rows]),
        "cells.json": json.dumps({text: text for text in ALL}),
        "cells.jsonl": "\n".join(json.dumps({"a": text}) for text in ALL),
        "code.py": "\n".join(ALL),
        "model.safetensors": safetensors(hostile),
        "config.json": json.dumps({"architectures": [BAD], "model_type": BAD, "auto_map": {"x": BAD}}),
    }


def _names(home: World) -> None:
    files = {f"{n:03d} {text}.txt".replace("\n", " "): text for n, text in enumerate(ALL)}
    home.repo("mallory/names", files={path: text for path, text in files.items() if _is_allowed(parse_path, path)})
    for number, text in enumerate(ALL):
        said = text.replace("\x01", "")
        home.write("mallory/names", {"n.txt": f"{number}\n"}, message=said, description=said)
    repo = home.find("mallory/names")
    for number, text in enumerate(ALL):
        if _is_allowed(parse_ref_part, f"{number}-{text}"):
            branches.create_branch(home.hub.m, SYSTEM, repo, f"{number}-{text}", None)
    mallory = lookup.user(home.hub.m, "mallory")
    change_user(home.hub.m, SYSTEM, mallory, fullname=BAD)
    create_token(home.hub.m, SYSTEM, lookup.user(home.hub.m, "alice").id, name=BAD, role=TokenRole.READ)
    home.hub.settle()


def _is_allowed(parse: Callable[[str], str], text: str) -> bool:
    """Say whether the hub takes a name at all."""
    try:
        parse(text)
    except (InvalidName, InvalidPath):
        return False
    return True
