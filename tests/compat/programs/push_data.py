"""Push a data set of two splits and read it back: `push_data.py REPOSITORY`."""

import json
import sys

from datasets import Dataset, DatasetDict, load_dataset

made = DatasetDict(
    {
        "train": Dataset.from_dict({"text": [f"row {i}" for i in range(100)], "label": [i % 2 for i in range(100)]}),
        "test": Dataset.from_dict({"text": ["one", "two"], "label": [0, 1]}),
    }
)
made.push_to_hub(sys.argv[1], commit_message="Two splits")
again = load_dataset(sys.argv[1])
print(
    json.dumps(
        {
            "rows": {name: split.num_rows for name, split in again.items()},
            "same": again["train"].to_dict() == made["train"].to_dict(),
        }
    )
)
