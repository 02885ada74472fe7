"""A disk of a few megabytes, which can be filled to its last byte and emptied again. Needs root."""

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

CHUNK = b"\0" * (1 << 16)


@dataclass(frozen=True)
class SmallDisk:
    path: Path

    def fill(self) -> None:
        """As somebody else on the machine would."""
        with (self.path / "ballast").open("ab", buffering=0) as file:
            for chunk in (CHUNK, CHUNK[:4096]):
                try:
                    while True:
                        file.write(chunk)
                except OSError as error:
                    assert error.errno == errno.ENOSPC

    def make_room(self) -> None:
        (self.path / "ballast").unlink()


@contextlib.contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mounted at `path` for the block."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "gristmill-test", str(path)]
    if (done := subprocess.run(mount, capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
