"""Images: what a run takes for its machine's programs. One is this machine's own; the operator imports others."""

from __future__ import annotations

from pathlib import Path

from tulou.features.runs.model import HOST_IMAGE
from tulou.platform.compute.base import StartFailed
from tulou.platform.machinery import Machinery


def root_folder(m: Machinery, image: str) -> Path | None:
    """Return the root file system of an image; None is this machine's own. Raises StartFailed when it is gone."""
    if image == HOST_IMAGE:
        return None
    folder = m.settings.data.resolve() / "images" / image
    if not folder.is_dir():
        raise StartFailed("its image is gone from this machine")
    return folder
