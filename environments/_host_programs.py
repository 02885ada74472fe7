"""This machine's Python and bwrap for use in a container whose image may have neither: what to mount, how to call them.

They are started by this machine's own dynamic loader with this machine's libraries, so nothing of the image is asked.
"""

import os
import re
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_MODULES = ("_ctypes", "_socket", "_struct", "_json", "array", "fcntl", "select", "math", "zlib", "_bz2", "_lzma")
_TIMEOUT_SEC = 20


@dataclass(frozen=True)
class HostPrograms:
    """`folders`: to be mounted below `root` of the container under their own names. The others: beginnings of argv."""

    folders: tuple[str, ...]
    python: tuple[str, ...]
    bwrap: tuple[str, ...]


@cache
def host_programs(bwrap: str, root: str) -> HostPrograms:
    """Raises OSError where they are not of a kind that can be called so."""
    python = os.path.realpath(sys.executable)
    dynamic = [Path(sysconfig.get_path("stdlib"), "lib-dynload", f"{name}{_suffix()}") for name in _MODULES]
    loader = _loader(python)
    libraries = {
        program: _libraries(program, modules) for program, modules in ((python, dynamic), (bwrap, list[Path]()))
    }
    folders = {_mounted(path) for path in (python, loader, os.path.realpath(bwrap), sysconfig.get_path("stdlib"))}
    folders |= {_mounted(folder) for each in libraries.values() for folder in each}

    def words(program: str) -> tuple[str, ...]:
        path = ":".join(root + folder for folder in libraries[program])
        return (root + loader, "--inhibit-cache", "--library-path", path, root + os.path.realpath(program))

    return HostPrograms(tuple(sorted(folders)), (*words(python), "-I", "-S", "-B"), words(bwrap))


def _mounted(path: str) -> str:
    """The folder that a path comes with."""
    for folder in ("/usr", os.path.realpath(sys.base_prefix)):
        if path.startswith(f"{folder}/"):
            return folder
    return path if Path(path).is_dir() else os.fspath(Path(path).parent)


def _libraries(program: str, modules: list[Path]) -> list[str]:
    """Folders of what a program is linked against, in the order in which it is found."""
    files = [program, *(os.fspath(path) for path in modules if path.is_file())]
    done = subprocess.run(
        ["ldd", *files], capture_output=True, text=True, timeout=_TIMEOUT_SEC, check=False, env={"PATH": os.defpath}
    )
    found = re.findall(r"=> (/\S+)", done.stdout)
    return list(dict.fromkeys(os.path.realpath(Path(path).parent) for path in found))


def _loader(program: str) -> str:
    """The program interpreter that an ELF file names (PT_INTERP)."""
    with open(program, "rb") as file:
        head = file.read(1 << 12)
    found = re.search(rb"(/[\w./+-]*/ld[\w.+-]*\.so[\w.]*)\0", head) if head.startswith(b"\x7fELF") else None
    if found is None:
        raise OSError(0, "no program with a dynamic loader", program)
    return os.path.realpath(found[1].decode())


def _suffix() -> str:
    return str(sysconfig.get_config_var("EXT_SUFFIX"))
