"""What the process that workers are forked from has made for all of them, and that tests see no difference."""

from collections.abc import Sequence

from environments import Backend
from tasks._test_server import TestServer
from tasks.repository import Repository
from tasks.testrun import VENV, TestReport, TestRun

# What the worker has when it begins to import a test file.
FOUND = b"""
import sys
HAD = set(sys.modules)
import pytest

@pytest.mark.parametrize("name", ["xmlrpc.client", "imp", "tinylib", "no_such_module"])
def test_had(name):
    assert name in HAD
"""
CONFIGURED = b"""
import os, pathlib, pytest

def test_it_has_its_own_arguments(pytestconfig):
    assert pytestconfig.invocation_params.args[-1] == "test_configured.py"
    assert pytestconfig.invocation_params.dir == pathlib.Path.cwd() == pytestconfig.rootpath
    assert pytestconfig.invocation_params.plugins

def test_plugins_are_left_out(pytestconfig):
    assert not pytestconfig.pluginmanager.hasplugin("cacheprovider")
    assert pytestconfig.pluginmanager.hasplugin("doctest")

def test_another_pytest_has_a_configuration_of_its_own(pytestconfig, tmp_path):
    seen = []
    class Plugin:
        def pytest_configure(self, config):
            seen.append(config)
    (tmp_path / "test_inner.py").write_text("def test_inner(): pass")
    assert pytest.main(["-q", str(tmp_path)], plugins=[Plugin()]) == 0
    assert seen and seen[0] is not pytestconfig
"""
HEARING = b"""
PLACES = []

def pytest_runtest_logreport(report):
    PLACES.append(report.location)
"""
HEARD = b"""
import sys

def test_first(): pass

def test_second():
    places = next(m for m in sys.modules.values() if hasattr(m, "PLACES")).PLACES
    assert ("test_heard.py", 3, "test_first") in places
"""


async def run_alone(
    repository: Repository, backend: Backend, files: dict[str, bytes], tests: Sequence[str], stdlib: Sequence[str] = ()
) -> TestReport:
    spec = repository.verifier_spec()
    async with TestServer(spec, backend, python=f"{VENV}/bin/python", warm=None, stdlib=stdlib) as server:
        run = TestRun(files=files, tests=tuple(tests), per_test_timeout_sec=20.0, is_lean=True)
        return await server.run(run, timeout_sec=60)


async def test_of_what_is_named_workers_have_only_what_lies_in_the_standard_library(
    tiny_repository: Repository, bubblewrap: Backend
) -> None:
    names = ["xmlrpc.client", "imp", "tinylib", "no_such_module"]
    tests = [f"test_found.py::test_had[{name}]" for name in names]
    report = await run_alone(tiny_repository, bubblewrap, {"test_found.py": FOUND}, tests, names)
    assert [report.outcome(test) for test in tests] == ["passed", "failed", "failed", "failed"]
    report = await run_alone(tiny_repository, bubblewrap, {"test_found.py": FOUND}, tests)
    assert [report.outcome(test) for test in tests] == ["failed"] * 4


async def test_a_server_tells_what_its_tests_take_from_the_standard_library(
    tiny_repository: Repository, bubblewrap: Backend
) -> None:
    spec = tiny_repository.verifier_spec()
    async with TestServer(spec, bubblewrap, python=f"{VENV}/bin/python") as server:
        run = TestRun(tests=tiny_repository.stable_tests, is_warm=True)
        report = await server.run(run, timeout_sec=60)
        assert {each.outcome for each in report.results} == {"passed"}
        assert "json" in server.stdlib
        assert not {"tinylib", "pytest", "_pytest", "imp"} & set(server.stdlib)


async def test_a_configuration_made_ahead_is_as_the_workers_own(
    tiny_repository: Repository, bubblewrap: Backend
) -> None:
    report = await run_alone(tiny_repository, bubblewrap, {"test_configured.py": CONFIGURED}, ["test_configured.py"])
    assert [each.longrepr for each in report.results if each.outcome != "passed"] == []
    assert len(report.results) == 3


async def test_who_listens_hears_where_a_test_stands(tiny_repository: Repository, bubblewrap: Backend) -> None:
    files = {"conftest.py": HEARING, "test_heard.py": HEARD}
    report = await run_alone(
        tiny_repository, bubblewrap, files, ["test_heard.py::test_first", "test_heard.py::test_second"]
    )
    assert [each.longrepr for each in report.results if each.outcome != "passed"] == []
    assert len(report.results) == 2
