"""Run somebody's SQL over the splits of a dataset."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from tulou.features.repos.model import Repo
from tulou.features.viewer import shelf
from tulou.features.viewer.shelf import Split
from tulou.kernel.errors import BadInput, ViewerProblem
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import SQL_CHARS
from tulou.platform.machinery import Machinery
from tulou.platform.tabular.console import Format, Query

MOST = 100
"""Tables that a query may choose from."""
_FILES = 1_000
_WORD = re.compile(r"\W+")


@dataclass(frozen=True, slots=True)
class Table:
    """A split under the name by which queries call it."""

    name: str
    split: Split


def tables(m: Machinery, repo: Repo, commit: Sha1, config: str) -> list[Table]:
    """Return what a query may read: the splits of one configuration by their names, then all others as `config_split`."""
    found: dict[str, Table] = {}
    for split in islice(shelf.splits(m, repo, commit, first=config), MOST):
        wanted = split.name if split.config == config else f"{split.config}_{split.name}"
        # DuckDB's names make no difference between letters' cases.
        name = _free(_WORD.sub("_", wanted) or "data", {taken.lower() for taken in found})
        found[name] = Table(name, split)
    return list(found.values())


def run(m: Machinery, repo: Repo, commit: Sha1, config: str, text: str, form: Format) -> bytes:
    """Return the result as JSON (`columns`, `rows`, `num_rows`, `truncated`), CSV or Parquet. Raises BadInput, ViewerProblem."""
    if not text.strip() or len(text) > SQL_CHARS or "\0" in text:
        raise BadInput(f"The query must be text of at most {SQL_CHARS} characters.")
    known = tables(m, repo, commit, config)
    if not known:
        raise ViewerProblem("ResponseNotReady", "The tables of this dataset are not ready yet. Please try again later.", 409)
    # Every file is opened before the query begins: those of tables that it does not name can stay closed.
    named = [table for table in known if table.split.config == config or table.name.lower() in text.lower()]
    views = {table.name: [part.path for part in table.split.parts] for table in named}
    if sum(map(len, views.values())) > _FILES:
        raise ViewerProblem("TooBigContentError", f"The tables of this query have more than {_FILES:,} files.", 422)
    return m.tables.console.run(Query(text, views, form))


def _free(name: str, taken: set[str]) -> str:
    at, found = 2, name
    while found.lower() in taken:
        found, at = f"{name}_{at}", at + 1
    return found
