"""Formats as pure functions from bytes to types and back. No I/O."""
