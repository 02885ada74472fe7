"""What pytest does around each test and what no outcome depends on, left out while candidates are screened.

Reports to the terminal, captured logs and captured output take a good part of the time of a suite of quick tests. What
is left out are hooks of pytest's own plugins, where no test of the run asks for what they make; fixtures, marks,
warnings and the hooks of other plugins and of conftest files stay as they are.
"""

from __future__ import annotations

import logging
from typing import Any

_AROUND_TESTS = ("pytest_runtest_setup", "pytest_runtest_call", "pytest_runtest_teardown")
_TOLD = ("pytest_runtest_logstart", "pytest_runtest_logreport", "pytest_runtest_logfinish")
_CAPTURING = frozenset({"capsys", "capsysbinary", "capfd", "capfdbinary", "capteesys"})


class _Formatting(logging.Handler):
    """As the handler that pytest puts there: a message whose arguments do not fit fails the test."""

    def emit(self, record: logging.LogRecord) -> None:
        self.format(record)


def leave_out(config: Any, items: list[Any]) -> None:
    """For the rest of this process, which runs no other tests than `items`."""
    asked = {name for item in items for name in getattr(item, "fixturenames", ())}
    _remove(config, "terminalreporter", _TOLD)
    _remove(config, "faulthandler", ("pytest_runtest_protocol",))
    if not asked & _CAPTURING:
        _remove(config, "capturemanager", _AROUND_TESTS)
    logs = config.pluginmanager.getplugin("logging-plugin")
    levels = ("log_level", "log_cli_level", "log_file_level")
    if "caplog" not in asked and logs is not None and not any(getattr(logs, name, None) for name in levels):
        _remove(config, "logging-plugin", (*_AROUND_TESTS, *_TOLD))
        logging.getLogger().addHandler(_Formatting(0))
    know_hooks_and_places(config, items)


def know_hooks_and_places(config: Any, items: list[Any]) -> None:
    """Which conftest files hold for a test is looked up once a file, and not thrice a phase of each test.

    And where a test stands is not found out where only pytest's own plugins, which have no use for it here, would hear.
    """
    for session in {id(item.session): item.session for item in items}.values():
        session.gethookproxy = _remembering(session.gethookproxy)
    hooks = (*_TOLD, "pytest_runtest_makereport")
    heard = [each for name in hooks for each in getattr(config.hook, name).get_hookimpls()]
    if all(each.function.__module__.startswith(("_pytest.", "tasks._inside.")) for each in heard):
        for item in items:
            vars(item)["location"] = (item.nodeid.partition("::")[0], 0, item.name)


def _remembering(look_up: Any) -> Any:
    known: dict[Any, Any] = {}

    def hooks_of(path: Any) -> Any:
        if path not in known:
            known[path] = look_up(path)
        return known[path]

    return hooks_of


def tell_briefly(item: Any) -> None:
    """A failure of this test is told by what was raised, as pytest's style "value" tells it.

    That style walks the whole traceback all the same.
    """

    def what_was_raised(excinfo: Any, style: Any = None) -> str:
        try:
            return str(excinfo.value)
        except Exception:  # noqa: BLE001  it is the tested code's own
            return str(excinfo.typename)

    item.repr_failure = item._repr_failure_py = what_was_raised


def be_silent(config: Any) -> None:
    """No letter for each test: nobody watches, and each wakes up whoever reads what is printed."""
    _remove(config, "terminalreporter", _TOLD)


def _remove(config: Any, plugin_name: str, hooks: tuple[str, ...]) -> None:
    plugin = config.pluginmanager.getplugin(plugin_name)
    for name in hooks:
        caller = getattr(config.hook, name)
        if any(each.plugin is plugin for each in caller.get_hookimpls()):
            caller._remove_plugin(plugin)
