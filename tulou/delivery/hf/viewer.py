"""The dataset viewer's API: at `/api/viewer/…`, and at `/…` of the host `datasets-server.`, where clients look for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import ASGIApp

from tulou.delivery.hf import viewer_rows
from tulou.delivery.hf.viewer_kit import Asked, Make, endpoint, not_ready, told
from tulou.delivery.kit.call import Call
from tulou.delivery.kit.routes import Access, Login, Route
from tulou.features.viewer import croissant, first, shelf, summary, tasks
from tulou.features.viewer.state import ConfigState, SplitState, Trouble
from tulou.kernel.errors import NotBuilt

Item = dict[str, Any]
_REF = quote("refs/convert/parquet", safe="")


def is_valid(asked: Asked) -> Item:
    """GET /is-valid: what can be done with a dataset, a configuration or a split."""
    if asked.config_name is not None:
        _ = asked.split_state if asked.split_name is not None else asked.config_state
    return dict(summary.capabilities(asked.view, asked.config_name, asked.split_name))


def splits(asked: Asked) -> Item:
    """GET /splits: the names of all splits, or of those of a configuration."""
    if asked.config_name is not None:
        config = asked.config_state
        if config.trouble is not None:
            raise config.trouble.error()
        if config.splits is None:
            raise not_ready()
        return {"splits": [_place(asked, config, split) for split in config.splits]}
    _require_configs(asked)
    return {
        "splits": [_place(asked, config, split) for config, split in _all(asked)],
        "pending": [_place(asked, c) for c in asked.view.configs if c.splits is None and c.trouble is None],
        "failed": [{**_place(asked, c), "error": told(c.trouble)} for c in asked.view.configs if c.trouble is not None],
    }


def first_rows(asked: Asked) -> Item:
    """GET /first-rows: up to 100 rows, there within moments of a push."""
    split = asked.split_state
    found = first.rows(asked.m, asked.repo, asked.commit, asked.config_state.number, split.name, asked.media)
    if found is None:
        if split.trouble is not None:
            raise split.trouble.error()
        if split.features is not None:
            tasks.rebuild(asked.m, asked.repo, asked.commit)
        raise not_ready()
    return {**_place(asked, asked.config_state, split), **found}


def parquet(asked: Asked) -> Item:
    """GET /parquet: the addresses of the Parquet files."""
    if asked.config_name is not None:
        config = asked.config_state
        trouble = _trouble(asked, config) or asked.view.export
        if trouble is not None:
            raise trouble.error()
        if not asked.view.is_over:
            raise not_ready()
        features = next((split.features for split in config.splits or ()), None)
        return {"parquet_files": list(_parquet(asked, config)), "features": features, "partial": False}
    _require_configs(asked)
    files = [file for config in asked.view.configs for file in _parquet(asked, config)] if asked.view.is_over else []
    return {"parquet_files": files, **_progress(asked, asked.view.export), "partial": False}


def info(asked: Asked) -> Item:
    """GET /info: columns, splits and sizes, as the `datasets` library describes them."""
    if asked.config_name is not None:
        return {"dataset_info": _info(asked, _complete(asked, asked.config_state)), "partial": False}
    _require_configs(asked)
    known = {config.name: _info(asked, config) for config in asked.view.configs if _is_complete(asked, config)}
    return {"dataset_info": known, **_progress(asked), "partial": False}


def size(asked: Asked) -> Item:
    """GET /size: rows and bytes of everything."""
    if asked.config_name is not None:
        config = _complete(asked, asked.config_state)
        return {"size": {"config": _config_size(asked, config), "splits": _split_sizes(asked, config)}, "partial": False}
    _require_configs(asked)
    ready = [config for config in asked.view.configs if _is_complete(asked, config)]
    each = [_config_size(asked, config) for config in ready]
    names = ("num_bytes_original_files", "num_bytes_parquet_files", "num_bytes_memory", "num_rows")
    whole = {
        "dataset": asked.repo.name.full,
        **{name: sum(one[name] for one in each) for name in names},
        "estimated_num_rows": None,
    }
    parts = [one for config in ready for one in _split_sizes(asked, config)]
    return {"size": {"dataset": whole, "configs": each, "splits": parts}, **_progress(asked), "partial": False}


def statistics(asked: Asked) -> Item:
    """GET /statistics: what is in each column of a split."""
    asked.ready_split()
    found = shelf.find(asked.m, asked.repo, asked.commit, asked.config, asked.split)
    known = found.statistics() if found is not None else None
    if known is None:
        tasks.rebuild(asked.m, asked.repo, asked.commit)
        raise not_ready()
    return known


def croissant_crumbs(asked: Asked) -> Item:
    """GET /croissant-crumbs: what the data files add to the description of a dataset in Croissant."""
    _require_configs(asked)
    if not asked.view.is_over:
        raise not_ready()
    return croissant.crumbs(asked.view, asked.repo.name.full, asked.base)


def compatible_libraries(asked: Asked) -> Item:
    """GET /compatible-libraries: programs that load the dataset."""
    _require_configs(asked)
    if not asked.view.is_over:
        raise not_ready()
    return summary.compatible(asked.view, asked.repo.name.full, asked.base)


def hub_cache(asked: Asked) -> Item:
    """GET /hub-cache: what lists of datasets show of each."""
    able = summary.capabilities(asked.view)
    return {
        "preview": able["preview"],
        "viewer": able["viewer"],
        "partial": False,
        "num_rows": summary.rows(asked.view),
        "libraries": summary.libraries(asked.view),
        "modalities": summary.modalities(asked.view),
        "formats": summary.formats(asked.view),
    }


def opt_in_out_urls(_asked: Asked) -> Item:
    """GET /opt-in-out-urls: a registry outside this hub would have to be asked about every address in the data."""
    raise NotBuilt("Who owns the addresses in a dataset is known to a registry outside this hub, which it does not ask.")


def presidio_entities(_asked: Asked) -> Item:
    """GET /presidio-entities: not built."""
    raise NotBuilt("Looking for personal data in datasets is not built yet.")


def _require_configs(asked: Asked) -> None:
    if asked.view.configs:
        return
    raise asked.view.trouble.error() if asked.view.trouble is not None else not_ready()


def _all(asked: Asked) -> Iterator[tuple[ConfigState, SplitState]]:
    return ((config, split) for config in asked.view.configs for split in config.splits or ())


def _place(asked: Asked, config: ConfigState, split: SplitState | None = None) -> Item:
    place = {"dataset": asked.repo.name.full, "config": config.name}
    return {**place, "split": split.name} if split is not None else place


def _trouble(asked: Asked, config: ConfigState) -> Trouble | None:
    """Return why a configuration is not whole, or why its Parquet files are missing."""
    failed = next((split.trouble for split in config.splits or () if split.trouble is not None), None)
    return config.trouble or failed or (asked.view.trouble if asked.view.is_over else None)


def _is_complete(asked: Asked, config: ConfigState) -> bool:
    return _trouble(asked, config) is None and bool(config.splits) and all(s.state == "ready" for s in config.splits or ())


def _complete(asked: Asked, config: ConfigState) -> ConfigState:
    trouble = _trouble(asked, config)
    if trouble is not None:
        raise trouble.error()
    if not _is_complete(asked, config):
        raise not_ready()
    return config


def _progress(asked: Asked, all_failed: Trouble | None = None) -> Item:
    """Return which configurations are still to come, and which never will. `all_failed`: why none will."""
    failed, pending = [], []
    for config in asked.view.configs:
        trouble = _trouble(asked, config) or all_failed
        if trouble is not None:
            failed.append({**_place(asked, config), "error": told(trouble)})
        elif not asked.view.is_over:
            pending.append(_place(asked, config))
    return {"pending": pending, "failed": failed}


def _parquet(asked: Asked, config: ConfigState) -> Iterator[Item]:
    root = f"{asked.base}/datasets/{asked.repo.name.full}/resolve/{_REF}/{quote(config.name)}"
    for split in config.splits or ():
        for name, length in split.parquet:
            yield {**_place(asked, config, split), "url": f"{root}/{split.name}/{name}", "filename": name, "size": length}


def _info(asked: Asked, config: ConfigState) -> Item:
    name = asked.repo.name.name
    parts = config.splits or ()
    sizes = {split.name: {"name": split.name, "num_bytes": split.memory_bytes, "num_examples": split.rows, "dataset_name": name}
             for split in parts}  # fmt: skip
    download, memory = (sum(getattr(split, field) or 0 for split in parts) for field in ("source_bytes", "memory_bytes"))
    return {
        "description": "", "citation": "", "homepage": "", "license": "", "features": parts[0].features if parts else None,
        "builder_name": config.builder, "dataset_name": name, "config_name": config.name,
        "version": {"version_str": "0.0.0", "major": 0, "minor": 0, "patch": 0}, "splits": sizes,
        "download_size": download, "dataset_size": memory, "size_in_bytes": download + memory,
    }  # fmt: skip


def _config_size(asked: Asked, config: ConfigState) -> Item:
    parts = config.splits or ()
    return {
        **_place(asked, config),
        "num_bytes_original_files": sum(split.source_bytes or 0 for split in parts),
        "num_bytes_parquet_files": sum(split.parquet_bytes or 0 for split in parts),
        "num_bytes_memory": sum(split.memory_bytes or 0 for split in parts),
        "num_rows": sum(split.rows or 0 for split in parts),
        "num_columns": len((parts[0].features if parts else None) or ()),
        "estimated_num_rows": None,
    }


def _split_sizes(asked: Asked, config: ConfigState) -> list[Item]:
    return [
        {
            **_place(asked, config, split),
            "num_bytes_parquet_files": split.parquet_bytes,
            "num_bytes_memory": split.memory_bytes,
            "num_rows": split.rows,
            "num_columns": len(split.features or ()),
            "estimated_num_rows": None,
        }
        for split in config.splits or ()
    ]


async def preflight(_call: Call) -> ASGIApp:
    """OPTIONS: pages of other sites may ask, with a token of their own. Cookies are never theirs to use."""
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": "GET, OPTIONS",
            "Access-Control-Allow-Headers": "Authorization",
            "Access-Control-Max-Age": "600",
        },
    )


ENDPOINTS: dict[str, Make] = {
    "rows": viewer_rows.rows, "search": viewer_rows.search, "filter": viewer_rows.filter_rows,
    "is-valid": is_valid, "splits": splits, "first-rows": first_rows, "parquet": parquet, "info": info, "size": size,
    "statistics": statistics, "croissant-crumbs": croissant_crumbs, "compatible-libraries": compatible_libraries,
    "hub-cache": hub_cache, "opt-in-out-urls": opt_in_out_urls, "presidio-entities": presidio_entities,
}  # fmt: skip


def _routes(prefix: str, login: Login) -> list[Route]:
    return [
        route
        for name, make in ENDPOINTS.items()
        for route in (
            Route(("GET",), f"{prefix}/{name}", endpoint(make), Access.PUBLIC, login),
            Route(("OPTIONS",), f"{prefix}/{name}", preflight, Access.PUBLIC),
        )
    ]


ROUTES = [*_routes("/api/viewer", Login.EITHER), *viewer_rows.ROUTES]
AT_HOST = _routes("", Login.TOKEN)
"""The routes at the viewer's own host name."""
