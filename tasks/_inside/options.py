"""The repository's own pytest options, and the plugins of the environment."""

# os.path needs no import that costs time.
from __future__ import annotations

import os
import re
import shlex
import sys
from typing import Any

_DROPPED_OPTIONS = re.compile(
    r"^(--(no-)?cov($|[-=].*)|-n\d*|--numprocesses.*|--dist.*|--maxprocesses.*|-x|--exitfirst|--maxfail.*"
    r"|-[qv]+|--quiet|--verbose|--verbosity.*|--durations.*|--junit-?xml.*|--junit-prefix.*|--html.*|--self-contained-html"
    r"|--tb.*|--color.*|-r\w+|--ff|--failed-first|--lf|--last-failed|--nf|--new-first|--sw|--stepwise.*|--pdb|--showlocals"
    r"|-l|--random-order.*|--randomly.*|--reruns.*|--looponfail|-f|--no-header|--no-summary|--cache.*)$"
)
_OPTIONS_WITH_VALUE = frozenset(
    {"-n", "--numprocesses", "--dist", "--maxfail", "--cov-report", "--cov-config", "--cov-fail-under", "--cov-context"}
    | {
        "--durations",
        "--durations-min",
        "--junitxml",
        "--junit-xml",
        "--html",
        "--tb",
        "--color",
        "--verbosity",
        "--reruns",
    }
)


def own_options(workdir: str) -> list[str]:
    """`addopts` of the repository without those that only steer coverage, parallelism, order or printing."""
    options, kept, skip_next = _addopts(workdir), [], False
    for at, option in enumerate(options):
        if skip_next:
            skip_next = False
        elif _DROPPED_OPTIONS.match(option):
            skip_next = option in _OPTIONS_WITH_VALUE
        elif option == "-p" and at + 1 < len(options) and options[at + 1] in ("xdist", "pytest_cov", "randomly"):
            skip_next = True
        else:
            kept.append(option)
    return kept


def _addopts(workdir: str) -> list[str]:
    """From the first file that pytest itself would take."""
    import configparser

    for name, section in (("pytest.toml", "pytest"), (".pytest.toml", "pytest"), ("pytest.ini", "pytest"),
                          (".pytest.ini", "pytest"), ("pyproject.toml", ""), ("tox.ini", "pytest"),
                          ("setup.cfg", "tool:pytest")):  # fmt: skip
        path = os.path.join(workdir, name)
        if not os.path.isfile(path):
            continue
        if name.endswith(".toml"):
            tables = _toml_tables(path, name)
            if tables is None:
                continue
            value = tables.get("addopts", "")
            return [str(each) for each in value] if isinstance(value, list) else shlex.split(value)
        parser = configparser.RawConfigParser(strict=False, delimiters=("=", ":"))
        with open(path, encoding="utf-8") as file:
            parser.read_string(file.read())
        if parser.has_section(section):
            return shlex.split(parser.get(section, "addopts", fallback=""), comments=True)
        if name in ("pytest.ini", ".pytest.ini"):
            return []
    return []


def _toml_module() -> Any:
    try:
        import tomllib as toml
    except ImportError:
        import tomli as toml  # type: ignore
    return toml


def _toml_tables(path: str, name: str) -> dict[str, Any] | None:
    with open(path, "rb") as file:
        document = _toml_module().load(file)
    if name != "pyproject.toml":
        return document.get("pytest", {})  # type: ignore[no-any-return, unused-ignore]
    tool = document.get("tool", {}).get("pytest")
    if tool is None:
        return None
    return tool.get("ini_options", tool)  # type: ignore[no-any-return, unused-ignore]


_LEFT_OUT = frozenset({"randomly", "random_order", "random-order", "sugar", "pytest_sugar", "xdist.looponfail"})


def plugin_names() -> list[str]:
    """pytest plugins of the environment, never of the working directory; not those that change order or looks."""
    return sorted(set(_plugins()) - _LEFT_OUT)


_known_plugins: dict[str, str] = {}  # found once, by the process that the others are forked from


def _plugins() -> dict[str, str]:
    """Entry point's name -> module, of the distributions in the environment's own folder."""
    if not _known_plugins:
        _known_plugins.update(_find_plugins())
    return _known_plugins


def _find_plugins() -> dict[str, str]:
    from importlib import metadata

    folders = [path for path in sys.path if "site-packages" in path]
    return {entry.name: entry.value.split(":")[0].strip() for dist in metadata.distributions(path=folders)
            for entry in dist.entry_points if entry.group == "pytest11"}  # fmt: skip


def import_what_each_worker_needs() -> None:
    """pytest's own plugins, and what reads its settings: imported once, not by each worker."""
    import importlib

    from _pytest import config

    _toml_module()
    for name in getattr(config, "default_plugins", ()):
        importlib.import_module(f"_pytest.{name}")


def import_plugins() -> None:
    """Import the environment's plugins while nothing of the repository is on sys.path."""
    import importlib

    for name, module in sorted(_plugins().items()):
        if name in _LEFT_OUT:
            continue
        try:
            importlib.import_module(module)
        except ImportError:
            continue  # the repository's own plugin, which is not there yet; pytest says so if it is another


def is_plugin_source(workdir: str) -> bool:
    """True where the repository is a pytest plugin itself: its hooks are what is tested."""
    names = {module.split(".")[0] for module in _plugins().values()}
    places = (workdir, os.path.join(workdir, "src"))
    return any(os.path.exists(os.path.join(place, name + end)) for place in places for name in names
               for end in ("", ".py"))  # fmt: skip
