"""Chat with a small language model that lives on this hub, answered word by word on the processor."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

import gradio as gr
import openvino_genai as genai
from huggingface_hub import hf_hub_download

MODEL_ID = os.environ.get("MODEL_ID", "demo/SmolLM2-135M-Instruct-GGUF")
MODEL_FILE = os.environ.get("MODEL_FILE", "SmolLM2-135M-Instruct.Q4_1.gguf")
SYSTEM_PROMPT = "You are a helpful assistant. Answer briefly."
TURNS = 6
"""How much of the conversation the model is told again: it is small, and so is its memory."""

one_at_a_time = threading.Lock()


@cache
def model() -> genai.LLMPipeline:
    """Load the model when the first question comes."""
    return genai.LLMPipeline(hf_hub_download(MODEL_ID, MODEL_FILE), "CPU")


def answer(message: str, history: list[dict[str, Any]], length: int, temperature: float) -> Iterator[str]:
    """Yield the answer so far, as often as it grows."""
    chat = genai.ChatHistory([{"role": "system", "content": SYSTEM_PROMPT}])
    for turn in history[-2 * TURNS :]:
        chat.append({"role": turn["role"], "content": plain(turn["content"])})
    chat.append({"role": "user", "content": message})
    config = genai.GenerationConfig()
    config.max_new_tokens = int(length)
    config.do_sample = temperature > 0
    if config.do_sample:
        config.temperature = temperature
        config.top_p = 0.9
    words: queue.Queue[str | Exception | None] = queue.Queue()

    def speak() -> None:
        try:
            with one_at_a_time:
                model().generate(chat, config, lambda word: words.put(word) or genai.StreamingStatus.RUNNING)
            words.put(None)
        except Exception as problem:  # the visitor should read what went wrong, not wait for ever
            words.put(problem)

    threading.Thread(target=speak, daemon=True).start()
    text = ""
    while (word := words.get()) is not None:
        if isinstance(word, Exception):
            raise gr.Error(f"The model could not answer: {word}")
        text += word
        yield text


def plain(content: Any) -> str:
    """Return the text of a message, which may come in parts."""
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content if isinstance(part, dict))


demo = gr.ChatInterface(
    answer,
    title="Chat",
    description=f"Model: {MODEL_ID}",
    examples=[["What is the capital of France?"], ["Write a haiku about rain."], ["Explain overfitting in one sentence."]],
    additional_inputs=[
        gr.Slider(16, 512, value=200, step=8, label="Longest answer, in tokens"),
        gr.Slider(0, 1.5, value=0.0, step=0.1, label="Temperature (0: always the likeliest word)"),
    ],
    cache_examples=False,
)

if __name__ == "__main__":
    demo.launch()
