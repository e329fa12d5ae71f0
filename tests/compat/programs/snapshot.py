"""Download a whole repository, then again without a network: `snapshot.py REPOSITORY KIND`."""

import json
import sys
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download

folder = Path(snapshot_download(sys.argv[1], repo_type=sys.argv[2]))
offline = snapshot_download(sys.argv[1], repo_type=sys.argv[2], local_files_only=True)
files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
print(
    json.dumps(
        {
            "files": files,
            "offline": offline == str(folder),
            "sha": HfApi().repo_info(sys.argv[1], repo_type=sys.argv[2]).sha,
            "folder": str(folder),
        }
    )
)
