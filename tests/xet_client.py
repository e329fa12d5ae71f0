"""A program for the interpreter of some client: upload or download one file, and print the SHA-256 of what came down."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path


def main(verb: str, repo: str, name: str, path: str) -> None:
    from huggingface_hub import HfApi, hf_hub_download

    if verb == "upload":
        HfApi().upload_file(path_or_fileobj=path, path_in_repo=name, repo_id=repo)
    else:
        got = Path(hf_hub_download(repo, name, local_dir=path))
        print(hashlib.sha256(got.read_bytes()).hexdigest())  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
