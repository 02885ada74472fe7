"""What only containers can: images of tasks, builds, and layers of images found again by content."""

from pathlib import Path

import pytest

from environments import BackendUnavailable, EnvironmentBuildFailed, Mount, SandboxSpec, UnsupportedSpec, running
from environments.docker import DockerBackend
from environments.images import base_tar, debian_mirror
from environments.registry import backend_names, get_backend

from .conftest import MakeLayer


@pytest.fixture(scope="module")
def docker() -> DockerBackend:
    backend = DockerBackend()
    if problems := backend.missing():
        pytest.skip("; ".join(problems))
    return backend


async def test_a_tasks_own_build(docker: DockerBackend, layer: MakeLayer) -> None:
    recipe = "ARG BASE\nFROM ${BASE}\nWORKDIR /app\nRUN echo built > made.txt && echo old > old.txt\n"
    spec = SandboxSpec(build_context=layer({"Dockerfile": recipe}))
    async with running(docker, spec) as box:
        assert (await box.run(["cat", "made.txt"], timeout_sec=30)).stdout == "built\n"
        await box.run(["sh", "-c", "echo new > new.txt; rm old.txt"], timeout_sec=30)
        assert [(c.path, c.before, c.after) for c in (await box.diff()).changes] == [
            ("new.txt", None, b"new\n"),
            ("old.txt", b"old\n", None),
        ]
    tag = await docker.image_of(spec)
    assert await docker.image_of(SandboxSpec(build_context=layer({"Dockerfile": recipe}))) == tag  # by content
    async with running(docker, SandboxSpec(image=tag)) as box:
        assert (await box.run(["pwd"], timeout_sec=30)).stdout == "/app\n"


async def test_a_build_that_fails_says_how(docker: DockerBackend, layer: MakeLayer) -> None:
    recipe = "ARG BASE\nFROM ${BASE}\nRUN echo the-reason && false\n"
    with pytest.raises(EnvironmentBuildFailed, match="the-reason"):
        await docker.start(SandboxSpec(build_context=layer({"Dockerfile": recipe})))
    with pytest.raises(UnsupportedSpec, match="no image"):
        await docker.start(SandboxSpec(image="gristmill/there-is:none"))


async def test_mounts_are_baked_once(docker: DockerBackend, layer: MakeLayer) -> None:
    spec = SandboxSpec(mounts=(Mount(source=layer({"a": "a"}), target="/opt/a"),))
    assert await docker.image_of(spec) == await DockerBackend().image_of(spec)


def test_a_missing_daemon_is_told(tmp_path: Path) -> None:
    backend = DockerBackend(url=f"unix://{tmp_path}/none.sock")
    assert "dockerd" in backend.missing()[0]


def test_the_mirror_is_apts(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    with pytest.raises(BackendUnavailable, match="base image"):
        debian_mirror(tmp_path)
    (tmp_path / "sources.list.d/debian.sources").write_text(
        "Types: deb\nURIs: http://one/debian\nSuites: x\nComponents: main\n"
    )
    assert debian_mirror(tmp_path) == "http://one/debian"
    (tmp_path / "sources.list").write_text(
        "# deb http://no x main\ndeb [arch=amd64] http://two/debian x main contrib\n"
    )
    assert debian_mirror(tmp_path) == "http://two/debian"


def test_a_failed_base_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises((EnvironmentBuildFailed, BackendUnavailable)):
        base_tar(tmp_path, mirror=f"file://{tmp_path}/no-mirror")
    assert [path.name for path in (tmp_path / "images").iterdir() if path.name != "base.lock"] == []


def test_backends_by_name() -> None:
    assert {"bubblewrap", "docker"} <= set(backend_names())
    assert get_backend("bubblewrap").name == "bubblewrap"
    with pytest.raises(BackendUnavailable, match="bubblewrap"):
        get_backend("no-such-backend")
