"""Runs, jobs and Spaces."""

from __future__ import annotations

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go one step forward. There is no way back: restore a backup."""
