"""The program that keeps a rollout's bash (`_inside/`), as it is sent into a sandbox: compiled, and its text.

Compiling it there took as long as Python's own start. Compiled code is for one version of Python alone: where the
sandbox has another one than we have, it compiles the text.
"""

import __future__

import marshal
from functools import cache
from importlib.resources import files
from importlib.util import MAGIC_NUMBER
from types import CodeType
from typing import Any

from agents.tools._inside import MODULES

# Imports nothing that is not there at Python's start. Reads exactly its own part of the input; the rest are requests.
BOOT = """
import marshal, posix, sys
def take():
    size, data = 12, b""
    while len(data) < size:
        part = posix.read(0, size - len(data))
        if not part:
            raise SystemExit("stdin ended early")
        data += part
        if size == 12 and len(data) == 12:
            size, data = int(data), b""
    return data
magic, modules = marshal.loads(take())
codes, texts = take(), marshal.loads(take())
if sys.modules["_frozen_importlib_external"].MAGIC_NUMBER == magic:
    codes = marshal.loads(codes)
else:
    codes = [compile(text, name, "exec") for name, text in zip(modules, texts)]
for name, code in zip(modules, codes):
    module = sys.modules[name] = type(sys)(name)
    exec(code, module.__dict__)
module.main()
"""
_ANNOTATIONS = "from __future__ import annotations\n"
_VERSION = 2  # of marshal's format, which every Python 3 reads


@cache
def shell_program() -> bytes:
    """What BOOT reads."""
    folder = files("agents.tools._inside")
    names = [f"agents.tools._inside.{name}" for name in MODULES]
    texts = [(folder / f"{name}.py").read_text("utf-8") for name in MODULES]
    codes = [_compiled(name, text) for name, text in zip(names, texts, strict=True)]
    # Who has our version of Python reads our version of this format as well, in which names stand once.
    return message((MAGIC_NUMBER, names)) + _sized(marshal.dumps(codes)) + message(texts)


def _compiled(name: str, text: str) -> CodeType:
    """Without docstrings; the import that only says how annotations are meant is a file to read, and left out."""
    flag = __future__.annotations.compiler_flag
    code = compile(text.replace(_ANNOTATIONS, "", 1), name, "exec", flags=flag, dont_inherit=True, optimize=2)
    assert isinstance(code, CodeType)
    return code


def message(content: Any) -> bytes:
    """A length in 12 digits, then marshal's bytes."""
    return _sized(marshal.dumps(content, _VERSION))


def _sized(data: bytes) -> bytes:
    return b"%012d" % len(data) + data
