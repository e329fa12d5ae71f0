"""Recognise a handwritten digit: drawn on the page, or a picture of one."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np
from PIL import Image
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

SIZE = 8
"""The digits of the data set are 8 by 8 pixels, with values from 0 to 16."""


def train() -> tuple[Pipeline, float]:
    """Return the classifier and its accuracy on a fifth of the digits, kept apart."""
    digits = load_digits()
    seen, unseen, seen_labels, unseen_labels = train_test_split(
        digits.data, digits.target, test_size=0.2, random_state=0, stratify=digits.target
    )
    classifier = make_pipeline(StandardScaler(), CalibratedClassifierCV(SVC(C=10), ensemble=False))
    classifier.fit(seen, seen_labels)
    return classifier, float(classifier.score(unseen, unseen_labels))


CLASSIFIER, ACCURACY = train()


def classify(drawing: dict[str, Any] | Image.Image | None) -> dict[str, float]:
    """Return the probability of each digit."""
    picture = drawing["composite"] if isinstance(drawing, dict) else drawing
    if picture is None:
        return {}
    pixels = shrink(picture)
    if pixels.max() == 0:
        return {}
    shares = CLASSIFIER.predict_proba(pixels.reshape(1, -1))[0]
    return {str(digit): float(share) for digit, share in enumerate(shares)}


def shrink(picture: Image.Image) -> np.ndarray:
    """Return the digit as the data set has it: cut out, centred, bright on dark, 8 by 8."""
    canvas = Image.new("L", picture.size, 255)
    canvas.paste(picture.convert("L"), mask=picture.getchannel("A") if "A" in picture.getbands() else None)
    ink = 255 - np.asarray(canvas, dtype=float)
    ink[ink < 0.25 * max(ink.max(), 1)] = 0
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return np.zeros((SIZE, SIZE))
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    side = max(digit.shape)
    square = np.zeros((side, side))
    top, left = (side - digit.shape[0]) // 2, (side - digit.shape[1]) // 2
    square[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    small = np.asarray(Image.fromarray(square.astype("uint8")).resize((SIZE, SIZE), Image.Resampling.BOX), dtype=float)
    return small / max(small.max(), 1) * 16


with gr.Blocks(title="Image classifier") as demo:
    gr.Markdown(f"# Which digit is it?\nAccuracy on digits that the classifier has not seen: **{ACCURACY:.1%}**")
    with gr.Row():
        with gr.Column():
            with gr.Tab("Draw"):
                pad = gr.Sketchpad(type="pil", label="Draw a digit", canvas_size=(320, 320), brush=gr.Brush(default_size=24))
                drawn = gr.Button("Recognise", variant="primary")
            with gr.Tab("Upload"):
                upload = gr.Image(type="pil", label="A dark digit on a light ground", sources=["upload", "clipboard"])
                uploaded = gr.Button("Recognise", variant="primary")
        label = gr.Label(num_top_classes=5, label="It is")
    drawn.click(classify, pad, label, api_name="classify_drawing")
    uploaded.click(classify, upload, label, api_name="classify")

if __name__ == "__main__":
    demo.launch()
