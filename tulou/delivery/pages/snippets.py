"""What to type to use a repository of this hub: every snippet works when it is pasted as it stands."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass

from tulou.features.cards.model import Overview
from tulou.kernel.names import RepoKind

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_CONFIG = re.compile(r"[\w.-]{1,100}")


@dataclass(frozen=True, slots=True)
class Snippet:
    """One way to get or use a repository: the name of the tool, its language, and what to type."""

    title: str
    language: str
    code: str


def of(overview: Overview, base: str, config: str | None = None) -> list[Snippet]:
    """Return the ways that fit a repository, the likeliest first. Its name passed the grammar, so it needs no quoting."""
    return [*_library(overview, base, config), *getting(overview, base)]


def getting(overview: Overview, base: str) -> list[Snippet]:
    """Return how to download a repository, whatever it holds."""
    name = overview.name
    option = "" if name.kind is RepoKind.MODEL else f" --repo-type {name.kind.value}"
    return [
        Snippet("hf", "bash", f"export HF_ENDPOINT={base}\nhf download {name.full}{option}"),
        Snippet("git", "bash", f"git lfs install\ngit clone {base}/{name.path}"),
    ]


def filling(overview: Overview, base: str) -> list[Snippet]:
    """Return how to put the first files into an empty repository."""
    name = overview.name
    option = "" if name.kind is RepoKind.MODEL else f" --repo-type {name.kind.value}"
    clone = f"git lfs install\ngit clone {base}/{name.path}\ncd {name.name}"
    clone += "\n# add files, then\ngit add . && git commit -m 'Add files' && git push"
    return [
        Snippet("hf", "bash", f"export HF_ENDPOINT={base}\nhf auth login\nhf upload {name.full} ./folder{option}"),
        Snippet("git", "bash", clone),
    ]


def _library(overview: Overview, base: str, config: str | None) -> list[Snippet]:
    full, kind = overview.name.full, overview.name.kind
    if kind is RepoKind.DATASET:
        part = f', "{config}"' if config and config != "default" and _CONFIG.fullmatch(config) else ""
        code = f'from datasets import load_dataset\n\nds = load_dataset("{full}"{part})\nprint(ds)'
        return [Snippet("datasets", "python", _python(base, code))]
    if kind is RepoKind.KERNEL:
        return [Snippet("kernels", "python", _python(base, f'from kernels import get_kernel\n\nkernel = get_kernel("{full}")'))]
    if kind is not RepoKind.MODEL:
        return []
    make = _BY_LIBRARY.get(overview.summary.library or "")
    found = [Snippet(title, "python", _python(base, code)) for title, code in make(overview)] if make else []
    weights = _first_gguf(overview)
    if weights is not None:
        file = f'"$(hf download {full} {shlex.quote(weights)} -q)"'
        found.append(Snippet("llama.cpp", "bash", f"export HF_ENDPOINT={base}\nllama-server -m {file}"))
    if not found:
        code = f'from huggingface_hub import snapshot_download\n\nfolder = snapshot_download("{full}")'
        found.append(Snippet("huggingface_hub", "python", _python(base, code)))
    return found


def _python(base: str, code: str) -> str:
    # The libraries read the address when they are imported: it has to stand before them.
    return f'import os\nos.environ["HF_ENDPOINT"] = "{base}"\n\n{code}'


def _transformers(overview: Overview) -> list[tuple[str, str]]:
    full = overview.name.full
    info = overview.summary.facts.get("transformersInfo") or {}
    auto, processor = _name(info.get("auto_model")) or "AutoModel", _name(info.get("processor"))
    option = ", trust_remote_code=True" if info.get("custom_class") else ""
    names = ", ".join(filter(None, (processor, auto)))
    variable = "tokenizer" if processor == "AutoTokenizer" else "processor"
    code = f"from transformers import {names}\n\n"
    code += f'{variable} = {processor}.from_pretrained("{full}"{option})\n' if processor else ""
    code += f'model = {auto}.from_pretrained("{full}"{option})'
    task = overview.summary.pipeline_tag
    if task != "text-generation":
        return [("transformers", code)]
    pipe = f'from transformers import pipeline\n\npipe = pipeline("text-generation", model="{full}"{option})'
    pipe += '\nprint(pipe("Once upon a time"))'
    return [("transformers", code), ("transformers, pipeline", pipe)]


def _sentences(overview: Overview) -> list[tuple[str, str]]:
    code = f'from sentence_transformers import SentenceTransformer\n\nmodel = SentenceTransformer("{overview.name.full}")\n'
    return [("sentence-transformers", code + 'print(model.encode(["A house of rammed earth.", "A round house."]).shape)')]


def _diffusers(overview: Overview) -> list[tuple[str, str]]:
    code = f'from diffusers import DiffusionPipeline\n\npipe = DiffusionPipeline.from_pretrained("{overview.name.full}")'
    return [("diffusers", code + '\nimage = pipe("A round house in the mist").images[0]')]


def _peft(overview: Overview) -> list[tuple[str, str]]:
    is_text = overview.summary.pipeline_tag in {None, "text-generation"}
    auto = "AutoPeftModelForCausalLM" if is_text else "AutoPeftModel"
    return [("peft", f'from peft import {auto}\n\nmodel = {auto}.from_pretrained("{overview.name.full}")')]


def _timm(overview: Overview) -> list[tuple[str, str]]:
    return [("timm", f'import timm\n\nmodel = timm.create_model("hf_hub:{overview.name.full}", pretrained=True)')]


def _setfit(overview: Overview) -> list[tuple[str, str]]:
    return [("setfit", f'from setfit import SetFitModel\n\nmodel = SetFitModel.from_pretrained("{overview.name.full}")')]


def _llama(overview: Overview) -> list[tuple[str, str]]:
    weights = _first_gguf(overview)
    if weights is None:
        return []
    # JSON's strings are Python's too: the name of a file may hold any quote.
    code = f'from llama_cpp import Llama\n\nllm = Llama.from_pretrained("{overview.name.full}", {json.dumps(weights)})'
    return [("llama-cpp-python", code)]


def _first_gguf(overview: Overview) -> str | None:
    paths = overview.summary.facts.get("files") or []
    return next((path for path in paths if path.endswith(".gguf") and "mmproj" not in path), None)


_BY_LIBRARY = {
    "diffusers": _diffusers,
    "gguf": _llama,
    "peft": _peft,
    "sentence-transformers": _sentences,
    "setfit": _setfit,
    "timm": _timm,
    "transformers": _transformers,
}


def _name(value: object) -> str:
    """Return the name of a class if it is one: it comes from a file of the model and goes into code that people run."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else ""
