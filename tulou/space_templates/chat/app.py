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
    # Not from the cache: the engine opens the file for writing, and the cache keeps its files read-only.
    return genai.LLMPipeline(hf_hub_download(MODEL_ID, MODEL_FILE, local_dir="model"), "CPU")


def ask(message: str, history: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """Put the question into the conversation, and empty the box."""
    return "", [*history, {"role": "user", "content": message}] if message.strip() else history


def answer(history: list[dict[str, Any]], length: int, temperature: float) -> Iterator[list[dict[str, Any]]]:
    """Yield the conversation with the answer so far, as often as it grows."""
    if not history or history[-1]["role"] != "user":
        return
    chat = genai.ChatHistory([{"role": "system", "content": SYSTEM_PROMPT}])
    for turn in history[-2 * TURNS :]:
        chat.append({"role": turn["role"], "content": plain(turn["content"])})
    text = ""
    for word in words(chat, int(length), temperature):
        text += word
        yield [*history, {"role": "assistant", "content": text}]


def words(chat: genai.ChatHistory, length: int, temperature: float) -> Iterator[str]:
    """Yield the words of an answer as the model finds them."""
    config = genai.GenerationConfig()
    config.max_new_tokens = length
    config.do_sample = temperature > 0
    if config.do_sample:
        config.temperature = temperature
        config.top_p = 0.9
    found: queue.Queue[str | Exception | None] = queue.Queue()

    def speak() -> None:
        try:
            with one_at_a_time:
                model().generate(chat, config, lambda word: found.put(word) or genai.StreamingStatus.RUNNING)
            found.put(None)
        except Exception as problem:  # the visitor should read what went wrong, not wait for ever
            found.put(problem)

    threading.Thread(target=speak, daemon=True).start()
    while (word := found.get()) is not None:
        if isinstance(word, Exception):
            raise gr.Error(f"The model could not answer: {word}")
        yield word


def plain(content: Any) -> str:
    """Return the text of a message, which may come in parts."""
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content if isinstance(part, dict))


with gr.Blocks(title="Chat", fill_height=True) as demo:
    gr.Markdown(f"# Chat\nModel: `{MODEL_ID}`")
    conversation = gr.Chatbot(show_label=False, height=420, placeholder="Ask something.")
    box = gr.Textbox(show_label=False, placeholder="Type a question and press Enter", submit_btn=True, autofocus=True)
    gr.Examples(["What is the capital of France?", "Write a haiku about rain.", "Explain overfitting in one sentence."], box)
    with gr.Accordion("How it answers", open=False):
        length = gr.Slider(16, 512, value=200, step=8, label="Longest answer, in tokens")
        temperature = gr.Slider(0, 1.5, value=0.0, step=0.1, label="Temperature (0: always the likeliest word)")
        gr.ClearButton([conversation, box], value="Start again")
    asked = box.submit(ask, [box, conversation], [box, conversation], api_name=False)
    asked.then(answer, [conversation, length, temperature], conversation, api_name="chat")

if __name__ == "__main__":
    demo.launch()
