"""Classify a sentence, and colour its words by what they contribute."""

from __future__ import annotations

import os
import re

import gradio as gr
import pandas as pd
from huggingface_hub import hf_hub_download
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report
from sklearn.pipeline import Pipeline

DATASET_ID = os.environ.get("DATASET_ID", "demo/movie-sentences")
LEFT_OUT = "neutral"
"""Rows with this label are neither one nor the other, and are not learnt from."""


def table(name: str) -> pd.DataFrame:
    """Return one table of the data set."""
    path = hf_hub_download(DATASET_ID, name, repo_type="dataset")
    rows = pd.read_csv(path)
    return rows[rows["label"] != LEFT_OUT]


def train() -> tuple[Pipeline, str]:
    """Return the classifier and how well it does on the test table."""
    seen, unseen = table("train.csv"), table("test.csv")
    classifier = Pipeline(
        [
            ("words", TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)),
            ("weights", LogisticRegression(C=4, max_iter=1000)),
        ]
    )
    classifier.fit(seen["text"], seen["label"])
    return classifier, classification_report(unseen["label"], classifier.predict(unseen["text"]), digits=3)


CLASSIFIER, REPORT = train()
NEGATIVE, POSITIVE = CLASSIFIER["weights"].classes_


def explain(text: str) -> tuple[dict[str, float], list[tuple[str, float | None]]]:
    """Return the probability of each label, and the words with what each adds to the verdict (positive, or negative below 0)."""
    if not text.strip():
        return {}, []
    shares = dict(zip(CLASSIFIER["weights"].classes_, map(float, CLASSIFIER.predict_proba([text])[0]), strict=True))
    return shares, contributions(text)


def contributions(text: str) -> list[tuple[str, float | None]]:
    """Share what each word and pair of words adds among the words of the text."""
    vector = CLASSIFIER["words"].transform([text])
    weights = CLASSIFIER["weights"].coef_[0]
    names = CLASSIFIER["words"].get_feature_names_out()
    added = {names[index]: value * weights[index] for index, value in zip(vector.indices, vector.data, strict=True)}
    pieces = re.findall(r"\w+|\W+", text)
    words = [piece.lower() for piece in pieces if CLASSIFIER["words"].build_tokenizer()(piece.lower())]
    totals: dict[int, float] = dict.fromkeys(range(len(words)), 0.0)
    for term, value in added.items():
        parts = term.split(" ")
        places = [i for i in range(len(words) - len(parts) + 1) if words[i : i + len(parts)] == parts]
        for place in places:
            for offset in range(len(parts)):
                totals[place + offset] += value / len(places) / len(parts)
    largest = max((abs(value) for value in totals.values()), default=0.0) or 1.0
    coloured: list[tuple[str, float | None]] = []
    number = 0
    for piece in pieces:
        if CLASSIFIER["words"].build_tokenizer()(piece.lower()):
            coloured.append((piece, totals[number] / largest))
            number += 1
        else:
            coloured.append((piece, None))
    return coloured


with gr.Blocks(title="Text classifier") as demo:
    gr.Markdown(f"# {POSITIVE} or {NEGATIVE}?\nTrained on `{DATASET_ID}`.")
    text = gr.Textbox(label="Sentence", lines=3, placeholder="A dull plot, but the actors are wonderful.")
    button = gr.Button("Classify", variant="primary")
    with gr.Row():
        label = gr.Label(label="Verdict")
        words = gr.HighlightedText(
            label=f"What the words add: {POSITIVE} to the right of 0, {NEGATIVE} to the left", show_legend=True
        )
    gr.Examples(["A dull plot, but the actors are wonderful.", "I have never been so bored.", "Warm, funny and wise."], text)
    with gr.Accordion("How good is it?", open=False):
        gr.Code(REPORT, label="On the test table", language=None)
    button.click(explain, text, [label, words], api_name="classify")
    text.submit(explain, text, [label, words], api_name=False)

if __name__ == "__main__":
    demo.launch()
