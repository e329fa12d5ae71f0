"""The push dialect of git: the commands a client sends, the refs we advertise, and the report we answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from tulou.kernel.errors import WireError
from tulou.kernel.ids import Sha1
from tulou.kernel.limits import PUSH_COMMANDS
from tulou.wire import pktline

ZERO = "0" * 40
CAPABILITIES = b"report-status delete-refs side-band-64k quiet atomic ofs-delta object-format=sha1 agent=tulou"
_COMMAND = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) ([^\0]+)")
_SHALLOW = re.compile(rb"shallow [0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Command:
    """Move `ref` from `old` to `new`; None means that it does not exist. `ref` is unchecked text of the client."""

    ref: str
    old: Sha1 | None
    new: Sha1 | None


@dataclass(frozen=True, slots=True)
class PushRequest:
    """What stands before the pack. No commands at all: git only asks whether its credentials are good."""

    commands: tuple[Command, ...]
    capabilities: frozenset[str]

    @property
    def is_atomic(self) -> bool:
        """True when all refs are to move, or none."""
        return "atomic" in self.capabilities

    @property
    def shows_messages(self) -> bool:
        """True when the client shows messages to its user while it pushes."""
        return "side-band-64k" in self.capabilities

    @property
    def has_pack(self) -> bool:
        """True when a pack follows: always, unless refs are only deleted."""
        return any(command.new is not None for command in self.commands)


def parse_request(stream: BinaryIO) -> PushRequest:
    """Read the commands and leave `stream` at the first byte of the pack. Raises WireError."""
    commands: list[Command] = []
    capabilities: frozenset[str] = frozenset()
    for line in pktline.lines(stream, limit=PUSH_COMMANDS):
        if _SHALLOW.fullmatch(line):
            continue  # A push from a shallow clone: whether history is complete is judged by what we have.
        body, nul, tail = line.partition(b"\0")
        if nul and not commands:
            capabilities = frozenset(tail.decode("utf-8", "replace").split())
        commands.append(_command(body))
    if len({command.ref for command in commands}) != len(commands):
        raise WireError("A push may name each ref once.")
    return PushRequest(tuple(commands), capabilities)


def _command(body: bytes) -> Command:
    match = _COMMAND.fullmatch(body)
    if match is None:
        raise WireError("A push command is two object ids and a ref.")
    try:
        old, new, ref = match[1].decode(), match[2].decode(), match[3].decode("utf-8")
    except UnicodeDecodeError as cause:
        raise WireError("The name of a ref must be UTF-8.") from cause
    return Command(ref, None if old == ZERO else Sha1(old), None if new == ZERO else Sha1(new))


def advertise(refs: Iterable[tuple[str, str]], *, service_line: bool = True) -> bytes:
    """Write the list of refs (name, object id) that a pusher sees first."""
    lines = [f"{oid} {name}".encode() for name, oid in refs] or [f"{ZERO} capabilities^{{}}".encode()]
    lines[0] += b"\0" + CAPABILITIES
    head = pktline.encode(b"# service=git-receive-pack\n") + pktline.FLUSH if service_line else b""
    return head + b"".join(pktline.encode(line + b"\n") for line in lines) + pktline.FLUSH


def report(request: PushRequest, unpack: str, results: Mapping[str, str | None], messages: Iterable[str] = ()) -> bytes:
    """Write the answer: `unpack` is `ok` or a reason; `results` gives each ref None, or the reason it was refused.

    `messages` are shown to the person who pushes, as lines beginning with `remote:`.
    """
    lines = [f"unpack {unpack}".encode()]
    for command in request.commands:
        reason = results[command.ref]
        name = command.ref.encode()
        lines.append(b"ok " + name if reason is None else b"ng " + name + b" " + reason.encode())
    status = b"".join(pktline.encode(line[: pktline.PAYLOAD_BYTES - 1] + b"\n") for line in lines) + pktline.FLUSH
    if "report-status" not in request.capabilities:
        status = b""
    if not request.shows_messages:
        return status
    told = b"".join(pktline.band(2, message.encode() + b"\n") for message in messages)
    return told + pktline.band(1, status) + pktline.FLUSH
