"""A test file that was written tells right code from wrong code, and does not mind how right code is written.

Each run has a copy of the repository of its own, with one of: the clean module, a planted bug, a rewriting of the
module that behaves the same. A bug that the written tests live with is an expected failure, not a pass.
"""

import ast
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DATA: dict[str, Any] = {}

WORKDIR = Path(__file__).resolve().parents[1]
PASSED, TESTS_FAILED = 0, 1  # pytest's exit codes; 2 and more: it could not run the file, or found no test in it
Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = Function | ast.Lambda | ast.ClassDef | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
RUN_SEC = 30.0  # in which right code ends on any machine
LONGEST_MORE = 1.0  # times what right code took beside it (and as many seconds), wrong code may go on; then it hangs
REWRITINGS = ("reformatted", "locals renamed", "rearranged")
LOOKS_AT_ITSELF = {"locals", "vars", "eval", "exec", "dir", "globals", "_getframe", "currentframe"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "bug" in metafunc.fixturenames:
        metafunc.parametrize("bug", range(len(DATA.get("bugs", []))))
    if "rewriting" in metafunc.fixturenames:
        metafunc.parametrize("rewriting", REWRITINGS)


def rewritten(text: str, how: str) -> str:
    """The same program in other words: for tests of behaviour there is no difference."""
    tree = ast.parse(text)
    if how == "locals renamed":
        for function in ast.walk(tree):
            if isinstance(function, Function) and not names_called(function) & LOOKS_AT_ITSELF:
                rename_locals(function)
    elif how == "rearranged":
        tree = _Rearranged().visit(tree)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def names_called(function: Function) -> set[str]:
    calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return {each.id if isinstance(each, ast.Name) else getattr(each, "attr", "") for each in calls}


def rename_locals(function: Function) -> None:
    """Names that the function itself assigns, and that nothing inside it or around it shares."""
    own = list(own_nodes(function))
    names = [node for node in own if isinstance(node, ast.Name)]
    wanted = {node.id for node in names if isinstance(node.ctx, ast.Store) and not node.id.startswith("__")}
    wanted -= {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    everywhere = {id(node) for node in own}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and id(node) not in everywhere:
            wanted.discard(node.id)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            wanted.difference_update(node.names)
        elif isinstance(node, ast.alias):
            wanted.discard((node.asname or node.name).split(".")[0])
        else:
            for field in ("name", "rest"):  # of handlers, definitions and patterns
                bound = getattr(node, field, None)
                if isinstance(bound, str):
                    wanted.discard(bound)
    for node in names:
        if node.id in wanted:
            node.id = f"{node.id}_renamed"


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """Nodes of a function's body but what lies in a scope of its own."""
    pending: list[ast.AST] = list(function.body)
    while pending:
        node = pending.pop()
        if not isinstance(node, Scope):
            yield node
            pending += ast.iter_child_nodes(node)


class _Rearranged(ast.NodeTransformer):
    """`if`/`else` the other way round, results by a variable, one statement more in each function."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._with_statement(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._with_statement(node)

    def _with_statement(self, node: Function) -> ast.AST:
        if names_called(node) & LOOKS_AT_ITSELF:
            return node
        self.generic_visit(node)
        first = node.body[0]
        has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        node.body.insert(1 if has_docstring else 0, ast.parse("not_needed = None").body[0])
        return node

    def visit_Return(self, node: ast.Return) -> Any:
        if node.value is None:
            return node
        kept = ast.Assign(targets=[ast.Name("to_return", ast.Store())], value=node.value)
        return [kept, ast.Return(value=ast.Name("to_return", ast.Load()))]

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        if node.orelse:
            node.test = ast.UnaryOp(ast.Not(), node.test)
            node.body, node.orelse = node.orelse, node.body
        return node


class Run:
    """The written file, run on a copy of the repository in which the module reads `module`."""

    def __init__(self, module: bytes) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="run-"))
        self.folder = self.place / "repository"
        ignored = shutil.ignore_patterns(".git", "__pycache__", Path(__file__).name)
        shutil.copytree(WORKDIR, self.folder, symlinks=True, ignore=ignored)
        (self.folder / DATA["module"]).write_bytes(module)
        (self.place / "home").mkdir()
        self._output = (self.place / "output").open("w+b")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        paths = [str(self.folder / path) for path in DATA["import_paths"]]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        env = {**kept, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1",
               "HOME": str(self.place / "home"), "TMPDIR": str(self.place / "home")}  # fmt: skip
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly",
                   "-o", "addopts=", f"--rootdir={self.folder}", DATA["written"]]  # fmt: skip
        self._process = subprocess.Popen(
            command, cwd=self.folder, env=env, stdout=self._output, stderr=subprocess.STDOUT, start_new_session=True
        )

    def exit_code(self, seconds: float = RUN_SEC) -> int | None:
        """pytest's; None where it did not end in this time from now."""
        assert self._process is not None
        try:
            return self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            self.stop()

    def stop(self) -> None:
        """Whatever it left running ends with it."""
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return
            self._process.wait()

    def said(self) -> str:
        self._output.seek(0)
        return self._output.read()[-3000:].decode(errors="replace")


@pytest.fixture(name="runs")
def _runs() -> Iterator[list[Run]]:
    made: list[Run] = []
    yield made
    for each in made:
        each.stop()
        shutil.rmtree(each.place, ignore_errors=True)


def is_written() -> bool:
    return (WORKDIR / str(DATA["written"])).is_file()


def clean() -> bytes:
    return (WORKDIR / str(DATA["module"])).read_bytes()


def run_on(runs: list[Run], module: bytes) -> int | None:
    runs.append(Run(module))
    runs[-1].start()
    return runs[-1].exit_code()


def test_kills(bug: int, runs: list[Run]) -> None:
    """The bug is found, and code that behaves the same is not taken for one.

    Both run at the same time, started in any order: the written file cannot know by counting which it is.
    """
    assert is_written(), f"{DATA['written']} is not there"
    edit = DATA["bugs"][bug]
    data = clean()
    right = Run(rewritten(data.decode(), random.choice(REWRITINGS)).encode())
    wrong = Run(data[: edit["start"]] + edit["text"].encode() + data[edit["end"] :])
    runs += [right, wrong]
    started = time.monotonic()
    for each in random.sample(runs, len(runs)):
        each.start()
    assert right.exit_code() == PASSED, right.said()
    took = time.monotonic() - started
    found = wrong.exit_code(LONGEST_MORE * max(1.0, took))
    assert found in (PASSED, TESTS_FAILED, None), wrong.said()
    if found != TESTS_FAILED:
        pytest.xfail("the written tests live with it")


def test_passes_on_the_clean_code(runs: list[Run]) -> None:
    if is_written():
        assert run_on(runs, clean()) == PASSED, runs[0].said()


def test_passes_on_equivalent_code(rewriting: str, runs: list[Run]) -> None:
    if is_written():
        assert run_on(runs, rewritten(clean().decode(), rewriting).encode()) == PASSED, runs[0].said()


def test_the_code_is_as_it_was() -> None:
    digest = hashlib.sha256()
    for path in DATA["code"]["paths"]:
        digest.update(path.encode() + b"\0" + hashlib.sha256((WORKDIR / path).read_bytes()).digest())
    assert digest.hexdigest() == DATA["code"]["digest"], "code was changed; only tests were asked for"
