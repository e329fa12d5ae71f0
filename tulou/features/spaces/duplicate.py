"""Copy a Space: its files, history and variables. Its secrets stay where they are, and so does what it keeps in /data."""

from __future__ import annotations

from dataclasses import replace

from tulou.features.content import lifecycle
from tulou.features.repos.model import Repo
from tulou.features.spaces import options, settings
from tulou.features.spaces.options import Options, Value
from tulou.kernel.actor import Actor
from tulou.kernel.errors import BadInput
from tulou.kernel.names import RepoKind, RepoName
from tulou.platform.machinery import Machinery


def duplicate(
    m: Machinery, actor: Actor, source: Repo, new: RepoName, *, visibility: str | None = None, hardware: str | None = None,
    chosen: Options | None = None,
) -> Repo:  # fmt: skip
    """Make a Space with everything of `source` but its secrets. Values of `chosen` win over copied ones. Raises AlreadyExists.

    Write order: 1 the repository   2 its settings. After a crash between them the copy has none, and asks nobody for secrets.
    """
    if source.name.kind is not RepoKind.SPACE:
        raise BadInput("Only a Space has an application.")
    asked = chosen or options.check(m, actor, hardware=hardware)
    taken = {each.name for each in asked.values}
    copied = [
        Value(each.name, each.value or "", each.description, is_secret=False)
        for each in settings.variables(m, source)
        if each.name not in taken
    ]
    made = lifecycle.duplicate(m, actor, source, new, visibility=visibility)
    options.apply(m, made, replace(asked, values=(*asked.values, *copied)))
    return made
