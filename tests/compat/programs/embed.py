"""Print the embeddings of two sentences by a model: `embed.py REPOSITORY_OR_FOLDER`."""

import json
import sys

import torch
from transformers import AutoModel, AutoTokenizer

source = sys.argv[1]
tokenizer, model = AutoTokenizer.from_pretrained(source), AutoModel.from_pretrained(source)
batch = tokenizer(["a round house of earth", "many households, one court"], padding=True, return_tensors="pt")
with torch.no_grad():
    hidden = model(**batch).last_hidden_state
mask = batch["attention_mask"].unsqueeze(-1)
print(json.dumps(((hidden * mask).sum(1) / mask.sum(1)).tolist()))
