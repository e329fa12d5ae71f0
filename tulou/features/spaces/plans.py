"""Read the plan of a commit from its files."""

from __future__ import annotations

from dataclasses import replace

from tulou.features.content import resolve, tree
from tulou.features.repos.model import Repo
from tulou.features.runs import images
from tulou.features.spaces import config, docker
from tulou.features.spaces.config import CannotRun
from tulou.features.spaces.model import Plan, Stage
from tulou.kernel.errors import BadInput, HubError
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import CARD_BYTES
from tulou.platform.machinery import Machinery

README = "README.md"


def at(m: Machinery, repo: Repo, commit: str) -> Plan:
    """Return how to run a commit on this hub. Raises CannotRun."""
    paths = frozenset(tree.paths(m, repo, Sha1(commit)))
    plan = config.plan(commit, _text(m, repo, commit, README) if README in paths else None, paths)
    if plan.is_static:
        return plan
    where = "README.md: python_version"
    if plan.sdk == "docker":
        if m.compute.nodes()[0].level == "process":
            raise CannotRun(Stage.CONFIG_ERROR, "This hub runs programs without a sandbox, and so no Docker Spaces.")
        where = "Dockerfile: FROM"
        named, script = docker.read(_text(m, repo, commit, plan.app_file), paths)
        plan = replace(plan, image=named, script=script)
    try:
        image, notes = images.resolve(m, plan.image)
    except BadInput as problem:
        raise CannotRun(Stage.CONFIG_ERROR, f"{where}. {problem.message}") from problem
    return replace(plan, image=image, notes=(*plan.notes, *notes))


def _text(m: Machinery, repo: Repo, commit: str, path: str) -> str:
    try:
        return resolve.read_file(m, repo, Sha1(commit), path, CARD_BYTES).decode("utf-8", "replace")
    except HubError as problem:
        raise CannotRun(Stage.CONFIG_ERROR, f"{path}: {problem.message}") from problem
