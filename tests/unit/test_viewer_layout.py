"""What a card may name as data: files of the repository, and nothing else on this machine or in the world."""

from __future__ import annotations

import pytest

from tulou.platform.tabular.child import layout, repo_files
from tulou.platform.tabular.child.explain import Problem


def find(tmp_path, card: str, *paths: str, **texts: str) -> layout.Layout:
    files = {
        "README.md": f"---\n{card}\n---\n".encode(),
        **{name.replace("__", "."): text.encode() for name, text in texts.items()},
        **dict.fromkeys(paths, b"x\n1\n"),
    }
    contents = list(files.values())
    repo_files.install([(p, len(c)) for p, c in files.items()], lambda number, start, length: contents[number][start:][:length])
    return layout.find(str(tmp_path), "data")


def one_config(files: str) -> str:
    return f"configs:\n- config_name: x\n  data_files: {files}"


@pytest.mark.parametrize(
    "files",
    ["/etc/*", "file:///etc/passwd", "../../../../etc/passwd", "http://127.0.0.1/x.csv", "zip://*::/tmp/x.zip", "hf://datasets/a/b/c",
     "[{split: train, path: /etc/passwd}]", "[a.csv, local://etc/passwd]", "repo://files/../x.csv", "'~/.ssh/*'"],
)  # fmt: skip
def test_a_card_cannot_name_files_beyond_its_repository(tmp_path, files: str):
    with pytest.raises(Problem) as caught:
        find(tmp_path, one_config(files), "a.csv")
    assert caught.value.code in {"ConfigNamesError", "EmptyDatasetError", "DataFilesNotFoundError"}


def test_nor_can_the_folder_of_a_configuration(tmp_path):
    for folder in ("/etc", "..", "file:///etc"):
        with pytest.raises(Problem, match="not in the repository"):
            find(tmp_path, f"configs:\n- config_name: x\n  data_dir: '{folder}'", "a.csv")


def test_patterns_name_splits_and_folders(tmp_path):
    found = find(
        tmp_path, one_config("[{split: train, path: a/*.csv}, {split: test, path: b/**}]"), "a/1.csv", "b/c/2.csv", "d.csv"
    )
    assert found.configs == ("x",)
    assert layout.splits_of(found.builder("x")) == ["train", "test"]


def test_too_many_splits_or_configurations_are_refused(tmp_path):
    splits = "".join(f"  - {{split: s{number}, path: a.csv}}\n" for number in range(31))
    with pytest.raises(Problem, match="more than 30 splits"):
        layout.splits_of(find(tmp_path, f"configs:\n- config_name: x\n  data_files:\n{splits}", "a.csv").builder("x"))
    configs = "".join(f"- {{config_name: c{number}, data_files: a.csv}}\n" for number in range(4_001))
    with pytest.raises(Problem, match="more than 4000 configurations"):
        find(tmp_path, f"configs:\n{configs}", "a.csv")


@pytest.mark.parametrize(
    ("paths", "code"),
    [
        (["train.csv", "test.jsonl"], "FileFormatMismatchBetweenSplitsError"),
        (["notes.docx"], "DataFilesNotFoundError"),
        ([], "EmptyDatasetError"),
        (["data.py", "a.csv"], "DatasetWithScriptNotSupportedError"),
    ],
)
def test_each_way_to_hold_no_data_has_its_code(tmp_path, paths: list[str], code: str):
    with pytest.raises(Problem) as caught:
        find(tmp_path, "license: mit", *paths)
    assert caught.value.code == code


def test_columns_may_be_described_in_the_file_of_old_versions(tmp_path):
    old = '{"alice--data": {"features": {"x": {"dtype": "float32", "_type": "Value"}}}}'
    found = find(tmp_path, "license: mit", "a.csv", dataset_infos__json=old)
    assert str(found.builder("default").info.features) == "{'x': Value('float32')}"
