"""Buckets: mutable folders of files without history."""
