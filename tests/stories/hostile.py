"""Build git objects, packs and push requests by hand, as no honest program would."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass, field

from tulou.wire import pktline

KINDS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
AUTHOR = b"a <a@example.org> 1700000000 +0000"


@dataclass
class Pack:
    """Objects in the order in which they were added."""

    objects: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def add(self, kind: str, content: bytes) -> str:
        raw = kind.encode() + b" %d\0" % len(content) + content
        oid = hashlib.sha1(raw).hexdigest()
        self.objects[oid] = (kind, content)
        return oid

    def blob(self, content: bytes) -> str:
        return self.add("blob", content)

    def tree(self, *entries: tuple[str, bytes | str, str]) -> str:
        """Entries are (mode, name, object id), in the order given."""
        lines = (
            mode.encode() + b" " + (name.encode() if isinstance(name, str) else name) + b"\0" + bytes.fromhex(oid)
            for mode, name, oid in entries
        )
        return self.add("tree", b"".join(lines))

    def commit(
        self, tree: str, *, author: bytes = AUTHOR, extra: bytes = b"", message: bytes = b"x\n", parents: tuple[str, ...] = ()
    ) -> str:
        named = b"".join(b"parent " + parent.encode() + b"\n" for parent in parents)
        return self.add(
            "commit",
            b"tree "
            + tree.encode()
            + b"\n"
            + named
            + b"author "
            + author
            + b"\ncommitter "
            + author
            + b"\n"
            + extra
            + b"\n"
            + message,
        )

    def tag(self, target: str, kind: str, name: str = "t") -> str:
        return self.add("tag", f"object {target}\ntype {kind}\ntag {name}\ntagger {AUTHOR.decode()}\n\nm\n".encode())

    def files(self, *names: bytes | str) -> str:
        """A commit of one folder with a small file under each name, in git's order."""
        blob = self.blob(b"hi\n")
        encoded = sorted(name.encode() if isinstance(name, str) else name for name in names)
        return self.commit(self.tree(*(("100644", name, blob) for name in encoded)))

    def nested(self, depth: int) -> str:
        """A commit of a file below `depth` folders."""
        tree = self.tree(("100644", "f", self.blob(b"hi\n")))
        for _ in range(depth):
            tree = self.tree(("40000", "d", tree))
        return self.commit(tree)

    def bytes(self, *, count: int | None = None, version: int = 2, extra: bytes = b"") -> bytes:
        """The pack file; `extra` goes before the checksum, as the work of somebody who can count."""
        body = b"PACK" + struct.pack(">II", version, len(self.objects) if count is None else count)
        body += b"".join(entry(KINDS[kind], content) for kind, content in self.objects.values()) + extra
        return body + hashlib.sha1(body).digest()


def entry(kind: int, content: bytes, *, prefix: bytes = b"", size: int | None = None) -> bytes:
    """One object of a pack: a header of kind and size, then `prefix`, then the packed content."""
    left = len(content) if size is None else size
    head = bytearray()
    byte, left = (kind << 4) | (left & 15), left >> 4
    while left:
        head.append(byte | 0x80)
        byte, left = left & 0x7F, left >> 7
    head.append(byte)
    return bytes(head) + prefix + zlib.compress(content)


def varint(number: int) -> bytes:
    """A size in a delta."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def ref_delta(base: str, delta: bytes) -> bytes:
    """An object of a pack that is a change to another object, named by id."""
    return entry(7, delta, prefix=bytes.fromhex(base))


def push(new: str, ref: str, pack: bytes, *, old: str = "0" * 40, capabilities: str = "report-status") -> bytes:
    """The body of a push of one ref."""
    return pktline.encode(f"{old} {new} {ref}\0{capabilities}".encode()) + pktline.FLUSH + pack
