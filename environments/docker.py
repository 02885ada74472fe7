"""Sandboxes in containers, by the Docker SDK (Podman's socket speaks the same API). Nothing else here imports docker.

The daemon gives way when many containers start at the same time, so the operations that change
containers share a few threads, apart from the commands that run in them.
"""

import asyncio
import contextlib
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
from environments._docker_kept import shared_containers
from environments._docker_kept_sandbox import KeptSandbox
from environments._docker_sandbox import DockerSandbox
from environments._docker_shell import PROCESSES, PROGRAM, WRITE_HOSTS, FirstShell
from environments._owner import boot_id, is_alive
from environments._services import check_services
from environments.errors import (
    BackendAway,
    BackendUnavailable,
    DaemonAway,
    EnvironmentFault,
    SandboxGone,
    UnsupportedSpec,
)
from environments.spec import SandboxSpec

SANDBOX_LABEL = "gristmill.sandbox"
_LIFECYCLE_OPERATIONS = 6
_COMMANDS = 64
_CALL_TIMEOUT_SEC = 120
_AWAY_SEC = 60.0  # a daemon that is restarted takes 5 to 20 s
_LAUNCH_END_SEC = 10.0
_GONE_AWAY_SEC = 1.0
_TRIES = 5
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
    f"{WRITE_HOSTS}; "
    "now() { read -r up _ </proc/uptime; up=${up%.*}; }; now; end=$((up + $1)); "
    "while left=$((end - up)); [ $left -gt 0 ]; do sleep $left & wait $!; now; done"
)


