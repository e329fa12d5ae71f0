"""The `.gitattributes` of a new repository: which files go to large-file storage from the first commit on."""

from __future__ import annotations

from tulou.kernel.names import RepoKind

_LFS = "filter=lfs diff=lfs merge=lfs -text"

_EVERYWHERE = """
*.7z *.arrow *.bin *.bz2 *.ckpt *.ftz *.gz *.h5 *.joblib *.lfs.* *.mlmodel *.model *.msgpack *.npy *.npz *.onnx *.ot
*.parquet *.pb *.pickle *.pkl *.pt *.pth *.rar *.safetensors saved_model/**/* *.tar.* *.tar *.tflite *.tgz *.wasm *.xz
*.zip *.zst *tfevents*
"""

_BY_KIND = {
    RepoKind.MODEL: "*.gguf",
    RepoKind.DATASET: """
        *.lz4 *.mds *.avi *.mkv *.mov *.mp4 *.webm *.pcm *.sam *.raw *.aac *.flac *.mp3 *.ogg *.wav
        *.bmp *.gif *.png *.tiff *.jpg *.jpeg *.webp
    """,
    RepoKind.SPACE: "",
    RepoKind.KERNEL: "*.so *.dll *.dylib *.pyd",
}


def default_gitattributes(kind: RepoKind) -> str:
    """Return the text of the file."""
    return "".join(f"{pattern} {_LFS}\n" for pattern in f"{_EVERYWHERE} {_BY_KIND[kind]}".split())
