"""Connections to programs that are not ours."""
