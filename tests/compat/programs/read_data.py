"""Read a data set, whole and streaming: `read_data.py REPOSITORY`."""

import json
import sys

from datasets import load_dataset

whole = load_dataset(sys.argv[1])
streamed = load_dataset(sys.argv[1], streaming=True)
print(
    json.dumps(
        {
            "rows": {name: split.num_rows for name, split in whole.items()},
            "streamed": {name: sum(1 for _ in split) for name, split in streamed.items()},
            "first": next(iter(streamed["train"])),
        }
    )
)
