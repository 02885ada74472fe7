"""Images as folders: their files unpacked once, by image id, to be the lower part of every sandbox's root.

CACHE/images/roots/ID/root        the files, never written to
CACHE/images/roots/ID/image.json  what the image says of itself; its time is that of the last use
CACHE/images/roots/ID.lock        held together by those who use it, alone by who makes or removes it
CACHE/images/roots/names.json     which id a name had last: for when no daemon answers
CACHE/images/archives/*.tar       where images are looked for that no daemon has (`docker save`)
"""

import contextlib
import fcntl
import io
import json
import os
import shutil
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from environments._docker_images import tree_digest
from environments._image_archive import ArchivedImage, find_archived
from environments._image_root import ImageRoot
from environments._image_user import ImageUser, give_to, user_of
from environments._owner import is_alive, owner_mark
from environments._tar import add_bytes, add_folder
from environments._unpack import Unpacker
from environments.errors import BackendUnavailable, EnvironmentBuildFailed, EnvironmentFault, UnsupportedSpec
from environments.spec import SandboxSpec

if TYPE_CHECKING:
    from environments._docker_export import DockerImages

UNUSED_DAYS = 30.0
MOST_BYTES = 50 << 30
_NEW, _GONE = ".new-", ".gone-"
# Mounted over in every sandbox, and made by whoever runs an image: what an archive has of them is somebody else's.
_EMPTIED = ("dev", "proc", "sys")
_FILES = ("etc/hosts", "etc/hostname", "etc/resolv.conf")
_REMOVED = (".wh..dockerenv", "run/.wh..containerenv")

Layer = tuple[IO[bytes], bool]  # a tar, and whether it may hold whiteouts
Layers = Callable[[], contextlib.AbstractContextManager[Iterator[Layer]]]


