"""What the story of cards runs in a process of its own: the Python client, asked for everything about repositories."""

from __future__ import annotations

import re
from typing import get_args

import huggingface_hub.hf_api as client
from huggingface_hub import HfApi, HfFileSystem, ModelCard, RepoCard, metadata_update
from huggingface_hub.errors import BadRequestError, RepositoryNotFoundError, RevisionNotFoundError

api = HfApi()
KINDS = {
    "model": ("alice/m", client.ExpandModelProperty_T),
    "dataset": ("alice/d", client.ExpandDatasetProperty_T),
    "space": ("alice/s", client.ExpandSpaceProperty_T),
}


def refused(error: type[Exception], call, *arguments, **options) -> Exception:
    """Return the error that a call raises."""
    try:
        call(*arguments, **options)
    except error as problem:
        return problem
    raise AssertionError(f"no {error.__name__}")


def expand_is_what_the_client_knows() -> None:
    """Every property the client names can be asked for, and the refusal of another names exactly those."""
    for kind, (name, properties) in KINDS.items():
        problem = refused(BadRequestError, api.repo_info, name, repo_type=kind, expand=["nonsense"])
        options = re.findall(r'"([^"]+)"', problem.response.json()["error"].split("expected one of ", 1)[1])
        assert set(options) - {"xetEnabled"} == set(get_args(properties))
        assert api.repo_info(name, repo_type=kind, expand=list(get_args(properties))).author == "alice"
        assert [r.author for r in getattr(api, f"list_{kind}s")(expand=list(get_args(properties)))][-1] == "alice"


def info_and_lists() -> None:
    """Information parses into the client's objects; lists page and stop."""
    info = api.model_info("alice/m", files_metadata=True, securityStatus=True)
    assert info.card_data.license == "mit"
    assert info.safetensors.total == 3
    assert info.transformers_info.auto_model == "AutoModelForMaskedLM"
    assert info.security_repo_status == {"scansDone": False, "filesWithIssues": []}
    assert all(isinstance(file.size, int) and file.blob_id for file in info.siblings)
    assert api.space_info("alice/s").runtime.stage == "NO_APP_FILE"
    assert api.kernel_info("alice/k").sha
    listed = api.list_models(search="m", sort="last_modified", full=True, cardData=True, fetch_config=True)
    assert [model.id for model in listed] == ["alice/m"]
    assert len(list(api.list_models(limit=1))) == 1
    refused(RepositoryNotFoundError, api.model_info, "alice/nope")
    refused(RepositoryNotFoundError, api.model_info, "gpt2")
    refused(RevisionNotFoundError, api.model_info, "alice/m", revision="nope")
    assert "license" in api.get_model_tags()
    assert "alice/m/README.md" in HfFileSystem().ls("alice/m", detail=False)


def cards() -> None:
    """Cards are checked before they are committed, and read back."""
    problem = refused(ValueError, RepoCard("---\nlicense: asdf\n---\n# x").validate)
    assert '- Error: "license" must be one of' in str(problem)
    broken = b"---\nmodel-index: foo\n---\n"
    refused(ValueError, api.upload_file, path_or_fileobj=broken, path_in_repo="README.md", repo_id="alice/m")
    metadata_update("alice/m", {"tags": ["new"]})
    assert ModelCard.load("alice/m").data.to_dict() == {"license": "mit", "tags": ["new"]}
    assert api.model_info("alice/m").card_data.tags == ["new"]


def tensors() -> None:
    """Parameters are counted without downloading, from one file and from shards."""
    assert api.get_safetensors_metadata("alice/m").parameter_count == {"F32": 3}
    assert api.get_safetensors_metadata("alice/sharded").parameter_count == {"F32": 15}
    # The same files once more, in large-file storage, as they come when nobody empties .gitattributes.
    folder = api.snapshot_download("alice/sharded", ignore_patterns=".gitattributes")
    api.create_repo("alice/large")
    api.upload_folder(repo_id="alice/large", folder_path=folder)
    files = api.model_info("alice/large", files_metadata=True).siblings
    assert sum(file.lfs is not None for file in files) == 2
    assert api.get_safetensors_metadata("alice/large").parameter_count == {"F32": 15}


expand_is_what_the_client_knows()
info_and_lists()
cards()
tensors()
