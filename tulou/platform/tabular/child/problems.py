"""What a child may find wrong with the data it works on, as the hub will tell it."""

from __future__ import annotations


class Unreadable(Exception):
    """The data cannot be read. The message is safe to show: it repeats nothing of the data."""

    code = "UnexpectedError"


class TooBig(Unreadable):
    """The data is larger, once decoded, than a reader may hold."""

    code = "TooBigContentError"


class BadQuery(Unreadable):
    """The question, not the data, is at fault."""

    code = "InvalidParameter"
