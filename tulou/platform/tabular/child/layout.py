"""Which configurations and splits a commit has, and how to read them: the rules of the `datasets` library, applied by itself."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import fsspec
import yaml
from datasets import DatasetBuilder, DatasetInfo, load
from datasets.data_files import DataFilesDict, EmptyDatasetError, get_data_patterns, sanitize_patterns
from datasets.exceptions import DataFilesNotFoundError
from datasets.info import DatasetInfosDict
from datasets.packaged_modules import (
    _ALL_ALLOWED_EXTENSIONS,
    _MODULE_TO_EXTENSIONS,
    _MODULE_TO_METADATA_EXTENSIONS,
    _MODULE_TO_METADATA_FILE_NAMES,
    _PACKAGED_DATASETS_MODULES,
)
from datasets.utils.metadata import MetadataConfigs
from huggingface_hub import DatasetCard, DatasetCardData

from tulou.platform.tabular.child.explain import Problem, explained
from tulou.platform.tabular.child.repo_files import ROOT

MAX_CONFIGS = 4_000
MAX_SPLITS = 30
_SPLIT = re.compile(r"\w+(?:\.\w+)*")
_CARD, _YAML, _OLD_INFOS = "README.md", ".huggingface.yaml", "dataset_infos.json"


@dataclass(frozen=True, slots=True)
class Layout:
    """What the library finds in a commit: the module that reads it, and its configurations by name."""

    module: load.DatasetModule
    configs: tuple[str, ...]
    scratch: str

    def builder(self, config: str) -> DatasetBuilder:
        """Return what reads one configuration, its files found. Raises Problem."""
        with explained("SplitNamesFromStreamingError", "The files of this configuration cannot be found."):
            known = self.module.dataset_infos or {}
            make = load.get_dataset_builder_class(self.module, dataset_name="data")
            info: DatasetInfo | None = known.get(config)
            made = make(cache_dir=self.scratch, dataset_name="data", config_name=config, info=info, base_path=ROOT)
        _refuse_foreign(made.config.data_files)
        return made


def splits_of(builder: DatasetBuilder) -> list[str]:
    """Return the names of a configuration's splits, in the library's order. Raises Problem."""
    names = [str(name) for name in builder.config.data_files or {}]
    if len(names) > MAX_SPLITS:
        raise Problem("DatasetWithTooManySplitsError", f"The configuration has more than {MAX_SPLITS} splits.")
    if not all(_SPLIT.fullmatch(name) and len(name) < 200 for name in names):
        raise Problem("SplitNamesFromStreamingError", "A split has a name that is not made of letters, digits, '_' and '.'.")
    return names


def find(scratch: str, name: str) -> Layout:
    """Look at the commit as `load_dataset` would. `name` is that of the repository. Raises Problem."""
    files = fsspec.filesystem("repo")
    if files.exists(f"{ROOT}/{name}.py"):
        raise Problem("DatasetWithScriptNotSupportedError", "Datasets that are made by a script of their own are not supported.")
    with _resolving():
        card = _card()
        configs = MetadataConfigs.from_dataset_card_data(card)
        _refuse_foreign_patterns(configs)
        module = _module(card, configs)
    names = list(configs) or [module.builder_configs_parameters.builder_configs[0].name]
    if len(names) > MAX_CONFIGS:
        raise Problem("DatasetWithTooManyConfigsError", f"The dataset has more than {MAX_CONFIGS} configurations.")
    return Layout(module, tuple(str(each) for each in names), scratch)


@contextmanager
def _resolving() -> Iterator[None]:
    try:
        yield
    except EmptyDatasetError as cause:
        raise Problem("EmptyDatasetError", "The dataset is empty.", cause) from cause
    except DataFilesNotFoundError as cause:
        raise Problem("DataFilesNotFoundError", "No (supported) data files found.", cause) from cause
    except FileNotFoundError as cause:
        raise Problem("FileSystemError", "A file that the card names is not there.", cause) from cause
    except Problem:
        raise
    except Exception as cause:
        mixed = "same data file format for all splits" in str(cause)
        code = "FileFormatMismatchBetweenSplitsError" if mixed else "ConfigNamesError"
        raise Problem(code, "Cannot get the config names for the dataset.", cause) from cause


def _card() -> Any:
    """Return the metadata of the card, with that of the separate file over it, as the library reads them."""
    text = _text(_CARD)
    data = DatasetCard(text).data if text is not None else DatasetCardData()
    more = yaml.safe_load(_text(_YAML) or "")
    return DatasetCardData(**{**data.__dict__, **more}) if more else data


def _text(path: str) -> str | None:
    files = fsspec.filesystem("repo")
    try:
        with files.open(f"{ROOT}/{path}", "rb") as file:
            return str(file.read().decode("utf-8"))
    except FileNotFoundError:
        return None


def _module(card: Any, configs: MetadataConfigs) -> load.DatasetModule:
    """Do what `load.HubDatasetModuleFactory` does, on our file system."""
    first: dict[str, Any] = next(iter(configs.values()), {})
    patterns = sanitize_patterns(first["data_files"]) if "data_files" in first else get_data_patterns(ROOT)
    files = DataFilesDict.from_patterns(patterns, base_path=ROOT, allowed_extensions=_ALL_ALLOWED_EXTENSIONS)
    name, options = load.infer_module_for_data_files(data_files=files)
    if name is None:
        raise DataFilesNotFoundError("No (supported) data files found")
    files = files.filter(
        extensions=_MODULE_TO_EXTENSIONS[name] + _MODULE_TO_METADATA_EXTENSIONS[name],
        file_names=_MODULE_TO_METADATA_FILE_NAMES[name],
    )
    path, _ = _PACKAGED_DATASETS_MODULES[name]
    if configs:
        made, default = load.create_builder_configs_from_metadata_configs(
            path, configs, base_path=ROOT, default_builder_kwargs=options
        )
    else:
        make = load.import_main_class(path)
        if make is None:
            raise DataFilesNotFoundError("No (supported) data files found")
        made, default = [make.BUILDER_CONFIG_CLASS(data_files=files, **options)], None
    infos = _infos(card)
    if default is None and len(infos) == 1:
        default = next(iter(infos))
    parameters = load.BuilderConfigsParameters(metadata_configs=configs, builder_configs=made, default_config_name=default)
    return load.DatasetModule(path, "0", {}, dataset_infos=infos, builder_configs_parameters=parameters)


def _infos(card: Any) -> DatasetInfosDict:
    """Return what the card says of columns and splits, over what old versions of the library wrote into a file."""
    said = DatasetInfosDict.from_dataset_card_data(card)
    text = _text(_OLD_INFOS)
    if text is None:
        return said
    old = DatasetInfosDict({name: DatasetInfo.from_dict(each) for name, each in json.loads(text).items()})
    if len(old) == 1:
        old["default"] = old.pop(next(iter(old)))
    old.update(said)
    return old


def _refuse_foreign_patterns(configs: MetadataConfigs) -> None:
    """Refuse what would lead out of the repository before the library looks at it."""
    for options in configs.values():
        wanted = [options["data_dir"]] if options.get("data_dir") is not None else []
        if options.get("data_files") is not None:
            wanted += [pattern for patterns in sanitize_patterns(options["data_files"]).values() for pattern in patterns]
        for pattern in wanted:
            text = str(pattern)
            if "://" in text or "::" in text or posixpath.isabs(text) or ".." in text.split("/"):
                raise Problem("ConfigNamesError", "The card names files that are not in the repository.")


def _refuse_foreign(files: DataFilesDict | None) -> None:
    for path in (path for paths in (files or {}).values() for path in paths):
        if not str(path).startswith(f"{ROOT}/"):
            raise Problem("ConfigNamesError", "The card names files that are not in the repository.")
