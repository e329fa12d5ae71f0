"""Files as people really upload them, made by hand: weights, tables, pictures, sound, notebooks, cards in two languages."""

from __future__ import annotations

import io
import json
import math
import struct
import wave
import zlib

from tests.commits import safetensors

LONG_NAME = "a-model-whose-name-says-everything-that-was-ever-tried-with-it-v2.5-instruct-4bit-group128-calibrated"[:96]

CARD = """---
license: apache-2.0
language:
- en
- zh
library_name: transformers
pipeline_tag: text-classification
base_model: acme/clay-base
datasets:
- acme/weather
tags:
- weather
- rammed-earth
metrics:
- accuracy
model-index:
- name: roundhouse
  results:
  - task:
      type: text-classification
      name: Text Classification
    dataset:
      name: Weather reports
      type: acme/weather
      split: test
    metrics:
    - type: accuracy
      value: 0.934
      name: Accuracy
    - type: f1
      value: 0.921
      name: Macro F1
---
# Roundhouse

A small model that reads a **weather report** and says whether the walls of a *tulou* will stay dry.

## How to use it

```python
from transformers import pipeline

classify = pipeline("text-classification", model="alice/roundhouse")
print(classify("Steady rain from the south until Thursday"))
```

## What it was trained on

| source | reports | years |
|---|---:|---|
| Yongding station | 18,240 | 1988-2019 |
| Nanjing station | 9,730 | 1994-2019 |
| written by hand | 412 | 2024 |

![Loss over the steps](loss.png)

- [x] trained on reports in English
- [x] trained on reports in Chinese
- [ ] tested with dialects

> It knows nothing about earthquakes.

See [the training script](train.py), [the notes](docs/notes.md) and footnote[^1].

[^1]: Walls of rammed earth last for centuries while their feet and heads stay dry.
"""

CHINESE_CARD = """---
license: mit
language: zh
library_name: transformers
pipeline_tag: text-generation
tags:
- 诗歌
- poetry
---
# 土楼诗人

一个会写**绝句**的小模型。它读过三千首唐诗，也读过一点客家山歌。

## 用法

```python
from transformers import pipeline

poet = pipeline("text-generation", model="alice/tulou-poet")
print(poet("圆楼月色"))
```

## 训练数据

| 来源 | 首数 | 说明 |
|---|---:|---|
| 唐诗 | 3,000 | 绝句与律诗 |
| 客家山歌 | 260 | 口述整理 |

> 楼外青山楼内月，一墙围住百家灯。
"""

DATASET_CARD = """---
license: cc-by-4.0
language:
- en
task_categories:
- text-classification
- tabular-regression
size_categories:
- 1K<n<10K
pretty_name: Weather at the round houses
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train.csv
  - split: test
    path: data/test.csv
---
# Weather at the round houses

Daily reports from two stations, one line a day.
"""

SPACE_CARD = """---
title: Will it rain in
emoji: 🏯
colorFrom: yellow
colorTo: red
sdk: gradio
app_file: app.py
license: mit
---
# Will it rain in

Type a report, read the verdict.
"""

NOTES = """# Notes

## Data
We dropped reports shorter than five words.

## Open questions
1. Does the model read *metre* or weather?
2. Why is it so sure about fog?
"""

TRAIN = '''"""Train the classifier on the reports of two stations."""

from dataclasses import dataclass

import torch


@dataclass
class Recipe:
    epochs: int = 3
    rate: float = 2e-5
    batch: int = 32


def train(recipe: Recipe, reports: list[tuple[str, bool]]) -> torch.nn.Module:
    """Return the model after `recipe.epochs` passes over the reports."""
    model = torch.nn.Sequential(torch.nn.Linear(256, 64), torch.nn.GELU(), torch.nn.Linear(64, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.rate)
    for epoch in range(recipe.epochs):
        for text, is_dry in reports:
            loss = model(encode(text))[int(is_dry)].neg()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        print(f"epoch {epoch}: {loss.item():.4f}")
    return model
'''


def weights(layers: int = 6) -> bytes:
    """Return a small transformer's weights, all zero."""
    tensors: dict[str, tuple[str, list[int]]] = {"model.embed_tokens.weight": ("F32", [512, 64])}
    for layer in range(layers):
        start = f"model.layers.{layer}"
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            tensors[f"{start}.self_attn.{name}.weight"] = ("F32", [64, 64])
        tensors[f"{start}.mlp.up_proj.weight"] = ("F32", [256, 64])
        tensors[f"{start}.mlp.down_proj.weight"] = ("F32", [64, 256])
        tensors[f"{start}.input_layernorm.weight"] = ("F32", [64])
    tensors["score.weight"] = ("F32", [2, 64])
    return safetensors(tensors)


def picture(width: int = 320, height: int = 160) -> bytes:
    """Return a PNG of a falling curve on warm ground."""
    ground, line = (252, 246, 238), (150, 66, 28)
    rows = []
    for y in range(height):
        row = bytearray(b"\0")
        for x in range(width):
            at = 12 + (height - 30) * (1 - math.exp(-x / 70)) + 3 * math.sin(x / 4)
            row += bytes(line if abs(y - at) < 1.6 else ground)
        rows.append(bytes(row))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"".join(rows))),
        (b"IEND", b""),
    ]
    packed = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def sound() -> bytes:
    """Return a quarter of a second of a bell."""
    kept = io.BytesIO()
    with wave.open(kept, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"".join(struct.pack("<h", int(9000 * math.exp(-i / 700) * math.sin(i / 3))) for i in range(2000)))
    return kept.getvalue()


def table(rows: int = 240, start: int = 0) -> str:
    """Return daily reports as CSV."""
    words = ("clear", "fog until noon", "steady rain", '"thunder, then clear"', "wind from the south", "多云转晴")
    days = range(start, start + rows)
    lines = [f"{i},2019-{i % 12 + 1:02d}-{i % 28 + 1:02d},{words[i % 6]},{18 + i % 13},{i % 3 == 0}\n" for i in days]
    return "day,date,report,celsius,dry\n" + "".join(lines)


NOTEBOOK_TEXT = "# Looking at the reports\n\nHow many days were *dry*?"
NOTEBOOK_CODE = "total = sum(range(10))\ntotal"
NOTEBOOK_HTML = "<table><tr><th>dry</th><td>80</td></tr></table>"


def notebook(source: str = NOTEBOOK_CODE, markdown: str = NOTEBOOK_TEXT, html: str = NOTEBOOK_HTML) -> str:
    """Return a notebook with a text cell, a code cell and three outputs."""
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["counting…\n"]},
        {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": {"text/plain": "45", "text/html": html}},
        {"output_type": "error", "ename": "KeyError", "evalue": "'wet'", "traceback": ["\x1b[31mKeyError\x1b[0m: 'wet'"]},
    ]
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": markdown},
        {"cell_type": "code", "metadata": {}, "execution_count": 1, "source": source, "outputs": outputs},
    ]
    about = {
        "kernelspec": {"language": "python", "name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
    }
    return json.dumps({"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 5})


def config() -> str:
    """Return the configuration beside the weights."""
    return json.dumps(
        {"architectures": ["LlamaForSequenceClassification"], "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 6,
         "vocab_size": 512, "id2label": {"0": "damp", "1": "dry"}, "torch_dtype": "float32"}, indent=2,
    )  # fmt: skip
