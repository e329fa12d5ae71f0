"""Say where a model came from, what was made of it, and who uses it: never naming or counting what the reader may not see."""

from __future__ import annotations

from dataclasses import dataclass

from tulou.features.access import gate
from tulou.features.cards import queries
from tulou.features.cards.model import Overview, texts
from tulou.features.cards.vocabulary import RELATIONS
from tulou.kernel.actor import Actor
from tulou.kernel.errors import InvalidName
from tulou.kernel.names import RepoKind, RepoName, fold, parse_repo_id
from tulou.platform.machinery import Machinery

SHOWN = 6
"""Repositories of each sort that are named; the rest is a link to the list."""
MAX_NAMED = 50


@dataclass(frozen=True, slots=True)
class Link:
    """A repository that a card names. `is_here`: the reader can open it on this hub."""

    label: str
    name: RepoName | None
    is_here: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Repositories that name this one in one way: the tag by which all are found, how many, and the first of them."""

    what: str
    kind: RepoKind
    tag: str
    count: int
    first: list[RepoName]


@dataclass(frozen=True, slots=True)
class Family:
    """The relatives of one repository. Empty groups are left out.

    `relation` is how a model came from its parents: finetune, adapter, quantized or merge.
    """

    relation: str | None
    parents: list[Link]
    children: list[Group]
    data: list[Link]
    """Datasets that the card names: what a model learned from, or a Space shows."""
    models: list[Link]
    """Models that a Space names."""
    users: list[Group]
    """Models trained on a dataset, datasets made from it, and Spaces that use a model or dataset."""


def of(m: Machinery, actor: Actor, overview: Overview) -> Family:
    """Return the relatives of a repository, as far as `actor` may see them.

    Costs a handful of queries, or none while nothing was committed since the same reader asked last.
    """
    # What somebody may see depends on the person alone, unless they came with a token.
    key = (overview.id, overview.commit, actor.user_id) if actor.token is None else None
    known = m.cache.get("family", key) if key else None
    if isinstance(known, Family):
        return known
    mark = m.cache.mark()
    found = _family(m, actor, overview)
    if key:
        m.cache.put(mark, "family", key, found)
    return found


def _family(m: Machinery, actor: Actor, overview: Overview) -> Family:
    kind, full = overview.name.kind, overview.name.full
    based = overview.summary.facts.get("baseModels") if kind is not RepoKind.DATASET else None
    parents = [item["id"] for item in based["models"]] if based else []
    card = overview.summary.card
    # Cards of datasets also write "original" there, and "extended|name".
    data = texts(card.get("datasets" if kind is not RepoKind.DATASET else "source_datasets"))
    data = [name for name in data if kind is not RepoKind.DATASET or "/" in name]
    models = texts(card.get("models")) if kind is RepoKind.SPACE else []
    is_model = kind is RepoKind.MODEL
    return Family(
        relation=based["relation"] if based else None,
        parents=_links(m, actor, RepoKind.MODEL, parents),
        children=_groups(m, actor, RepoKind.MODEL, {f"base_model:{r}:{full}": r for r in RELATIONS}) if is_model else [],
        data=_links(m, actor, RepoKind.DATASET, data),
        models=_links(m, actor, RepoKind.MODEL, models),
        users=_users(m, actor, overview.name),
    )


def _users(m: Machinery, actor: Actor, name: RepoName) -> list[Group]:
    if name.kind not in {RepoKind.MODEL, RepoKind.DATASET}:
        return []
    spaces = _groups(m, actor, RepoKind.SPACE, {f"{name.kind.plural}:{name.full}": "spaces"})
    if name.kind is RepoKind.MODEL:
        return spaces
    models = _groups(m, actor, RepoKind.MODEL, {f"dataset:{name.full}": "models"})
    return models + _groups(m, actor, RepoKind.DATASET, {f"source_datasets:{name.full}": "datasets"}) + spaces


def _groups(m: Machinery, actor: Actor, kind: RepoKind, tags: dict[str, str]) -> list[Group]:
    """Return the repositories that have each of the tags, the largest group first."""
    if not tags:
        return []
    visible = gate.visible_repos(actor)
    with m.db.read() as connection:
        counts = queries.count_tagged(connection, kind, tags, visible)
        found = [
            Group(tags[tag], kind, tag, count, [name for _, name in queries.tagged(connection, kind, [tag], visible, SHOWN)])
            for tag, count in counts.items()
        ]
    return sorted(found, key=lambda group: (-group.count, group.what))


def _links(m: Machinery, actor: Actor, kind: RepoKind, ids: list[str]) -> list[Link]:
    """Turn the ids of a card into links to what is here."""
    ids = list(dict.fromkeys(ids))[:MAX_NAMED]
    names = {text: name for text in ids if (name := _name(kind, text)) is not None}
    if not names:
        return [Link(text[:200], None, is_here=False) for text in ids]
    keys = [(fold(name.account), fold(name.name)) for name in names.values()]
    with m.db.read() as connection:
        here = queries.named(connection, kind, keys, gate.visible_repos(actor))
    return [Link(text[:200], name := names.get(text), is_here=name is not None and fold(name.full) in here) for text in ids]


def _name(kind: RepoKind, text: str) -> RepoName | None:
    try:
        return parse_repo_id(kind, text)
    except InvalidName:
        return None
