"""Two real applications, as somebody would push them: Gradio with a queue, Streamlit with its WebSocket, both with an upload."""

from __future__ import annotations

import httpx

from tests.stories.programs import Git

GRADIO = {
    "README.md": "---\ntitle: Counting\nsdk: gradio\napp_file: app.py\n---\n# Counting\n",
    "requirements.txt": "",
    "app.py": """\
import os
import time

import gradio as gr


def count(number):
    for step in range(1, int(number) + 1):
        time.sleep(0.2)
        yield f"step {step} of {int(number)}"


def weigh(path):
    return f"{os.path.getsize(path)} bytes"


def who(request: gr.Request):
    names = sorted(request.cookies)
    return f"cookies {names}, authorization {'authorization' in request.headers}"


with gr.Blocks(title="Counting") as demo:
    gr.Markdown("# Counting\\nA queue, an upload, and what the application sees of its visitor.")
    number = gr.Number(5, label="How far")
    said = gr.Textbox(label="Counted")
    gr.Button("Count").click(count, number, said, api_name="count")
    given = gr.File(label="Weigh a file")
    weight = gr.Textbox(label="Weight")
    given.upload(weigh, given, weight)
    seen = gr.Textbox(label="Seen")
    gr.Button("Look").click(who, None, seen, api_name="who")

demo.launch()
""",
}

STREAMLIT = {
    "README.md": "---\ntitle: Squares\nsdk: streamlit\napp_file: app.py\n---\n# Squares\n",
    "requirements.txt": "",
    "app.py": """\
import streamlit as st

st.title("Squares")
number = st.number_input("Number", 0, 100, 3)
st.write(f"The square is {number * number}")
if st.button("Again"):
    st.session_state.times = st.session_state.get("times", 0) + 1
st.write(f"Pressed {st.session_state.get('times', 0)} times")
given = st.file_uploader("Weigh a file")
if given is not None:
    st.write(f"It has {len(given.getvalue())} bytes")
""",
}


def push(git: Git, http: httpx.Client, name: str, files: dict[str, str], *, private: bool = False) -> None:
    """Make a Space of alice's as her client `http`, and push its application."""
    made = {"type": "space", "name": name, "sdk": files["README.md"].partition("sdk: ")[2].split()[0], "private": private}
    assert http.post("/api/repos/create", json=made).status_code == 200
    git("clone", f"{str(http.base_url).rstrip('/')}/spaces/alice/{name}")
    folder = git.home / name
    for path, text in files.items():
        (folder / path).write_text(text)
    git("add", ".", cwd=folder)
    git("commit", "-m", "The application", cwd=folder)
    git("push", cwd=folder)
