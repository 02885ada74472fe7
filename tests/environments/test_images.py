"""Images on bubblewrap, from archives on disk: no daemon is asked, nor is there one."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from environments import EnvironmentBuildFailed, Mount, SandboxSpec, UnsupportedSpec, running
from environments.bubblewrap import BubblewrapBackend

from .conftest import MakeLayer
from .image_archives import Entry, docker_archive, header, layer, oci_archive, programs

NAME = "shop/app:1"
FILES: dict[str, Entry] = {
    "app/code.txt": "old\n",
    "app/gone.txt": "x\n",
    "app/sub/kept.txt": "kept\n",
    "srv/": "",
    "srv/link": "-> /app",
    "var/run": "-> /run",
    "run/": "",
    "etc/resolv.conf": "-> ../run/nothing",
}
SETTINGS = {"Env": ["GREETING=hello", "PATH=/app/bin:/bin"], "WorkingDir": "/app"}


@pytest.fixture(scope="module")
def base() -> bytes:
    return layer(programs())


@pytest.fixture
def backend(tmp_path: Path) -> BubblewrapBackend:
    found = BubblewrapBackend(url=f"unix://{tmp_path}/no.sock", cache=tmp_path / "cache")
    if problems := found.missing():
        pytest.skip("; ".join(problems))
    return found


@pytest.fixture
def archive(tmp_path: Path, base: bytes) -> Any:
    """Puts an image with FILES where it is looked for; its id."""

    def put(name: str = NAME, *layers: bytes, **settings: Any) -> str:
        file = tmp_path / "cache/images/archives" / f"{len(layers)}.tar"
        return docker_archive(file, name, [base, layer(FILES), *layers], **{**SETTINGS, **settings})

    return put


async def sh(backend: BubblewrapBackend, spec: SandboxSpec, script: str) -> str:
    async with running(backend, spec) as box:
        done = await box.run(["sh", "-c", script], timeout_sec=30)
    return done.stdout + done.stderr


async def test_an_image_brings_files_settings_and_user(backend: BubblewrapBackend, archive: Any) -> None:
    archive()
    async with running(backend, SandboxSpec(image=NAME)) as box:
        assert box.spec.workdir == "/app"
        shown = await box.run(["sh", "-c", "pwd; id -u; echo $GREETING $HOME; cat code.txt /etc/hosts"], timeout_sec=30)
        assert shown.stdout.splitlines() == [
            *("/app", "0", "hello /root", "old"),
            *("127.0.0.1\tlocalhost sandbox", "::1\tlocalhost sandbox"),
        ]
        assert (await box.run(["sh", "-c", "ls / | head -3"], timeout_sec=30)).stdout.split() == ["app", "bin", "dev"]
        assert (await box.run(["python3"], timeout_sec=30)).exit_code == 127  # nothing of this machine's is there
        await box.write_files({"new/file.txt": b"new\n", "/opt/tool": b"t"})
        assert await box.read_file("/opt/tool") == b"t"
        assert await box.read_file("/srv/link/code.txt") == b"old\n"


async def test_the_change_of_an_images_folder(backend: BubblewrapBackend, archive: Any, layer: MakeLayer) -> None:
    archive()
    over = layer({"code.txt": "over\n", "more.txt": "more\n"})
    for spec, before in ((SandboxSpec(image=NAME), b"old\n"), (SandboxSpec(image=NAME, layers=(over,)), b"over\n")):
        async with running(backend, spec) as box:
            script = "cat code.txt; echo new > code.txt; rm gone.txt; rm -r sub; mkdir sub; echo y > sub/y; > /bin/z"
            assert (await box.run(["sh", "-c", script], timeout_sec=30)).stdout.encode() == before
            assert [(change.path, change.before, change.after) for change in (await box.diff()).changes] == [
                ("code.txt", before, b"new\n"),
                ("gone.txt", b"x\n", None),
                ("sub/kept.txt", b"kept\n", None),
                ("sub/y", None, b"y\n"),
            ]
    assert "new" not in await sh(backend, SandboxSpec(image=NAME), "cat code.txt; ls /bin/z")  # nothing stays


async def test_links_of_the_image_are_followed_to_mounts_and_folders(
    backend: BubblewrapBackend, archive: Any, layer: MakeLayer
) -> None:
    archive()
    mounts = (Mount(source=layer({"tool.sh": "echo tool"}), target="/var/run/tools"),)
    spec = SandboxSpec(image=NAME, workdir="/srv/link", mounts=mounts)
    async with running(backend, spec) as box:
        assert (await box.run(["sh", "/run/tools/tool.sh"], timeout_sec=30)).stdout == "tool\n"
        await box.run(["sh", "-c", "echo new > code.txt"], timeout_sec=30)
        assert (await box.diff()).paths == ("code.txt",) and await box.read_file("code.txt") == b"new\n"
    with pytest.raises(UnsupportedSpec, match="no folder"):
        await backend.start(SandboxSpec(image=NAME, workdir="/app/code.txt/x"))
    with pytest.raises(UnsupportedSpec, match="workdir"):
        await backend.start(SandboxSpec(image=NAME, workdir="/tmp"))


async def test_another_user_owns_what_it_owns_in_the_image(backend: BubblewrapBackend, archive: Any) -> None:
    if os.geteuid() != 0:
        pytest.skip("an ordinary user owns all files of an image that it unpacks")
    users: dict[str, Entry] = {
        "etc/passwd": "root:x:0:0::/root:/bin/sh\nmaker:x:1234:1235::/home/maker:/bin/sh\n",
        "home/maker/": header(b"5", mode=0o755, uid=1234),
        "home/maker/own": header(b"0", uid=1234),
    }
    archive(NAME, layer(users), User="maker")
    script = "id -u; id -g; echo $HOME; touch ~/own ~/new && echo mine; touch x || touch /etc/passwd || chmod 777 /etc"
    shown = await sh(backend, SandboxSpec(image=NAME), script)
    assert shown.splitlines()[:4] == ["1234", "1235", "/home/maker", "mine"]
    assert shown.count("ermission denied") == 2 and "not permitted" in shown
    async with running(backend, SandboxSpec(image=NAME)) as box:
        with pytest.raises(PermissionError):
            await box.write_files({"code.txt": b"x"})
    archive("shop/other", layer(users), layer({"x": ""}), User="nobody-of-that-name")
    with pytest.raises(UnsupportedSpec, match="nobody-of-that-name"):
        await backend.start(SandboxSpec(image="shop/other"))


async def test_the_oci_layout_and_its_names(backend: BubblewrapBackend, tmp_path: Path, base: bytes) -> None:
    name = "docker.io/library/tool:latest"
    over = layer({"app/.wh.gone.txt": "", "app/code.txt": "second\n"})
    id_ = oci_archive(tmp_path / "cache/images/archives/tool.tar", name, [base, layer(FILES), over], **SETTINGS)
    assert await sh(backend, SandboxSpec(image="tool"), "cat code.txt; ls") == "second\ncode.txt\nsub\n"
    assert (tmp_path / "cache/images/roots" / id_.removeprefix("sha256:") / "image.json").is_file()


async def test_what_nobody_has_is_told(backend: BubblewrapBackend, tmp_path: Path, layer: MakeLayer) -> None:
    with pytest.raises(UnsupportedSpec, match=r"docker save.*no Docker daemon answers"):
        await backend.start(SandboxSpec(image="no/such:image"))
    with pytest.raises(UnsupportedSpec, match="no Docker daemon answers"):
        await backend.start(SandboxSpec(build_context=layer({"Dockerfile": "FROM scratch\n"})))
    with pytest.raises(UnsupportedSpec, match="no Dockerfile"):
        await backend.start(SandboxSpec(build_context=layer({"other": ""})))
    archives = tmp_path / "cache/images/archives"
    archives.mkdir(parents=True)
    (archives / "broken.tar").write_bytes(b"no tar")
    with pytest.raises(EnvironmentBuildFailed, match=r"broken\.tar"):
        await backend.start(SandboxSpec(image="no/such:image"))


async def test_it_is_unpacked_once_and_found_without_the_archive(
    backend: BubblewrapBackend, archive: Any, tmp_path: Path
) -> None:
    id_ = archive()
    spec = SandboxSpec(image=NAME)
    assert await asyncio.gather(*(sh(backend, spec, "cat code.txt") for _ in range(4))) == ["old\n"] * 4
    place = tmp_path / "cache/images/roots" / id_.removeprefix("sha256:")
    made = place.stat().st_ino
    next((tmp_path / "cache/images/archives").iterdir()).unlink()
    backend.close()
    later = BubblewrapBackend(url=f"unix://{tmp_path}/no.sock", cache=tmp_path / "cache")
    assert await sh(later, spec, "cat code.txt") == "old\n" and place.stat().st_ino == made
    assert place.parent.stat().st_mode & 0o077 == 0  # files of an image may be anybody's: only we get there
    later.close()


async def test_what_nobody_uses_is_removed(backend: BubblewrapBackend, archive: Any, tmp_path: Path) -> None:
    id_ = archive()
    await sh(backend, SandboxSpec(image=NAME), "true")
    place = tmp_path / "cache/images/roots" / id_.removeprefix("sha256:")
    long_ago = time.time() - 40 * 86400
    os.utime(place / "image.json", (long_ago, long_ago))
    assert backend.images.sweep() == 0  # this process may start another sandbox of it
    backend.close()
    (place.parent / ".new-999999-1.half").mkdir()
    other = BubblewrapBackend(url=f"unix://{tmp_path}/no.sock", cache=tmp_path / "cache")
    assert await other.sweep() >= 2 and not place.exists()
    assert [path.name for path in place.parent.iterdir() if path.is_dir()] == []
    await sh(other, SandboxSpec(image=NAME), "true")  # made again
    other.close()
    assert other.images.sweep(most_bytes=1 << 40) == 0 and other.images.sweep(most_bytes=1000) == 1
    assert not place.exists()


UNPRIVILEGED = """
import asyncio, sys
from pathlib import Path
from environments import SandboxSpec, running
from environments.bubblewrap import BubblewrapBackend

