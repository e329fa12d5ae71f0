"""Repositories: their life, names and listing."""
