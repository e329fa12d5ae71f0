"""Fine-tune a model by one step, push it, load it back: `fine_tune.py SOURCE TARGET`."""

import json
import sys

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

source, target = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(source)
model = AutoModelForSequenceClassification.from_pretrained(source, num_labels=2)
batch = tokenizer(["a fine film", "a dull film"], padding=True, return_tensors="pt")
loss = model(**batch, labels=torch.tensor([1, 0])).loss
loss.backward()
torch.optim.SGD(model.parameters(), lr=0.01).step()
model.push_to_hub(target, commit_message="One step of fine-tuning")
tokenizer.push_to_hub(target)

again = AutoModelForSequenceClassification.from_pretrained(target)
same = all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values(), strict=True))
print(json.dumps({"loss": loss.item(), "same": same}))
