"""Make a Space: empty or from a template, and with what was said about its application."""

from __future__ import annotations

from tulou.features.content import lifecycle
from tulou.features.repos.model import Repo
from tulou.features.spaces import options, templates
from tulou.features.spaces.options import Options
from tulou.kernel.actor import Actor
from tulou.kernel.errors import BadInput
from tulou.kernel.names import RepoName
from tulou.platform.machinery import Machinery


def create(
    m: Machinery, actor: Actor, name: RepoName, *, visibility: str | None, sdk: str | None, template: str | None, chosen: Options
) -> Repo:
    """Make a Space. Raises Forbidden, AlreadyExists, BadInput.

    Write order: 1 the repository, and the files of its template   2 its settings. See `options.apply` for a crash between them.
    """
    if template is None:
        made = lifecycle.create(m, actor, name, visibility=visibility, sdk=sdk)
    else:
        found = templates.find(template)
        if sdk not in {None, found.sdk}:
            raise BadInput(f"That template is made with {found.sdk}.")
        made = templates.create(m, actor, name, found, visibility=visibility)
    options.apply(m, made, chosen)
    return made
