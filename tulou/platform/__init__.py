"""Machinery that knows nothing of users: bytes, git, xet, queue."""
