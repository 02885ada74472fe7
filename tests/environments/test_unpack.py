"""Whatever a tar of an image holds, nothing of it gets out of the folder or is dangerous in it."""

import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from environments._unpack import Unpacker
from environments.errors import EnvironmentBuildFailed

from .image_archives import Entry, header, layer


def unpack(folder: Path, *layers: dict[str, Entry], most_bytes: int = 1 << 30) -> Path:
    root = folder / "root"
    root.mkdir()
    with Unpacker(os.fspath(root), most_bytes=most_bytes) as unpacker:
        for each in layers:
            unpacker.add(io.BytesIO(layer(each)), has_whiteouts=True)
    return root


def test_files_folders_and_links(tmp_path: Path) -> None:
    first: dict[str, Entry] = {
        "bin/tool": "#!/bin/sh\n",
        "etc/": "",
        "etc/name": "one\n",
        "etc/link": "-> /etc/name",
        "etc/again": header(tarfile.LNKTYPE, link="etc/name"),
        "closed/": header(tarfile.DIRTYPE, mode=0o500),
        "closed/file": "in a folder that nobody may write to\n",
    }
    root = unpack(tmp_path, first)
    assert (root / "bin/tool").stat().st_mode & 0o777 == 0o755
    assert (root / "etc/link").readlink() == Path("/etc/name")
    assert (root / "etc/again").samefile(root / "etc/name")
    assert (root / "closed").stat().st_mode & 0o777 == 0o500 and (root / "closed/file").exists()


def test_what_is_dangerous_is_left_out(tmp_path: Path) -> None:
    entries: dict[str, Entry] = {
        "bin/su": header(tarfile.REGTYPE, mode=0o6755),
        "disk": header(tarfile.BLKTYPE),
        "dev/mem": header(tarfile.CHRTYPE),
        "pipe": header(tarfile.FIFOTYPE),
    }
    root = unpack(tmp_path, entries)
    assert (root / "bin/su").stat().st_mode & 0o7777 == 0o755
    assert not (root / "disk").exists() and not (root / "dev/mem").exists()
    assert stat.S_ISFIFO((root / "pipe").stat().st_mode)


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/../out"])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(EnvironmentBuildFailed, match="leads out"):
        unpack(tmp_path, {name: "x"})
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


def test_links_in_the_way_end_inside(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    way: dict[str, Entry] = {
        "absolute": f"-> {tmp_path}/outside",
        "relative": "-> ../../../../../../../../../../etc",
        "etc/": "",
        "relative/planted": "x",
        "absolute/planted": "x",
        "hard": header(tarfile.SYMTYPE, link="/etc/passwd"),
        "name": header(tarfile.LNKTYPE, link="hard"),
    }
    root = unpack(tmp_path, way)
    assert list((tmp_path / "outside").iterdir()) == [] and not Path("/etc/planted").exists()
    assert (root / "etc/planted").read_text() == "x"  # as the same path is understood inside
    assert (root / "absolute/planted").read_text() == "x" and not (root / "absolute").is_symlink()
    assert (root / "name").is_symlink()  # another name of the link, not of what it leads to


def test_a_hard_link_reaches_no_file_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("top secret")
    for target in (f"{secret}", f"up/{secret}"):
        folder = tmp_path / f"to{len(target)}"
        folder.mkdir()
        with pytest.raises(EnvironmentBuildFailed):
            unpack(folder, {"up": "-> /", "mine": header(tarfile.LNKTYPE, link=target)})


def test_later_layers_replace_and_take_away(tmp_path: Path) -> None:
    first: dict[str, Entry] = {"a": "old", "b/c": "old", "b/d": "old", "e/f": "old", "g": "file", "h/i": "old"}
    second: dict[str, Entry] = {
        "a": "new",
        "b/.wh.c": "",
        "e/.wh..wh..opq": "",
        "e/new": "new",
        "g/": "",
        "h": "-> a",
        "none/.wh.x": "",
        ".wh...": "",
    }
    root = unpack(tmp_path, first, second)
    found = sorted(os.fspath(path.relative_to(root)) for path in root.rglob("*"))
    assert found == ["a", "b", "b/d", "e", "e/new", "g", "h"]
    assert (root / "a").read_text() == "new" and (root / "g").is_dir() and (root / "h").is_symlink()


def test_too_much_and_broken_are_told(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentBuildFailed, match="more than"):
        unpack(tmp_path, {"big": b"x" * 2000}, most_bytes=1000)
    (tmp_path / "other").mkdir()
    with (
        Unpacker(os.fspath(tmp_path / "other")) as unpacker,
        pytest.raises(EnvironmentBuildFailed, match="could not be unpacked"),
    ):
        unpacker.add(io.BytesIO(layer({"a": b"x" * 10000})[:5000]), has_whiteouts=True)
