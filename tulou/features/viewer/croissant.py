"""Describe a dataset in Croissant, the vocabulary of MLCommons for datasets in machine learning (version 1.1)."""

from __future__ import annotations

import re
from typing import Any

from tulou.features.viewer.state import ConfigState, SplitState, View

_CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "arrayShape": "cr:arrayShape", "citeAs": "cr:citeAs",
    "column": "cr:column", "conformsTo": "dct:conformsTo", "containedIn": "cr:containedIn", "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataBiases": "cr:dataBiases", "dataCollection": "cr:dataCollection",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract", "field": "cr:field",
    "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject", "fileSet": "cr:fileSet", "format": "cr:format",
    "includes": "cr:includes", "isArray": "cr:isArray", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath",
    "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path",
    "personalSensitiveInformation": "cr:personalSensitiveInformation", "recordSet": "cr:recordSet", "references": "cr:references",
    "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace", "sc": "https://schema.org/",
    "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}  # fmt: skip
_TYPES = (
    (("string", "large_string", "string_view"), "sc:Text"), (("int8",), "cr:Int8"), (("int16",), "cr:Int16"),
    (("int32",), "cr:Int32"), (("int64",), "cr:Int64"), (("uint8",), "cr:UInt8"), (("uint16",), "cr:UInt16"),
    (("uint32",), "cr:UInt32"), (("uint64",), "cr:UInt64"), (("float16",), "cr:Float16"), (("float32", "float"), "cr:Float32"),
    (("float64", "double"), "cr:Float64"), (("bool",), "sc:Boolean"), (("date32", "date64"), "sc:Date"),
    (("time32", "time64"), "sc:Time"), (("timestamp",), "sc:DateTime"),
)  # fmt: skip
_MEDIA = {"Image": "sc:ImageObject", "Audio": "sc:AudioObject", "Video": "sc:VideoObject"}


def crumbs(view: View, full: str, base: str) -> dict[str, Any]:
    """Return `distribution` and `recordSet`: what the data files say."""
    repo = {
        "@type": "cr:FileObject",
        "@id": "repo",
        "name": "repo",
        "description": "The git repository of the dataset.",
        "contentUrl": f"{base}/datasets/{full}/tree/refs%2Fconvert%2Fparquet",
        "encodingFormat": "git+https",
        "sha256": "https://github.com/mlcommons/croissant/issues/80",
    }
    published = [
        (config, [split for split in config.splits or () if split.parquet])
        for config in view.configs
        if any(split.parquet for split in config.splits or ())
    ]
    sets = [_file_set(config) for config, _ in published]
    records = [record for config, splits in published for record in (_splits(config, splits), _records(config, splits, full))]
    return {"distribution": [repo, *sets], "recordSet": records}


def document(found: dict[str, Any], about: dict[str, Any]) -> dict[str, Any]:
    """Return the whole description: `about` is what the card says, by names of schema.org."""
    head = {"@context": _CONTEXT, "@type": "sc:Dataset", "conformsTo": "http://mlcommons.org/croissant/1.1"}
    return {**head, **found, **{name: value for name, value in about.items() if value}}


def _file_set(config: ConfigState) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"parquet-files-for-config-{_id(config.name)}",
        "containedIn": {"@id": "repo"},
        "encodingFormat": "application/x-parquet",
        "includes": f"{config.name}/*/*.parquet",
    }


def _splits(config: ConfigState, splits: list[SplitState]) -> dict[str, Any]:
    name = f"{_id(config.name)}_splits"
    return {
        "@type": "cr:RecordSet",
        "dataType": "cr:Split",
        "key": {"@id": f"{name}/split_name"},
        "@id": name,
        "name": name,
        "description": f"Splits for the {config.name} config.",
        "field": [{"@type": "cr:Field", "@id": f"{name}/split_name", "dataType": "sc:Text"}],
        "data": [{f"{name}/split_name": split.name} for split in splits],
    }


def _records(config: ConfigState, splits: list[SplitState], full: str) -> dict[str, Any]:
    name = _id(config.name)
    which = "|".join(re.escape(split.name) for split in splits)
    source = {
        "fileSet": {"@id": f"parquet-files-for-config-{name}"},
        "extract": {"fileProperty": "fullpath"},
        "transform": {"regex": f"{re.escape(config.name)}/(?:partial-)?({which})/.+parquet$"},
    }
    chosen = {
        "@type": "cr:Field",
        "@id": f"{name}/split",
        "dataType": "sc:Text",
        "source": source,
        "references": {"field": {"@id": f"{name}_splits/split_name"}},
    }
    features = splits[0].features or {}
    columns = (_field(config, f"{name}/{_id(column)}", column, feature) for column, feature in features.items())
    fields = [field for field in columns if field is not None]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "description": f"{full} - '{config.name}' subset",
        "field": [chosen, *fields],
    }


def _field(config: ConfigState, at: str, column: str, feature: Any) -> dict[str, Any] | None:
    extract: dict[str, Any] = {"extract": {"column": column}}
    is_list = isinstance(feature, list) or (
        isinstance(feature, dict) and feature.get("_type") in {"List", "LargeList", "Sequence"}
    )
    inner = (feature[0] if isinstance(feature, list) else feature.get("feature")) if is_list else feature
    kind = inner.get("_type") if isinstance(inner, dict) else None
    if kind in _MEDIA:
        extract["transform"] = {"jsonPath": "bytes"}
        data_type: str | None = _MEDIA[kind]
    elif kind == "ClassLabel":
        data_type = "sc:Integer"
    else:
        data_type = _data_type(str(inner.get("dtype", ""))) if isinstance(inner, dict) else None
    if data_type is None:
        return None
    source = {"fileSet": {"@id": f"parquet-files-for-config-{_id(config.name)}"}, **extract}
    field: dict[str, Any] = {"@type": "cr:Field", "@id": at, "dataType": data_type, "source": source}
    return {**field, "isArray": True, "arrayShape": "-1"} if is_list else field


def _data_type(dtype: str) -> str | None:
    return next((name for starts, name in _TYPES if dtype in starts or dtype.split("[", maxsplit=1)[0] in starts), None)


def _id(name: str) -> str:
    """Return a name that can be part of an identifier."""
    return re.sub(r"[^\w.-]", "_", name)
