"""Spaces: applications built from a repository and kept running."""
