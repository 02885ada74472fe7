"""Sandboxes in containers, by the Docker SDK (Podman's socket speaks the same API). Nothing else here imports docker.

The daemon gives way when many containers start at the same time, so the operations that change
containers share a few threads, apart from the commands that run in them.
"""

import asyncio
import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, TypeVar

import docker
import docker.errors
import requests.exceptions
import tenacity
import urllib3.exceptions

from environments._bwrap import HOME
from environments._docker_diff import PristineFiles
from environments._docker_images import OWNER_LABEL, Images, owner_label
from environments._docker_sandbox import DockerSandbox
from environments._owner import boot_id, is_alive
from environments._services import check_services
from environments.errors import BackendUnavailable, EnvironmentFault, SandboxGone, UnsupportedSpec
from environments.spec import SandboxSpec

SANDBOX_LABEL = "gristmill.sandbox"
_LIFECYCLE_OPERATIONS = 6
_COMMANDS = 64
_CALL_TIMEOUT_SEC = 120
_TRANSIENT = (
    "timeout",
    "timed out",
    "temporarily unavailable",
    "resource busy",
    "connection reset",
    "EOF",
    "try again",
)
# With services also without KILL: what an image's root leaves running is ended, another user's service is not.
_IMAGE_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
_GONE = ("is not running", "removal in progress", "Removal In Progress", "marked for removal")

T = TypeVar("T")
# Process 1 of a container: ends it at its lifetime, and reaps orphans while it waits. Only builtins
# beside the one sleep: it runs while the first command wants to start.
_FIRST_PROCESS = (
    "now() { read -r up _ </proc/uptime; up=${up%.*}; }; now; end=$((up + $1)); "
    "while left=$((end - up)); [ $left -gt 0 ]; do sleep $left & wait $!; now; done"
)