async def main():
    backend = BubblewrapBackend(url="unix:///no.sock", cache=Path(sys.argv[1]))
    async with running(backend, SandboxSpec(image=sys.argv[2])) as box:
        done = await box.run(["sh", "-c", "id -u; cat code.txt; echo new > code.txt; touch /bin/x"], timeout_sec=30)
        print(done.stdout + done.stderr, (await box.diff()).paths)

asyncio.run(main())
"""


def test_it_needs_no_privilege(tmp_path: Path, base: bytes) -> None:
    python = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    if os.geteuid() != 0 or not Path(python).exists():
        pytest.skip("this test run has no privilege anyway")
    folder = Path("/tmp", f"gristmill-test-{uuid.uuid4().hex[:8]}")
    try:
        docker_archive(folder / "images/archives/a.tar", NAME, [base, layer(FILES)], **SETTINGS)
        for path in (folder, folder / "images"):
            os.chown(path, 54321, 54321)
        command = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", python, "-c", UNPRIVILEGED]
        packages = next(path for path in sys.path if path.endswith("site-packages"))
        env = {"PATH": os.defpath, "PYTHONPATH": f"{Path(__file__).parents[2]}:{packages}", "HOME": "/tmp"}
        done = subprocess.run([*command, str(folder), NAME], env=env, capture_output=True, text=True, timeout=60)
        assert done.stdout == "0\nold\n ('code.txt',)\n", done.stderr
    finally:
        shutil.rmtree(folder)
