"""Find on this machine what an order names: files of a commit, an environment, a persistent folder, a folder for results.

Everything here but `data:` is a cache that may be deleted while nothing runs; it is made again when the next run needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tulou.features.content import export
from tulou.features.repos import lookup as repos
from tulou.features.runs.model import Run
from tulou.fsio import atomic
from tulou.kernel.ids import Sha1
from tulou.platform.compute.base import StartFailed
from tulou.platform.machinery import Machinery

Resolver = Callable[[Machinery, str], Path]
"""Finds what stands behind the scheme of a source."""


def find(m: Machinery, run: Run, source: str, others: dict[str, Resolver]) -> Path:
    """Return the path of a source, made if need be. Raises StartFailed when it is gone, with words for the run's owner."""
    scheme, _, rest = source.partition(":")
    if scheme == "out":
        return _out(m, run)
    resolver = {**_RESOLVERS, **others}.get(scheme)
    if resolver is None:
        raise StartFailed(f"this hub has no source called {scheme}")
    return resolver(m, rest)


def env_folder(m: Machinery, key: str) -> Path:
    """Return where the environment with this key is, or would be."""
    return _cache(m) / "envs" / key


def out_folder(m: Machinery, run_id: str) -> Path:
    """Return the folder that a run wrote its results to."""
    return _cache(m) / "out" / run_id


def drop_out(m: Machinery, run_id: str) -> None:
    """Delete the results of a run."""
    atomic.remove_tree(out_folder(m, run_id))


def export_folder(m: Machinery, repo_id: str, commit: str) -> Path:
    """Return where the files of a commit are, or would be."""
    return _cache(m) / "exports" / f"{repo_id}-{commit}"


def data_folder(m: Machinery, repo_id: str) -> Path:
    """Return the persistent folder of a Space."""
    return m.settings.data.resolve() / "spaces" / repo_id


def _cache(m: Machinery) -> Path:
    return m.settings.data.resolve() / "cache"


def _repo(m: Machinery, rest: str) -> Path:
    where, _, folder = rest.partition(":")
    repo_id, _, commit = where.partition("@")
    target = export_folder(m, repo_id, commit)
    if not target.is_dir():
        repo = repos.by_id(m, repo_id)
        if repo is None:
            raise StartFailed("a repository that it needs is gone")
        with atomic.scratch(m.work, "export") as scratch:
            export.tree(m, repo, Sha1(commit), scratch / "tree")
            atomic.publish_cached_tree(scratch / "tree", target)
    return _inside(target, folder)


def _inside(tree: Path, folder: str) -> Path:
    """Return a folder of an exported tree, whose links all stay inside it."""
    path = (tree / folder).resolve()
    if not path.is_relative_to(tree.resolve()) or not path.exists():
        raise StartFailed("a folder that it needs is not in its repository")
    return path


def _env(m: Machinery, rest: str) -> Path:
    path = env_folder(m, rest)
    if not path.is_dir():
        raise StartFailed("its environment is gone from this machine: build it again")
    return path


def _data(m: Machinery, rest: str) -> Path:
    path = data_folder(m, rest)
    atomic.make_dirs(path)
    return path


def _out(m: Machinery, run: Run) -> Path:
    path = out_folder(m, run.id)
    path.mkdir(parents=True, exist_ok=True)
    return path


_RESOLVERS: dict[str, Resolver] = {"repo": _repo, "env": _env, "data": _data}
