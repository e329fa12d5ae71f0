"""Read the headers of all shards of a model, for clients that want to know its tensors without downloading it."""

from __future__ import annotations

from dataclasses import dataclass

from tulou.features.cards import weights
from tulou.features.cards.reader import Reader
from tulou.features.content import revisions
from tulou.features.repos.model import Repo
from tulou.kernel.names import parse_path
from tulou.platform.machinery import Machinery
from tulou.wire import safetensors


@dataclass(frozen=True, slots=True)
class ShardedHeaders:
    """The metadata of the index, and the JSON header of each shard by its name in the index."""

    metadata: dict[str, str | int | float | bool]
    headers: dict[str, bytes]


def sharded_headers(m: Machinery, repo: Repo, index_path: str) -> ShardedHeaders:
    """Read an index and its shards at the head of the default branch.

    Raises EntryNotFound, TooLarge, and WireError for files that are not in safetensors format.
    """
    reader = Reader(m, repo, revisions.head(m, repo), ())
    index = weights.index_of(reader, parse_path(index_path))
    headers = weights.headers_of(reader, index_path, index.shards)
    for header in headers.values():
        safetensors.parse_header(header)
    return ShardedHeaders(index.metadata, headers)

