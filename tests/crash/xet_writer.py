"""Upload files with the client's default path, one for each line of standard input: endpoint, token, source, target."""

from __future__ import annotations

import sys

from huggingface_hub import HfApi

for line in sys.stdin:
    endpoint, token, source, target = line.split()
    try:
        HfApi(endpoint=endpoint, token=token).upload_file(path_or_fileobj=source, path_in_repo=target, repo_id="alice/xet")
    except Exception as problem:  # noqa: BLE001 - whatever the client raises means: not acknowledged
        sys.stdout.write(f"failed {type(problem).__name__}\n")
    else:
        sys.stdout.write("ok\n")
    sys.stdout.flush()
