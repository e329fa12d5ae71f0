"""Begin a Space from one that works: the templates that come with the hub, each a folder of plain files.

Nothing in them comes from anywhere but the package index and this hub, so they work where there is no internet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tulou
from tulou.features.content import commit, lifecycle
from tulou.features.repos.model import Repo
from tulou.kernel.actor import Actor
from tulou.kernel.errors import BadInput
from tulou.kernel.names import RepoName
from tulou.platform.machinery import Machinery
from tulou.wire import frontmatter
from tulou.wire.hf_commit import File, Header

FOLDER = Path(tulou.__file__).parent / "space_templates"
OWNER = "tulou"
"""What clients see as the account of a template: a name that nobody can take."""
_ORDER = ("chat", "text-classifier", "image-classifier", "dataset-explorer", "hub-dashboard", "static-page")


@dataclass(frozen=True, slots=True)
class Template:
    """One template. `key` is its folder."""

    key: str
    title: str
    emoji: str
    description: str
    sdk: str

    @property
    def repo_id(self) -> str:
        """The name by which clients choose it."""
        return f"{OWNER}/{self.key}"


@cache
def everything() -> tuple[Template, ...]:
    """Return all templates, in the order in which they are offered."""
    return tuple(_read(key) for key in _ORDER)


def find(name: str) -> Template:
    """Return the template with this key, title or `tulou/<key>`. Raises BadInput, naming what there is."""
    for template in everything():
        if name in {template.key, template.repo_id, template.title}:
            return template
    raise BadInput(f"There is no such template. There are: {', '.join(each.repo_id for each in everything())}.")


def files(template: Template) -> dict[str, bytes]:
    """Return the files of a template by path."""
    folder = FOLDER / template.key
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if _is_content(path)}


def create(m: Machinery, actor: Actor, name: RepoName, template: Template, *, visibility: str | None) -> Repo:
    """Make a Space with the files of a template. Raises as `lifecycle.create`.

    # 1 repository with its first commit   2 the files as a second commit
    # Crash after 1: an empty Space, which its owner sees and can fill or delete.
    """
    repo = lifecycle.create(m, actor, name, visibility=visibility, sdk=template.sdk)
    operations = [File(path, content) for path, content in files(template).items()]
    commit.commit(m, actor, repo, repo.default_branch, Header(f"Begin from the template {template.key}", "", None), operations)
    return repo


def _read(key: str) -> Template:
    card = frontmatter.metadata((FOLDER / key / "README.md").read_text(encoding="utf-8"))
    return Template(key, str(card["title"]), str(card["emoji"]), str(card["short_description"]), str(card["sdk"]))


def _is_content(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts
