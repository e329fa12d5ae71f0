"""Read a form with files (RFC 7578) as it arrives: fields into memory, files wherever the caller says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from tulou.delivery.kit.call import Call
from tulou.kernel.errors import BadInput, TooLarge
from tulou.kernel.limits import FORM_UPLOAD_FILES, KIB

FIELDS = 100
FIELD_BYTES = 64 * KIB


class Sink(Protocol):
    """Where the bytes of a file go."""

    def write(self, block: bytes) -> None:
        """Take the next bytes."""


class Form:
    """A form in the making. `feed` it the body; it opens a sink for every file that was chosen."""

    def __init__(self, content_type: str, open_file: Callable[[str], Sink]) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not 0 < len(boundary) <= 200:
            raise BadInput("The body must be a form with files.")
        self.fields: dict[str, str] = {}
        self.files = 0
        self._open_file = open_file
        self._header: tuple[bytes, bytes] = (b"", b"")
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._text: bytearray | None = None
        self._sink: Sink | None = None
        self._count = self._size = 0
        self._is_whole = False
        self._parser = MultipartParser(boundary, {
            "on_part_begin": self._begin, "on_header_field": self._field, "on_header_value": self._value,
            "on_header_end": self._header_end, "on_headers_finished": self._opened, "on_part_data": self._data,
            "on_part_end": self._end, "on_end": self._finished,
        })  # fmt: skip

    @classmethod
    def of(cls, call: Call, open_file: Callable[[str], Sink]) -> Self:
        """Return a form for the body of a request. Raises BadInput if it is none."""
        return cls(call.request.headers.get("content-type", ""), open_file)

    def feed(self, block: bytes) -> None:
        """Take the next bytes of the body. Raises BadInput, TooLarge, and what a sink raises."""
        try:
            self._parser.write(block)
        except MultipartParseError as cause:
            raise BadInput("The body is not a valid form.") from cause

    def close(self) -> None:
        """Say that the body is over. Raises BadInput if the form is not."""
        if not self._is_whole:
            raise BadInput("The form ends early.")

    def _begin(self) -> None:
        self._headers, self._header, self._text, self._sink = {}, (b"", b""), None, None
        self._count += 1
        if self._count > FIELDS + FORM_UPLOAD_FILES:
            raise TooLarge

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0] + data[start:end], self._header[1])

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0], self._header[1] + data[start:end])

    def _header_end(self) -> None:
        self._headers[self._header[0].lower()] = self._header[1]
        self._header = (b"", b"")

    def _opened(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = _text(options.get(b"name", b""))
        filename = options.get(b"filename")
        if filename is None:
            self._text = bytearray()
        elif filename:  # a file field in which nothing was chosen comes as a file without a name
            self.files += 1
            if self.files > FORM_UPLOAD_FILES:
                raise TooLarge(f"At most {FORM_UPLOAD_FILES} files can be sent by this form.")
            self._sink = self._open_file(_text(filename).replace("%22", '"'))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._sink is not None:
            self._sink.write(data[start:end])
        elif self._text is not None:
            self._size += end - start
            if self._size > FIELD_BYTES:
                raise TooLarge
            self._text += data[start:end]

    def _end(self) -> None:
        if self._text is not None:
            self.fields[self._name] = _text(bytes(self._text))

    def _finished(self) -> None:
        self._is_whole = True


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as cause:
        raise BadInput("A form must be in UTF-8.") from cause
