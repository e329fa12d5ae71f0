"""Read which tensors a file of weights has, from its header alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tulou.features.cards import weights
from tulou.features.cards.reader import Reader
from tulou.features.content import resolve, tree
from tulou.features.repos.model import Repo
from tulou.kernel.errors import EntryNotFound
from tulou.kernel.ids import Sha1
from tulou.platform.machinery import Machinery
from tulou.wire import safetensors

_INDEX = ".safetensors.index.json"
MAX_METADATA = 200
_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor. `shape` is as the format has it: of GGUF files, the fastest side first."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True, slots=True)
class Tensors:
    """The tensors of one file, or of all shards of an index, and what the file says about itself. `size` is in bytes."""

    path: str
    format: str
    size: int
    tensors: list[Tensor]
    metadata: list[tuple[str, str]]

    def by_type(self) -> list[tuple[str, int]]:
        """Return (type, parameters), most first."""
        count: Counter[str] = Counter()
        for tensor in self.tensors:
            count[tensor.dtype] += tensor.parameters
        return count.most_common()

    @property
    def parameters(self) -> int:
        """The number of all parameters."""
        return sum(tensor.parameters for tensor in self.tensors)


def files_at(m: Machinery, repo: Repo, commit: Sha1) -> list[str]:
    """Return the files whose tensors can be shown, those at the root first, an index instead of its shards."""
    paths = tree.paths(m, repo, commit)
    indexed = {path.removesuffix(_INDEX) for path in paths if path.endswith(_INDEX)}
    found = [path for path in paths if path.endswith((_INDEX, ".safetensors", ".gguf"))]
    return sorted((p for p in found if not _is_shard(p, indexed)), key=lambda path: (path.count("/"), path))


def of_file(m: Machinery, repo: Repo, commit: Sha1, path: str) -> Tensors:
    """Read the header of a file, or of all shards of an index.

    Raises EntryNotFound, also for files that are no weights; TooLarge; WireError when the file breaks its format.
    """
    reader = Reader(m, repo, commit, ())
    if path.endswith(".gguf"):
        return _gguf(reader, path)
    if path.endswith(_INDEX):
        index = weights.index_of(reader, path)
        headers = weights.headers_of(reader, path, index.shards)
        folder = path.rpartition("/")[0]
        size = sum(_size(reader, f"{folder}/{shard}" if folder else shard) for shard in headers)
        return _safetensors(path, size, headers.values())
    if path.endswith(".safetensors"):
        return _safetensors(path, _size(reader, path), [weights.header_of(reader, path)])
    raise EntryNotFound


def _safetensors(path: str, size: int, headers: Iterable[bytes]) -> Tensors:
    found: list[Tensor] = []
    metadata: dict[str, str] = {}
    for content in headers:
        header = safetensors.parse_header(content)
        found += [Tensor(name, t.dtype, t.shape, t.parameters) for name, t in header.tensors.items()]
        metadata |= header.metadata
    return Tensors(path, "safetensors", size, found, _shown(metadata.items()))


def _gguf(reader: Reader, path: str) -> Tensors:
    header = weights.read_gguf(reader, path)
    found = [Tensor(t.name, t.dtype, t.shape, t.parameters) for t in header.tensors]
    return Tensors(path, "gguf", _size(reader, path), found, _shown(header.metadata.items()))


def _shown(metadata: Iterable[tuple[str, object]]) -> list[tuple[str, str]]:
    return [(name[:_CHARS], str(value)[:_CHARS]) for name, value in list(metadata)[:MAX_METADATA]]


def _size(reader: Reader, path: str) -> int:
    return resolve.locate(reader.m, reader.repo, reader.commit, path).size


def _is_shard(path: str, indexed: set[str]) -> bool:
    """Shards are called `model-00001-of-00003.safetensors` beside `model.safetensors.index.json`."""
    return path.endswith(".safetensors") and "-of-" in path and path.rsplit("-", 3)[0] in indexed
