"""The worker: imports the repository, runs pytest, reports. And the nursery, which forks workers."""

# os.path needs no import that costs time.
from __future__ import annotations

import collections
import ctypes
import gc
import json
import os
import shlex
import signal
import site
import sys
from collections.abc import Callable, Sequence
from typing import Any

from tasks._inside.alone import Alone
from tasks._inside.config_ahead import takes_config_ahead
from tasks._inside.contexts import Contexts, follow
from tasks._inside.contexts import mark_hooks as mark_hooks_of_contexts
from tasks._inside.fingerprint import Fingerprint
from tasks._inside.frames import Sender
from tasks._inside.imported import state_of
from tasks._inside.options import (
    import_plugins,
    import_what_each_worker_needs,
    is_plugin_source,
    own_options,
    plugin_names,
)
from tasks._inside.quick_sources import share_sources
from tasks._inside.reporter import Reporter, mark_hooks
from tasks._inside.stdlib_modules import import_all, know_their_files

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
READY = b"ready\n"


def pytest_arguments(config: dict[str, Any]) -> list[str]:
    """Options of pytest; this process becomes one that runs in the working directory, with the repository's paths."""
    workdir = config["workdir"]
    os.chdir(workdir)
    site.main()
    if workdir not in sys.path:
        sys.path.append(workdir)  # as `python -m pytest` does, but behind everything installed
    sys.argv = ["pytest"]
    if config.get("keeps_bytecode"):
        sys.dont_write_bytecode = False  # the interpreter was started with -B
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    plugins = plugin_names()
    arguments = ["-q", "--no-header", "--no-summary", "--color=no", "-p", "no:cacheprovider",
                 f"--tb={config.get('tracebacks', 'short')}",
                 f"--rootdir={workdir}", "--continue-on-collection-errors",
                 "-W", "ignore::pytest.PytestAssertRewriteWarning",
                 "-o", "addopts=" + shlex.join(own_options(workdir)),
                 *(part for name in plugins for part in ("-p", name))]  # fmt: skip
    if "hypothesispytest" in plugins:
        arguments.append("--hypothesis-seed=0")
    return arguments


def work(config: dict[str, Any], sender: Sender, fingerprint: Fingerprint) -> None:
    """Run pytest in this process, report, and leave without running anything that tests registered for exit."""
    import pytest

    arguments = pytest_arguments(config)
    if config.get("imports"):
        _tell_of_imports(config, sender)
    files = _files_to_collect(config)
    if files is not None:
        if not files:
            sender.send("collected", ids=[])
            sender.send("done", exit=5)
            os._exit(0)
        arguments += files
    coverage = _start_coverage(config)
    config["is_plugin"] = is_plugin_source(config["workdir"])
    is_alone = config.get("each_alone", False)
    contexts = Contexts(coverage, shares=not is_alone) if coverage is not None else None
    reporter = Reporter(config, sender, fingerprint, contexts)
    alone = Alone(coverage, reporter) if is_alone else None
    leave, getpid = os._exit, os.getpid
    plugins = [each for each in (reporter, contexts, alone) if each is not None]
    code = int(pytest.main(arguments, plugins=plugins))
    if getpid() != reporter.pid:
        leave(1)
    if alone is not None:
        _send_masks(alone.masks, sender, config["workdir"])
    elif contexts is not None:
        _send_masks(_masks(coverage, contexts), sender, config["workdir"])
    reporter.finish(code)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    leave(0)


def _tell_of_imports(config: dict[str, Any], sender: Sender) -> None:
    """Instead of tests; leaves."""
    leave = os._exit
    state = state_of(config["imports"], config["workdir"])
    sender.send("collected", ids=[])
    sender.send("state", **state)
    sender.send("done", exit=0)
    leave(0)


def _files_to_collect(config: dict[str, Any]) -> list[str] | None:
    """Existing files and folders of the wanted ids, in their order: an id that is gone must not stop the others."""
    if config["tests"] is None:
        return None
    paths = dict.fromkeys(test.split("::")[0] for test in config["tests"])
    return [path for path in paths if path and os.path.exists(path)]


