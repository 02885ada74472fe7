"""Python functions beside a template: `world.py:make_world`.

A family's modules are imported as what they are, `tasks.families.NAME.world`. Others become modules of a package of
their own folder: `from .names import X` and `from names import X` both find `names.py` beside them.
"""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from tasks.templates.rendering import Fault

_FAMILIES = Path(__file__).resolve().parents[1] / "families"


def load_function(folder: Path, spec: str) -> Callable[..., Any]:
    """The function `FILE.py:NAME` of a folder. Raises Fault."""
    path, _, name = spec.partition(":")
    file = (folder / path).resolve()
    if not file.is_file():
        raise Fault(f"there is no file {file}")
    module = _load(file)
    found = getattr(module, name, None)
    if not callable(found):
        names = sorted(each for each, value in vars(module).items() if inspect.isfunction(value) and each[0] != "_")
        raise Fault(f"{path} has no function {name!r}; it has: {', '.join(names) or 'none'}")
    function: Callable[..., Any] = found
    return function


def takes(function: Callable[..., Any], given: set[str], earlier: set[str]) -> set[str]:
    """Which earlier parameters a function's signature names. Raises Fault where it cannot be called."""
    parameters = list(inspect.signature(function).parameters.values())
    name = getattr(function, "__name__", "the function")
    if not parameters or parameters[0].kind == inspect.Parameter.KEYWORD_ONLY:
        raise Fault(f"{name} must take a random.Random as its first argument")
    others = {each.name: each for each in parameters[1:]}
    takes_any = any(each.kind == inspect.Parameter.VAR_KEYWORD for each in parameters)
    if not takes_any and (unknown := given - set(others)):
        raise Fault(f"{name} takes no argument {sorted(unknown)[0]!r}; it takes: {', '.join(others) or 'none'}")
    wanted = {each for each in others if each in earlier} - given
    missing = [
        each.name
        for each in others.values()
        if each.default is inspect.Parameter.empty
        and each.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        and each.name not in given | wanted
    ]
    if missing:
        what = f"{name} needs {missing[0]!r}: give it under `arguments`, or as an earlier parameter of this name"
        raise Fault(what, name=missing[0])
    return wanted


def explain(error: Exception, folder: Path) -> str:
    """The error, and the last line beside the template that it came through."""
    at = _place_in(error.__traceback__, folder)
    return f"{type(error).__name__}: {error}" + (f" (at {at})" if at else "")


def _place_in(trace: TracebackType | None, folder: Path) -> str:
    found = ""
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.is_relative_to(folder):
            found = f"{file.name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


def _load(file: Path) -> ModuleType:
    name = _module_name(file)
    if (known := sys.modules.get(name)) is not None and not name.startswith("_gristmill_template_"):
        return known
    try:
        if not name.startswith("_gristmill_template_"):
            return importlib.import_module(name)
        with _beside(file.parent):
            return _load_file(file, name)
    except Exception as error:
        line = error.lineno if isinstance(error, SyntaxError) and error.filename == str(file) else None
        at = f" (at {file.name}:{line})" if line else ""
        raise Fault(f"{file.name} cannot be imported: {explain(error, file.parent)}{at}") from error


def _module_name(file: Path) -> str:
    if file.is_relative_to(_FAMILIES):
        parts = file.relative_to(_FAMILIES.parents[1]).with_suffix("").parts
        if all(part.isidentifier() for part in parts):
            return ".".join(parts)
    return f"_gristmill_template_{sha256(str(file.parent).encode()).hexdigest()[:12]}.{file.stem}"


def _load_file(file: Path, name: str) -> ModuleType:
    package = name.rpartition(".")[0]
    if package not in sys.modules:
        folder = ModuleType(package)
        folder.__path__ = [str(file.parent)]
        sys.modules[package] = folder
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look for their module there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _beside(folder: Path) -> Iterator[None]:
    """Modules of the folder can be imported by their plain names, and are forgotten: another folder has others."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).parent == folder and "." not in name:
                del sys.modules[name]
