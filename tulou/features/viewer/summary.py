"""Say in a few words what a dataset holds: what can be done with it, sizes, kinds of content, and which programs read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tulou.features.viewer.state import ConfigState, SplitState, View

_KINDS = {"Image": "image", "Audio": "audio", "Video": "video", "Pdf": "document", "Mesh": "3d", "Nifti": "3d"}
_LETTERS = frozenset({"string", "large_string", "string_view"})


def capabilities(view: View, config: str | None = None, split: str | None = None) -> dict[str, bool]:
    """Return the answer of /is-valid about a dataset, a configuration or a split."""
    chosen = [
        one for each in view.configs if config in {None, each.name} for one in each.splits or () if split in {None, one.name}
    ]  # fmt: skip
    ready = [one for one in chosen if one.state == "ready"]
    return {
        "preview": any(one.features is not None for one in chosen),
        "viewer": bool(ready),
        "search": any(has_text(one.features) for one in ready),
        "filter": bool(ready),
        "statistics": bool(ready),
    }


def has_text(feature: Any) -> bool:
    """Say whether a column, or what is in it, is text."""
    return any(dtype in _LETTERS for _kind, dtype in _leaves(feature))


def modalities(view: View) -> list[str]:
    """Return the kinds of content: audio, document, image, tabular, text, video and so on."""
    found = set()
    numbers = 0
    for split in _known(view):
        leaves = list(_leaves(split.features))
        found |= {_KINDS[kind] for kind, _ in leaves if kind in _KINDS}
        found |= {"text" for kind, dtype in leaves if dtype in _LETTERS or kind in {"Translation", "Json"}}
        found |= {"timeseries" for _, dtype in leaves if dtype.startswith(("timestamp", "date"))}
        numbers = max(
            numbers, sum(dtype.startswith(("int", "uint", "float", "bool")) or kind == "ClassLabel" for kind, dtype in leaves)
        )
    return sorted(found | ({"tabular"} if numbers and not found & {"image", "audio", "video"} else set()))


def formats(view: View) -> list[str]:
    """Return the formats of the files that were pushed."""
    return sorted({each.builder for each in view.configs if each.builder})


def libraries(view: View) -> list[str]:
    """Return the names of the programs that read the dataset."""
    return ["datasets", *(["pandas", "polars"] if any(s.parquet for s in _known(view)) else []), "mlcroissant"]


def rows(view: View) -> int:
    """Return how many rows the ready splits have together."""
    return sum(split.rows or 0 for split in _known(view) if split.state == "ready")


def compatible(view: View, full: str, base: str) -> dict[str, Any]:
    """Return the answer of /compatible-libraries: programs to copy."""
    named = [config for config in view.configs if config.splits]
    several = len(view.configs) > 1 or (named and named[0].name != "default")
    listed = [_entry("datasets", "load_dataset", [_datasets_code(full, c.name if several else None, c.name) for c in named])]
    published = [config for config in named if any(split.parquet for split in config.splits or ())]
    if published:
        for library, function, template in _READERS:
            listed.append(_entry(library, function, [_parquet_code(full, config, template) for config in published]))
    croissant = f'from mlcroissant import Dataset\n\nds = Dataset(jsonld="{base}/api/datasets/{full}/croissant")\n'
    codes = [{"config_name": c.name, "arguments": {"record_set": c.name}, "code": f'{croissant}records = ds.records("{c.name}")'}
             for c in published]  # fmt: skip
    if codes:
        listed.append(_entry("mlcroissant", "Dataset", codes))
    return {"libraries": listed, "formats": formats(view)}


_READERS = (
    ("pandas", "pd.read_parquet", "import pandas as pd\n\n{splits}\ndf = pd.read_parquet({path})"),
    ("polars", "pl.read_parquet", "import polars as pl\n\n{splits}\ndf = pl.read_parquet({path})"),
)


def _entry(library: str, function: str, codes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"language": "python", "library": library, "function": function, "loading_codes": codes}


def _datasets_code(full: str, config: str | None, name: str) -> dict[str, Any]:
    chosen = f', "{config}"' if config else ""
    login = "# Login using e.g. `hf auth login` to access this dataset"
    code = f'from datasets import load_dataset\n\n{login}\nds = load_dataset("{full}"{chosen})'
    return {"config_name": name, "arguments": {"config_name": config} if config else {}, "code": code}


def _parquet_code(full: str, config: ConfigState, template: str) -> dict[str, Any]:
    splits = [split for split in config.splits or () if split.parquet]
    paths = {split.name: f"{config.name}/{split.name}/*.parquet" for split in splits}
    root = f"hf://datasets/{full}@~parquet/"
    listed = "splits = {" + ", ".join(f"'{name}': '{path}'" for name, path in paths.items()) + "}"
    path = f'"{root}" + splits["{splits[0].name}"]'
    return {"config_name": config.name, "arguments": {"splits": paths}, "code": template.format(splits=listed, path=path)}


def _known(view: View) -> Iterator[SplitState]:
    return (split for config in view.configs for split in config.splits or ())


def _leaves(feature: Any) -> Iterator[tuple[str, str]]:
    """Yield (type, dtype) of every column and of what is inside it."""
    if isinstance(feature, list):
        for each in feature:
            yield from _leaves(each)
    elif isinstance(feature, dict):
        kind = feature.get("_type")
        if not isinstance(kind, str):
            for each in feature.values():
                yield from _leaves(each)
        elif "feature" in feature:
            yield from _leaves(feature["feature"])
        else:
            yield kind, str(feature.get("dtype", ""))