def _start_coverage(config: dict[str, Any]) -> Any:
    if not config["coverage"]:
        return None
    os.environ["COVERAGE_CORE"] = "ctrace"  # the only core that keeps contexts apart on every Python
    import coverage

    roots = [os.path.join(config["workdir"], path) for path in config["coverage"]]
    patterns = [path for root in roots for path in (root, os.path.join(root, "*"))]
    recorder = coverage.Coverage(data_file=None, include=patterns, config_file=False, messages=False)
    recorder.start()
    return recorder


def _masks(coverage: Any, contexts: Contexts) -> dict[str, dict[str, int]]:
    """Of each file the lines that each test executed as a bit mask; NOBODY is import time."""
    coverage.stop()
    data = coverage.get_data()
    of_files: dict[str, dict[str, int]] = {}
    for path in sorted(data.measured_files()):
        masks: dict[str, int] = collections.defaultdict(int)
        for line, found in data.contexts_by_lineno(path).items():
            bit = 1 << line
            for context in found:
                masks[context] |= bit
        owned: dict[str, int] = collections.defaultdict(int)
        for context, mask in masks.items():
            for owner in contexts.owners(context):
                owned[owner] |= mask
        of_files[path] = owned
    return of_files


def _send_masks(masks: dict[str, dict[str, int]], sender: Sender, workdir: str) -> None:
    """One record a file."""
    for path, owned in masks.items():
        relative = os.path.relpath(path, workdir).replace(os.sep, "/")
        sender.send("lines", path=relative, masks={name: format(mask, "x") for name, mask in owned.items()})


def nurse(
    config: dict[str, Any], pipes: dict[str, int], own_modules: list[Any], start_warm: Callable[[Fingerprint], None]
) -> None:
    """Import pytest once, then fork a worker for each order; tell `ends` READY, then each worker's pid and wait status.

    `pipes`: descriptors of `orders` (read), `reports`, `output` and `ends` (write). `start_warm` is called once,
    when pytest is imported. An order may also be modules to import, which nothing is told of.
    """
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (pipes["output"], 1), (pipes["output"], 2)):
        os.dup2(source, target)
    sys.path[:0] = _site_packages()

    import pytest

    make_config = None
    if config.get("is_code_ours"):
        share_sources()
        make_config = takes_config_ahead()
    if config["coverage"]:
        import coverage  # noqa: F401

        follow()
    import_plugins()  # before the fingerprint: some of them put functions of theirs in pytest when they are imported
    mark_hooks(pytest)
    mark_hooks_of_contexts(pytest)
    fingerprint = Fingerprint(own_modules)
    import_what_each_worker_needs()
    if make_config is not None:
        make_config()
    _import_for_all(config.get("stdlib", ()))
    os.write(pipes["ends"], READY)
    start_warm(fingerprint)
    with os.fdopen(pipes["orders"], "rb") as orders:
        for line in orders:
            order = json.loads(line)
            if "stdlib" in order:
                _import_for_all(order["stdlib"])
                continue
            pid = os.fork()
            if pid == 0:
                os.setsid()
                orders.close()
                os.close(pipes["ends"])
                libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # tests may look at their own process
                work({**config, **order["config"]}, Sender(pipes["reports"], bytes.fromhex(order["key"])), fingerprint)
                os._exit(1)
            os.write(pipes["ends"], f"{pid}\n".encode())
            _, status = os.waitpid(pid, 0)
            kill_group(pid)
            os.write(pipes["ends"], f"{status}\n".encode())


def _import_for_all(names: Sequence[str]) -> None:
    """`names`: of modules of the standard library."""
    import_all(names)
    know_their_files()
    gc.collect()
    gc.freeze()  # pytest collects garbage at its end, several times: in a worker, then, only what came after


def _site_packages() -> list[str]:
    """Of the environment this interpreter belongs to, without running `.pth` files or sitecustomize yet."""
    prefix = os.path.dirname(os.path.dirname(sys.executable))
    folder = os.path.join(prefix, "lib", f"python{sys.version_info[0]}.{sys.version_info[1]}", "site-packages")
    return [folder] if os.path.isdir(folder) else site.getsitepackages()


def kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
