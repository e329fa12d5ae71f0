"""A program for the interpreter of some client: upload, download or copy large files. Prints the SHA-256 of what came down."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path


def main(verb: str, repo: str, name: str, path: str) -> None:
    from huggingface_hub import CommitOperationCopy, HfApi, hf_hub_download

    if verb == "upload":
        HfApi().upload_file(path_or_fileobj=path, path_in_repo=name, repo_id=repo)
    elif verb == "upload-for-review":
        HfApi().upload_file(path_or_fileobj=path, path_in_repo=name, repo_id=repo, create_pr=True)
    elif verb == "upload-folder":
        HfApi().upload_folder(folder_path=path, path_in_repo=name, repo_id=repo)
    elif verb == "copy":
        copy = CommitOperationCopy(src_path_in_repo=name, path_in_repo=name, src_repo_id=path, src_repo_type="model")
        HfApi().create_commit(repo, [copy], commit_message="copy")
    else:
        got = Path(hf_hub_download(repo, name, local_dir=path, revision=verb.partition("@")[2] or None))
        print(hashlib.sha256(got.read_bytes()).hexdigest())  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
