"""Immutable objects by name, and the work folder where they are prepared."""
