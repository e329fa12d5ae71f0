"""Say from its card and its files which library a model is for, and in which formats it comes."""

from __future__ import annotations

from collections.abc import Iterable

from tulou.features.cards.model import Evidence, one_text, texts
from tulou.features.cards.vocabulary import LIBRARIES

_WORD = 64

# Endings and names of files → the tag of a weight format, in the order in which tags show.
_FORMATS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("pytorch", (), ("pytorch_model.bin", "pytorch_model.bin.index.json")),
    ("tf", (), ("tf_model.h5", "tf_model.h5.index.json")),
    ("jax", (), ("flax_model.msgpack", "flax_model.msgpack.index.json")),
    ("rust", (), ("rust_model.ot",)),
    ("onnx", (".onnx",), ()),
    ("tflite", (".tflite",), ()),
    ("coreml", (".mlmodel", ".mlpackage/Manifest.json"), ()),
    ("openvino", (), ("openvino_model.xml",)),
    ("safetensors", (".safetensors",), ()),
    ("gguf", (".gguf",), ()),
    ("keras", (".keras",), ("keras_metadata.pb",)),
    ("joblib", (".joblib",), ()),
)

# A file at the root that only one library writes.
_MARKS = (
    ("adapter_config.json", "peft"),
    ("model_index.json", "diffusers"),
    ("config_sentence_transformers.json", "sentence-transformers"),
    ("modules.json", "sentence-transformers"),
    ("open_clip_config.json", "open_clip"),
    ("config_setfit.json", "setfit"),
)


def library_of(evidence: Evidence) -> str | None:
    """Return the library: what the card says, then a telling file, a tag of the card, `config.json`, the weights."""
    said = one_text(evidence.card.get("library_name"), limit=_WORD)
    if said is not None:
        return said
    root = {path for path in evidence.paths if "/" not in path}
    for name, library in _MARKS:
        if name in root:
            return library
    for tag in texts(evidence.card.get("tags")):
        if tag in LIBRARIES:
            return tag
    if "architectures" in evidence.config or "model_type" in evidence.config:
        return "transformers"
    return "gguf" if any(path.endswith(".gguf") for path in root) else None


def formats_of(paths: Iterable[str]) -> list[str]:
    """Return the tags of the weight formats among some paths, and `tensorboard` if there are its logs."""
    paths = tuple(paths)
    names = {path.rsplit("/", 1)[-1] for path in paths}
    found = [
        tag
        for tag, endings, exact in _FORMATS
        if any(name in names for name in exact) or (endings and any(path.endswith(endings) for path in paths))
    ]
    return found + (["tensorboard"] if any("tfevents" in name for name in names) else [])


_DATA = {
    ".parquet": "parquet", ".json": "json", ".jsonl": "json", ".csv": "csv", ".tsv": "csv", ".txt": "text", ".arrow": "arrow",
    ".tar": "webdataset", ".jpg": "imagefolder", ".jpeg": "imagefolder", ".png": "imagefolder", ".webp": "imagefolder",
    ".mp3": "audiofolder", ".wav": "audiofolder", ".flac": "audiofolder", ".ogg": "audiofolder",
}  # fmt: skip


def data_format_of(paths: Iterable[str]) -> str | None:
    """Return the format that most data files of a dataset have; formats with one more file win ties by name."""
    counts: dict[str, int] = {}
    for path in paths:
        name = path.rsplit("/", 1)[-1].lower()
        dot = name.rfind(".")
        known = _DATA.get(name[dot:]) if dot > 0 else None
        if known is not None and not name.startswith((".", "readme", "license", "dataset_infos")):
            counts[known] = counts.get(known, 0) + 1
    return max(counts, key=lambda name: (counts[name], name)) if counts else None
