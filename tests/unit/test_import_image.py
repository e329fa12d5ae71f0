"""An archive unpacks below its own folder, whatever it says."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from tulou.features.runs import images, import_image
from tulou.kernel.errors import AlreadyExists, BadInput, InvalidName, NotFound
from tulou.platform.compute.base import StartFailed


@pytest.fixture
def m(tmp_path: Path):
    return SimpleNamespace(settings=SimpleNamespace(data=tmp_path / "data"), work=tmp_path / "data" / "work")


def entry(name: str, kind: bytes = tarfile.REGTYPE, *, content: bytes = b"", link: str = "", mode: int = 0o644) -> tuple:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.size, info.uid = kind, link, mode, len(content), 0
    return info, io.BytesIO(content)


SHELL = entry("bin/sh", content=b"#!", mode=0o4755)


def tar(path: Path, *entries: tuple, how: str = "w") -> Path:
    with tarfile.open(path, how) as archive:
        for info, content in entries:
            content.seek(0)
            archive.addfile(info, content)
    return path


def test_files_folders_and_links_come_without_owners_devices_and_special_bits(m, tmp_path):
    before = os.umask(0o077)
    try:
        done = import_image.add(m, "team/tools:1.0", tar(
            tmp_path / "a.tar.gz", SHELL, entry("./etc/passwd", content=b"root"), entry("tmp", tarfile.DIRTYPE, mode=0o1777),
            entry("usr/bin/env", tarfile.SYMTYPE, link="/bin/sh"), entry("bin/bash", tarfile.LNKTYPE, link="bin/sh"),
            entry("dev/sda", tarfile.BLKTYPE), entry("data/pipe", tarfile.FIFOTYPE), entry("proc/1", content=b"x"), how="w:gz",
        ))  # fmt: skip
    finally:
        os.umask(before)
    assert (done.files, done.bytes, done.left_out) == (4, 6, 3)
    key, notes = images.resolve(m, "localhost/team/tools:1.0")
    root = images.root_folder(m, key)
    assert notes == ()
    assert root is not None
    assert sorted(p.relative_to(root).as_posix() for p in root.rglob("*")) == [
        "bin", "bin/bash", "bin/sh", "etc", "etc/passwd", "tmp", "usr", "usr/bin", "usr/bin/env",
    ]  # fmt: skip
    modes = {name: stat.S_IMODE((root / name).stat().st_mode) for name in ("bin/sh", "etc/passwd", "etc", "tmp", ".")}
    assert modes == {"bin/sh": 0o755, "etc/passwd": 0o644, "etc": 0o755, "tmp": 0o1777, ".": 0o755}
    assert images.names(m) == ["team/tools:1.0"]
    with pytest.raises(AlreadyExists):
        import_image.add(m, "team/tools:1.0", tmp_path / "a.tar.gz")
    import_image.remove(m, "team/tools:1.0")
    assert images.names(m) == []
    with pytest.raises(StartFailed):
        images.root_folder(m, key)
    with pytest.raises(NotFound):
        import_image.remove(m, "team/tools:1.0")


@pytest.mark.parametrize(
    "hostile",
    [
        (entry("../out", content=b"x"),), (entry("/abs/out", content=b"x"),), (entry("a/../../out", content=b"x"),),
        (entry("d", tarfile.SYMTYPE, link="{outside}"), entry("d/out", content=b"x")),
        (entry("d", tarfile.SYMTYPE, link=".."), entry("d/out", content=b"x")),
        (entry("f", tarfile.SYMTYPE, link="{outside}/out"), entry("f", content=b"x")),
        (entry("h", tarfile.LNKTYPE, link="../../../secret"),), (entry("h", tarfile.LNKTYPE, link="{outside}/secret"),),
        (entry("d", tarfile.SYMTYPE, link="{outside}"), entry("h", tarfile.LNKTYPE, link="d/secret")),
        (entry("file", content=b"1"), entry("file/below", content=b"2")), (entry("x/y", content=b"1"), entry("x", content=b"2")),
    ],
)  # fmt: skip
def test_nothing_is_written_or_linked_outside(m, tmp_path, hostile):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    entries = [SHELL]
    for info, content in hostile:
        info.linkname = info.linkname.replace("{outside}", str(outside))
        entries.append((info, content))
    try:
        import_image.add(m, "x", tar(tmp_path / "a.tar", *entries))
    except BadInput:
        assert images.names(m) == []
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").stat().st_nlink == 1
    assert not (tmp_path / "out").exists()
    assert "secret" not in [p.read_text() for p in (tmp_path / "data").rglob("*") if p.is_file() and not p.is_symlink()]
    assert list(m.work.iterdir()) == []


def test_a_folder_is_copied_as_it_is(m, tmp_path):
    source = tmp_path / "root"
    (source / "bin").mkdir(parents=True)
    (source / "bin" / "sh").write_text("#!")
    (source / "bin" / "sh").chmod(0o755)
    (source / "loop").symlink_to("/")
    (source / "proc").mkdir()
    done = import_image.add(m, "x", source)
    root = images.root_folder(m, "x")
    assert done.files == 2
    assert (root / "loop").is_symlink()
    assert sorted(path.name for path in root.iterdir()) == ["bin", "loop"]


def test_what_is_no_root_file_system_is_refused(m, tmp_path, monkeypatch):
    (tmp_path / "text").write_text("no archive at all" * 100)
    (tmp_path / "empty").mkdir()
    for source in ("text", "empty", "missing"):
        with pytest.raises(BadInput):
            import_image.add(m, "x", tmp_path / source)
    with pytest.raises(BadInput, match="docker export"):
        import_image.add(m, "x", tar(tmp_path / "saved.tar", entry("manifest.json", content=b"[]")))
    for name in ("../x", "host", "a b", "", "/x"):
        with pytest.raises(InvalidName):
            import_image.add(m, name, tmp_path)
    monkeypatch.setattr(import_image, "IMAGE_BYTES", 1)
    with pytest.raises(BadInput, match="GiB"):
        import_image.add(m, "x", tar(tmp_path / "a.tar", SHELL))
    assert images.names(m) == []