class ImageRoots:
    """The images of one cache. Every call may block for as long as an image takes to build and unpack.

    `docker`: what to ask for images first; it is called when the first image is wanted.
    """

    def __init__(self, cache: Path, docker: "Callable[[], DockerImages]") -> None:
        self._folder = cache / "images" / "roots"
        self._archives = cache / "images" / "archives"
        self._open_docker = docker
        self._docker: DockerImages | None = None
        self._lock = threading.Lock()
        self._images: dict[str, ImageRoot] = {}  # by name, of this process
        self._held: dict[str, int] = {}  # by id: the lock that keeps others from removing it

    def known(self, spec: SandboxSpec) -> ImageRoot | None:
        """Without any waiting: an image that this process has used already. A build is looked at anew each time."""
        return self._images.get(_name(spec)) if spec.build_context is None else None

    def of(self, spec: SandboxSpec) -> ImageRoot:
        """The image that a spec names, or whose build context it has.

        Raises UnsupportedSpec where nobody has it, EnvironmentBuildFailed where it cannot be built or unpacked.
        """
        with self._lock:
            name = _name(spec)
            id_, layers, config = self._found(spec, name)
            image = self._made(id_, layers, config)
            self._images[name] = image
            return image

    def sweep(self, *, unused_days: float = UNUSED_DAYS, most_bytes: int = MOST_BYTES) -> int:
        """Remove what dead processes left half-made, and images that nobody uses now: those that nobody has used for
        so long, and the least lately used where all together are too large. Returns how many.
        """
        if not self._folder.is_dir():
            return 0
        count = 0
        for prefix in (_NEW, _GONE):
            for path in self._folder.glob(f"{prefix}*"):
                if not is_alive(path.name.removeprefix(prefix).partition(".")[0]):
                    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
                    count += 1
        used = []
        for file in self._folder.glob("*/image.json"):
            with contextlib.suppress(FileNotFoundError):
                used.append((file.stat().st_mtime, int(_json(file).get("bytes", 0)), file.parent))
        total, now = sum(size for _, size, _ in used), time.time()
        for last, size, place in sorted(used):
            if (now - last > unused_days * 86400 or total > most_bytes) and self._remove(place):
                total -= size
                count += 1
        return count

    def close(self) -> None:
        """Others may remove the images from now on."""
        with self._lock:
            for fd in self._held.values():
                os.close(fd)
            self._held.clear()
            self._images.clear()

    # ------------------------------------------------------------ where an image is

    def _found(self, spec: SandboxSpec, name: str) -> tuple[str, Layers | None, dict[str, Any]]:
        """Its id, what gives its layers and its settings; neither where it is unpacked already and nobody else has it.

        A daemon is asked first, for a name may come to mean another image there.
        """
        try:
            described = self._daemon().described(spec)
        except (BackendUnavailable, EnvironmentFault) as error:
            if isinstance(error, EnvironmentBuildFailed):
                raise
            archived = None if spec.build_context or not spec.image else find_archived(self._archives, spec.image)
            if archived is not None:
                self._remember(name, archived.id)
                return archived.id, lambda: _layers_of(archived), archived.config.get("config") or {}
            known = self._names().get(name, "")
            if known and not isinstance(error, UnsupportedSpec) and (self._place(known) / "image.json").is_file():
                return known, None, {}
            raise UnsupportedSpec(
                f"{spec.image or spec.build_context}: bubblewrap runs an image that Docker has, that an archive in "
                f"{self._archives} holds (docker save --output FILE.tar IMAGE), or that it has run before; "
                f"none does: {error}"
            ) from error
        self._remember(name, described["Id"])
        return described["Id"], lambda: self._exported(described["Id"]), described.get("Config") or {}

    def _daemon(self) -> "DockerImages":
        if self._docker is None:
            self._docker = self._open_docker()
        return self._docker

    @contextmanager
    def _exported(self, image: str) -> Iterator[Iterator[Layer]]:
        with self._daemon().exported(image) as tar:
            yield iter([(tar, False)])

    def _names(self) -> dict[str, str]:
        return _json(self._folder / "names.json")

    def _remember(self, name: str, image: str) -> None:
        names = self._names()
        if names.get(name) != image:
            self._make_folder()
            _write(self._folder / "names.json", {**names, name: image})

    # ------------------------------------------------------------ the folder of an image

    def _place(self, image: str) -> Path:
        return self._folder / image.removeprefix("sha256:")

    def _made(self, image: str, layers: Layers | None, config: dict[str, Any]) -> ImageRoot:
        place = self._place(image)
        told = place / "image.json"
        if image not in self._held:
            self._make_folder()
            fd = os.open(f"{place}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_SH)
                while not told.is_file():
                    fcntl.flock(fd, fcntl.LOCK_EX)
                    if not told.is_file():  # else another process was quicker
                        if layers is None:
                            raise UnsupportedSpec(f"the files of {image} are removed meanwhile; Docker must run again")
                        self._unpack(image, layers, config)
                    fcntl.flock(fd, fcntl.LOCK_SH)
            except BaseException:
                os.close(fd)
                raise
            self._held[image] = fd
        os.utime(told)
        read = _json(told)
        return ImageRoot(image, place / "root", read["env"], read["workdir"], ImageUser(**read["user"]))

    def _unpack(self, image: str, layers: Layers, config: dict[str, Any]) -> None:
        """Whole or not at all: the folder gets its name when all is in it."""
        new = Path(tempfile.mkdtemp(prefix=f"{_NEW}{owner_mark()}.", dir=self._folder))
        try:
            root = new / "root"
            root.mkdir()
            with layers() as tars, Unpacker(os.fspath(root)) as unpacker:
                for tar, has_whiteouts in tars:
                    unpacker.add(tar, has_whiteouts=has_whiteouts)
                unpacker.add(_tidying(), has_whiteouts=True)
                size = unpacker.bytes_written
            user = user_of(root, str(config.get("User") or ""))
            give_to(root, user)
            env = dict(each.split("=", 1) for each in config.get("Env") or () if "=" in each)
            told = {"id": image, "env": env, "workdir": config.get("WorkingDir") or "/", "bytes": size}
            _write(new / "image.json", {**told, "user": asdict(user)})
            new.rename(self._place(image))
        except BaseException:
            shutil.rmtree(new, ignore_errors=True)
            raise

    def _remove(self, place: Path) -> bool:
        """False where somebody uses it."""
        fd = os.open(f"{place}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            gone = self._folder / f"{_GONE}{owner_mark()}.{place.name[:16]}"
            place.rename(gone)  # at once: nobody finds half of it
            shutil.rmtree(gone, ignore_errors=True)
        except (BlockingIOError, FileNotFoundError):
            return False
        finally:
            os.close(fd)
        return True

    def _make_folder(self) -> None:
        """Only for us: files of an image may be anybody's, and hold anything."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)


def _name(spec: SandboxSpec) -> str:
    """What an image is remembered by; a build by all that its context holds."""
    if spec.build_context is None:
        return f"image {spec.image}"
    if not (spec.build_context / "Dockerfile").is_file():
        raise UnsupportedSpec(f"{spec.build_context} has no Dockerfile; docker can not build it")
    return f"build {tree_digest(spec.build_context)}"


@contextmanager
def _layers_of(archived: ArchivedImage) -> Iterator[Iterator[Layer]]:
    with archived.opened() as tars:
        yield ((tar, True) for tar in tars)


def _tidying() -> IO[bytes]:
    """A last layer: of what every sandbox has of its own, places to show it at and nothing else."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name in (*(f"{folder}/.wh..wh..opq" for folder in _EMPTIED), *_REMOVED):
            tar.addfile(tarfile.TarInfo(name))
        for name in (*_EMPTIED, "tmp"):
            add_folder(tar, name, uid=0)
        for name in _FILES:
            add_bytes(tar, name, b"", uid=0, mode=0o644)
    data.seek(0)
    return data


def _json(file: Path) -> dict[str, Any]:
    """Empty where there is none."""
    try:
        found: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    return found


def _write(file: Path, what: dict[str, Any]) -> None:
    new = file.with_name(f"{_NEW}{owner_mark()}.{file.name}")
    new.write_text(json.dumps(what))
    new.replace(file)