class Daemon:
    """The few calls that we make, with the daemon's errors told in our words."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._api: Any = None
        self.pristine = PristineFiles()
        self.lifecycle = ThreadPoolExecutor(_LIFECYCLE_OPERATIONS, thread_name_prefix="docker-lifecycle")
        self.commands = ThreadPoolExecutor(_COMMANDS, thread_name_prefix="docker-command")

    @property
    def api(self) -> Any:
        """The low-level client, connected at first use. Raises BackendUnavailable."""
        if self._api is None:
            try:
                self._api = docker.APIClient(
                    base_url=self._url, version="auto", timeout=_CALL_TIMEOUT_SEC, max_pool_size=_COMMANDS
                )
            except docker.errors.DockerException as error:
                raise BackendUnavailable(f"no Docker daemon answers: {error}") from error
        return self._api

    async def change(self, function: Callable[[], T]) -> T:
        """Run an operation on containers or images; the transient failures are tried again."""
        return await asyncio.get_running_loop().run_in_executor(self.lifecycle, lambda: self.retried(function))

    async def call(self, function: Callable[[], T]) -> T:
        """Run a call that may last as long as a command."""
        return await asyncio.get_running_loop().run_in_executor(self.commands, lambda: self.told(function))

    def retried(self, function: Callable[[], T]) -> T:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_transient),
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=5),
            stop=tenacity.stop_after_attempt(5),
            reraise=True,
        )
        return self.told(lambda: retrying(function))

    def told(self, function: Callable[[], T]) -> T:
        """Call it; raises SandboxGone for what is no longer there, EnvironmentFault for other refusals."""
        try:
            return function()
        except docker.errors.NotFound as error:
            raise SandboxGone(f"docker: {error.explanation or error}") from error
        except docker.errors.APIError as error:
            if any(words in str(error.explanation) for words in _GONE):
                raise SandboxGone(f"docker: {error.explanation}") from error
            raise EnvironmentFault(f"docker: {error.explanation or error}") from error
        except (requests.exceptions.RequestException, docker.errors.DockerException) as error:
            raise EnvironmentFault(f"docker: the daemon could not be spoken to: {error}") from error

    def remove(self, container: str) -> None:
        """Kill and remove at once, without the grace that `stop` gives. No error if it is gone."""

        def removed() -> None:
            try:
                self.api.remove_container(container, force=True, v=True)
            except docker.errors.NotFound:
                return
            except docker.errors.APIError as error:
                if error.status_code != 409:
                    raise  # 409: a removal is under way already
                self._wait_until_gone(container)

        self.retried(removed)

    def _wait_until_gone(self, container: str) -> None:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                self.api.inspect_container(container)
            except docker.errors.NotFound:
                return
            time.sleep(0.02)
        raise EnvironmentFault(f"docker: container {container} is not removed after 10 s")


class DockerBackend:
    """Starts a container for each sandbox.

    `url`: the daemon's or Podman's socket (default: Docker's own); `base_image`: a tag to use for
    specs without an image (default: made by debootstrap, once); `cache`: folder for its files.
    """

    name = "docker"

    def __init__(self, url: str | None = None, base_image: str | None = None, cache: Path | None = None) -> None:
        self._url = url
        self._daemon = Daemon(url)
        self._images = Images(self._daemon, base_image, cache or Path.home() / ".cache/gristmill")

    def missing(self) -> list[str]:
        try:
            self._daemon.api.ping()
        except (BackendUnavailable, docker.errors.DockerException, requests.exceptions.RequestException) as error:
            if self._url is None and shutil.which("dockerd") is None:
                return ["Docker is not installed: apt-get install docker.io"]
            return [f"no Docker daemon answers ({_first_line(error)}): systemctl start docker, or as root: dockerd &"]
        return self._images.missing()

    async def base_image(self) -> str:
        """The tag of the base image, made if need be (about a minute, once)."""
        return await self._daemon.change(self._images.base)

    async def image_of(self, spec: SandboxSpec) -> str:
        """The tag of the image that a sandbox of this spec runs on, made if need be."""
        return await self._daemon.change(lambda: self._images.of(spec))

    async def start(self, spec: SandboxSpec) -> DockerSandbox:
        _check_supported(spec)
        _ = self._daemon.api
        name = uuid.uuid4().hex[:12]
        container = _container_name(name)
        files: IO[bytes] | None = None
        try:
            image = await self.image_of(spec)
            info = await self._daemon.change(lambda: self._images.inspect(image))
            spec = _with_workdir_of(spec, info)
            if _is_plain(spec):
                packing = self._daemon.call(lambda: DockerSandbox.pack(spec))
                _, files = await asyncio.gather(self._daemon.change(lambda: self._launch(name, image, spec)), packing)
            else:
                await self._daemon.change(lambda: self._launch(name, image, spec))
        except BaseException:
            await asyncio.shield(self._daemon.change(lambda: self._daemon.remove(container)))
            raise
        sandbox = DockerSandbox(name, container, spec, image, self._daemon, _user(spec, info), files)
        try:
            await sandbox.start_services()
        except BaseException:
            await asyncio.shield(sandbox.stop())
            raise
        return sandbox

    def _launch(self, name: str, image: str, spec: SandboxSpec) -> None:
        container = _container_name(name)
        api = self._daemon.api
        api.create_container_from_config(self._config(name, image, spec), container)
        if not _is_plain(spec):
            DockerSandbox.fill(api, container, spec)
        api.start(container)

    def _config(self, name: str, image: str, spec: SandboxSpec) -> dict[str, Any]:
        limits = spec.limits
        size = f"size={limits.disk_mb}m"
        is_plain = _is_plain(spec)
        memory = limits.memory_mb << 20
        tmpfs = {"/tmp": f"rw,exec,nosuid,nodev,mode=1777,{size}"}
        if is_plain:
            tmpfs[HOME] = f"rw,exec,nosuid,nodev,mode=700,uid=1000,gid=1000,{size}"
        host = {
            "AutoRemove": True,
            "CapDrop": ["ALL"],
            # An image's own programs may expect a root that can touch the files of its users.
            "CapAdd": None if is_plain else [*_IMAGE_CAPABILITIES, *(() if spec.services else ("KILL",))],
            "SecurityOpt": ["no-new-privileges"],
            "NetworkMode": "bridge" if spec.network else "none",
            "Memory": memory,
            "MemorySwap": memory,
            "NanoCpus": int(limits.cpus * 1e9),
            "PidsLimit": limits.pids + 2,  # process 1 and its sleep
            "ShmSize": limits.disk_mb << 20,
            "Ulimits": [{"Name": "fsize", "Soft": limits.disk_mb << 20, "Hard": limits.disk_mb << 20}],
            "Tmpfs": tmpfs,
            "Binds": [f"{mount.source}:{mount.target}:rw" for mount in spec.mounts if not mount.read_only],
            "LogConfig": {"Type": "none"},
        }
        return {
            "Image": image,
            "Hostname": "sandbox",
            "User": "0",
            "WorkingDir": "/",
            "Entrypoint": ["/bin/sh", "-c", _FIRST_PROCESS, "sh"],
            "Cmd": [str(max(1, round(limits.lifetime_sec)))],
            "Labels": {SANDBOX_LABEL: name, OWNER_LABEL: owner_label()},
            "HostConfig": host,
        }

    async def sweep(self) -> int:
        return await self._daemon.change(self._sweep)

    def _sweep(self) -> int:
        count = 0
        for container in self._daemon.api.containers(all=True, filters={"label": [OWNER_LABEL]}):
            boot, _, mark = container["Labels"][OWNER_LABEL].partition(":")
            # The label of another boot of this machine is dead; that of another machine (a remote
            # daemon) looks the same, so such a container is left to its lifetime unless it is over.
            if (boot == boot_id() and not is_alive(mark)) or (boot != boot_id() and container["State"] != "running"):
                self._daemon.remove(container["Id"])
                count += 1
        return count


def _container_name(sandbox: str) -> str:
    return f"gristmill-{sandbox}"


def _is_plain(spec: SandboxSpec) -> bool:
    """Whether it runs on our own base: then all is as in bubblewrap, the user and the environment too."""
    return spec.image is None and spec.build_context is None


def _with_workdir_of(spec: SandboxSpec, image: Mapping[str, Any]) -> SandboxSpec:
    """A task's image knows its own working directory; the spec's counts only where it was chosen."""
    own = image["Config"].get("WorkingDir") or "/"
    if _is_plain(spec) or own == "/" or spec.workdir != "/workspace":
        return spec
    return spec.model_copy(update={"workdir": own})


def _user(spec: SandboxSpec, image: Mapping[str, Any]) -> str:
    if _is_plain(spec):
        return "1000:1000"
    return image["Config"].get("User") or "0:0"


def _check_supported(spec: SandboxSpec) -> None:
    check_services(spec)
    for path in (*spec.layers, *(mount.source for mount in spec.mounts), *filter(None, [spec.build_context])):
        if not Path(path).exists():
            raise UnsupportedSpec(f"{path} does not exist; the sandbox can not be made of it")
    if not spec.workdir.startswith("/") or spec.workdir.strip("/") in ("", "usr", "etc", "proc", "dev", "tmp"):
        raise UnsupportedSpec(f"workdir {spec.workdir!r} must be an absolute path of a folder of its own")


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, (requests.exceptions.ConnectionError, requests.exceptions.Timeout)):
        return True
    if isinstance(error, docker.errors.APIError):
        words = str(error.explanation or error).lower()
        return bool(error.status_code and error.status_code >= 500) and any(word in words for word in _TRANSIENT)
    return isinstance(error, urllib3.exceptions.ProtocolError)


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:200]