class Daemon:
    """The few calls that we make, with the daemon's errors told in our words.

    `away_sec`: how long a daemon that is away is waited for. `left`: containers that could not be removed meanwhile.
    """

    def __init__(self, url: str | None, away_sec: float) -> None:
        self._url = url
        self._api: Any = None
        self.away_sec = away_sec
        self.left: set[str] = set()
        self.pristine = PristineFiles()
        self.not_found = docker.errors.NotFound
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

    def retried(self, function: Callable[[], T], *, away_sec: float | None = None) -> T:
        """`away_sec`: another patience with a daemon that is away than the usual one."""
        patience = self.away_sec if away_sec is None else away_sec

        def is_enough(state: tenacity.RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome else None
            if isinstance(error, (requests.exceptions.ConnectionError, DaemonAway)):
                return (state.seconds_since_start or 0.0) >= patience
            return state.attempt_number >= _TRIES

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_is_transient),
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=5),
            stop=is_enough,
            reraise=True,
        )
        return self.told(lambda: retrying(function))

    def told(self, function: Callable[[], T]) -> T:
        """Call it; raises SandboxGone for what is no longer there, DaemonAway, EnvironmentFault for other refusals."""
        try:
            return function()
        except docker.errors.NotFound as error:
            raise SandboxGone(f"docker: {error.explanation or error}") from error
        except docker.errors.APIError as error:
            if any(words in str(error.explanation) for words in _GONE):
                raise SandboxGone(f"docker: {error.explanation}") from error
            raise EnvironmentFault(f"docker: {error.explanation or error}") from error
        except requests.exceptions.ConnectionError as error:
            raise DaemonAway(f"docker: no daemon answers: {error}") from error
        except (requests.exceptions.RequestException, docker.errors.DockerException) as error:
            raise EnvironmentFault(f"docker: the daemon could not be spoken to: {error}") from error

    def remove(self, container: str) -> None:
        """Kill and remove at once, without the grace that `stop` gives. No error if it is gone.

        While the daemon is away it is remembered, and removed when the daemon is spoken to again: what the sandbox
        was for has ended, and is not lost to it.
        """

        def removed() -> None:
            try:
                self.api.remove_container(container, force=True, v=True)
            except docker.errors.NotFound:
                return
            except docker.errors.APIError as error:
                if error.status_code != 409:
                    raise  # 409: a removal is under way already
                self._wait_until_gone(container)

        try:
            self.retried(removed, away_sec=_GONE_AWAY_SEC)
        except DaemonAway:
            self.left.add(container)
        else:
            self.left.discard(container)

    def is_removed(self, container: str, within_sec: float) -> bool:
        """Whether a container that is ending by itself has been removed; to kill it would cost one process more."""
        try:
            self.api.wait(container, timeout=within_sec, condition="removed")
        except docker.errors.NotFound:
            return True
        except (docker.errors.APIError, requests.exceptions.RequestException):
            return False
        return True

    def remove_left(self) -> int:
        """What could not be removed while the daemon was away; returns how many are gone now."""
        before = set(self.left)
        for container in before:
            self.remove(container)
        return len(before - self.left)

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
    """Starts sandboxes in containers: in one that is kept for their image where that can be, else in one each.

    `url`: the daemon's or Podman's socket (default: Docker's own); `base_image`: a tag to use for
    specs without an image (default: made by debootstrap, once); `cache`: folder for its files; `away_sec`: how
    long a daemon that goes away is waited for; `keep_containers`: whether any is kept at all.
    """

    name = "docker"

    def __init__(
        self,
        url: str | None = None,
        base_image: str | None = None,
        cache: Path | None = None,
        away_sec: float = _AWAY_SEC,
        *,
        keep_containers: bool = True,
    ) -> None:
        self._url = url
        self._daemon = Daemon(url, away_sec)
        self._images = Images(self._daemon, base_image, cache or Path.home() / ".cache/gristmill")
        self._kept = shared_containers(self._daemon, url) if keep_containers else None

    def missing(self) -> list[str]:
        try:
            self._daemon.api.ping()
        except (BackendUnavailable, docker.errors.DockerException, requests.exceptions.RequestException) as error:
            if self._url is None and shutil.which("dockerd") is None:
                return ["Docker is not installed: apt-get install docker.io"]
            return [f"no Docker daemon answers ({_first_line(error)}): systemctl start docker, or as root: dockerd &"]
        return self._images.missing()

    def unkept(self) -> str:
        """Why each sandbox has a container of its own; empty where those of an image share one that is kept."""
        return self._kept.problem() if self._kept is not None else "keeping them is switched off"

    async def base_image(self) -> str:
        """The tag of the base image, made if need be (about a minute, once)."""
        return await self._daemon.change(self._images.base)

    async def image_of(self, spec: SandboxSpec) -> str:
        """The tag of the image that a sandbox of this spec runs on, made if need be."""
        return await self._daemon.change(lambda: self._images.of(spec))

    async def start(self, spec: SandboxSpec) -> DockerSandbox | KeptSandbox:
        _check_supported(spec)
        _ = self._daemon.api
        name = uuid.uuid4().hex[:12]
        container = _container_name(name)
        files: IO[bytes] | None = None
        launching: asyncio.Future[Any] | None = None
        try:
            if self._daemon.left:
                await self._daemon.change(self._daemon.remove_left)
            if (found := self._images.known(spec)) is None:
                found = await self._daemon.change(lambda: self._images.found(spec))
            image, info = found
            spec = _with_workdir_of(spec, info)
            user = _user(spec, info)
            if self._kept is not None and not self._kept.problem_of(spec, info, user):
                with contextlib.suppress(BackendUnavailable, UnsupportedSpec):
                    return await self._kept.start(name, spec, info, user, is_plain=_is_plain(spec))
            launching = asyncio.ensure_future(self._daemon.change(lambda: self._launch(name, image, spec, user)))
            if _is_plain(spec):
                files = await self._daemon.call(lambda: DockerSandbox.pack(spec))
            holder = await asyncio.shield(launching)
        except BaseException as error:
            if launching is not None:  # its thread goes on: what it made after the removal would stay
                await asyncio.wait([launching], timeout=_LAUNCH_END_SEC)
                await asyncio.shield(self._daemon.change(lambda: self._daemon.remove(container)))
            if isinstance(error, DaemonAway):
                raise BackendAway(
                    f"no Docker daemon answered for {self._daemon.away_sec:g} s: start it (systemctl start docker, or "
                    "as root: dockerd &), and the same command goes on where it was"
                ) from error
            raise
        shell = None if holder is None else FirstShell(holder, name)
        sandbox = DockerSandbox(name, container, spec, image, self._daemon, user, files, shell)
        try:
            await sandbox.start_services()
        except BaseException:
            await asyncio.shield(sandbox.stop())
            raise
        return sandbox

    def _launch(self, name: str, image: str, spec: SandboxSpec, user: str) -> Any:
        """What keeps the connection to its first process, where that is the shell of its commands."""
        container = _container_name(name)
        api = self._daemon.api
        api.create_container_from_config(self._config(name, image, spec, user), container)
        if not _is_plain(spec):
            DockerSandbox.fill(api, container, spec)
        streams = dict.fromkeys(("stream", "stdin", "stdout", "stderr"), 1)
        holder = api.attach_socket(container, streams) if _is_root(user) else None
        api.start(container)
        return holder

    def _config(self, name: str, image: str, spec: SandboxSpec, user: str) -> dict[str, Any]:
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
            "PidsLimit": limits.pids + PROCESSES,
            "ShmSize": limits.disk_mb << 20,
            "Ulimits": [{"Name": "fsize", "Soft": limits.disk_mb << 20, "Hard": limits.disk_mb << 20}],
            "Tmpfs": tmpfs,
            "Binds": [f"{mount.source}:{mount.target}:rw" for mount in spec.mounts if not mount.read_only],
            "LogConfig": {"Type": "none"},
        }
        if _is_root(user):
            names = ("AttachStdin", "AttachStdout", "AttachStderr", "OpenStdin", "StdinOnce")
            first = {"User": user, "Entrypoint": ["/bin/sh", "-c", PROGRAM], "Cmd": None, **dict.fromkeys(names, True)}
        else:
            lifetime = str(max(1, round(limits.lifetime_sec)))
            first = {"User": "0", "Entrypoint": ["/bin/sh", "-c", _FIRST_PROCESS, "sh"], "Cmd": [lifetime]}
        return {
            **first,
            "Image": image,
            "Hostname": "sandbox",
            # A loopback of its own, as network mode "none" gives; by that the daemon would start itself once more to
            # hand it over, which took two thirds of a start. What it would write to /etc/hosts we do (WRITE_HOSTS).
            "NetworkDisabled": not spec.network,
            "WorkingDir": "/",
            "Labels": {SANDBOX_LABEL: name, OWNER_LABEL: owner_label()},
            "HostConfig": host,
        }

    def close(self) -> None:
        """End the containers that are kept, of this process's other backends too, but for those that are in use."""
        if self._kept is not None:
            self._kept.close()

    async def sweep(self) -> int:
        groups = await asyncio.to_thread(self._kept.sweep) if self._kept is not None else 0
        return groups + await self._daemon.change(self._sweep)

    def _sweep(self) -> int:
        count = self._daemon.remove_left()
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


def _is_root(user: str) -> bool:
    """Whether commands run as the first process's user, so that it may be their shell."""
    return user in ("0", "root", "0:0", "root:root", "0:root", "root:0")


def _check_supported(spec: SandboxSpec) -> None:
    check_services(spec)
    for path in (*spec.layers, *(mount.source for mount in spec.mounts), *filter(None, [spec.build_context])):
        if not Path(path).exists():
            raise UnsupportedSpec(f"{path} does not exist; the sandbox can not be made of it")
    if not spec.workdir.startswith("/") or spec.workdir.strip("/") in ("", "usr", "etc", "proc", "dev", "tmp"):
        raise UnsupportedSpec(f"workdir {spec.workdir!r} must be an absolute path of a folder of its own")


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, (requests.exceptions.ConnectionError, requests.exceptions.Timeout, DaemonAway)):
        return True
    if isinstance(error, docker.errors.APIError):
        words = str(error.explanation or error).lower()
        return bool(error.status_code and error.status_code >= 500) and any(word in words for word in _TRANSIENT)
    return isinstance(error, urllib3.exceptions.ProtocolError)


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0][:200]
