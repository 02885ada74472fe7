"""The pytest plugin of a worker: selects and orders tests, limits and times them, reports each."""

# os.path needs no import that costs time.
from __future__ import annotations

import collections
import gc
import os
import random
import signal
import sys
from collections.abc import Iterator
from time import perf_counter, process_time
from typing import Any

from tasks._inside.contexts import Contexts
from tasks._inside.fingerprint import Fingerprint
from tasks._inside.frames import Sender
from tasks._inside.lean import be_silent, leave_out, tell_briefly
from tasks._inside.places import Places, is_inside

LONGREPR_LIMIT = 20_000
FULL_TRACEBACKS = 6  # more than an instruction shows; one that pytest explains takes as long as fifty tests
# Beside a limit in CPU time: a test may wait for half of it and half a second. Time for which it was ready to run, and
# others ran, is no waiting. Whatever it does, it is stopped after `WALL_FACTOR` times both together.
WAIT_FACTOR, WAIT_MORE_SEC, WALL_FACTOR = 0.5, 0.5, 3.0
# A traceback of a thousand frames takes longer to write than the test that failed: that is no time of the test.
REPORT_SEC = 10.0
# The look at all functions takes 1 ms, that at the core 0.1 ms: a tenth of a suite of quick tests, or nothing.
FULL_LOOK_EVERY_SEC = 0.2
STARTS_OF_PROCESSES = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.system"})
OUTCOME_HOOKS = (
    "pytest_runtest_protocol",
    "pytest_runtest_setup",
    "pytest_runtest_call",
    "pytest_pyfunc_call",
    "pytest_runtest_makereport",
    "pytest_runtest_logreport",
    "pytest_fixture_setup",
)


_open = open  # tests may replace it


class TestTimedOut(BaseException):
    """Raised in a test that passed its own limit."""

    __test__ = False


class Reporter:
    """Selects and orders tests, times them, and reports each by the sender."""

    def __init__(
        self, config: dict[str, Any], sender: Sender, fingerprint: Fingerprint, contexts: Contexts | None
    ) -> None:
        self.config = config
        self.sender = sender
        self.fingerprint = fingerprint
        self.contexts = contexts
        self.pid = os.getpid()
        self.canary: Any = None
        self.canary_outcome = ""
        self.ids: list[str] = []
        self.tampered: list[str] = []
        self._has_started_processes = False
        if contexts is not None:
            sys.addaudithook(self._on_audit)
        self.limit = self.cpu_limit = config["per_test_timeout_sec"]
        self._failures = 0
        self._phases: dict[str, Any] = {}
        self.last: dict[str, Any] = {}  # of the test that has just ended
        self._codes: dict[str, Any] = {}
        self._is_late = False
        self._wait_limit = 0.0
        self._busy_before = (0.0, 0.0)
        self._last_look = 0.0
        self._hook: Any = None
        self._config: Any = None
        self._gate = set(config["gate"]) - set(config["skip"])
        self._is_shut = self._has_failed = False
        is_chosen = config["tests"] is not None and config.get("is_code_ours")
        self._places = Places(config["tests"]) if is_chosen else None
        # held here: tested code may replace those of the modules
        self._setitimer, self._clock, self._exit, self._getpid = (
            signal.setitimer,
            perf_counter,
            os._exit,
            os.getpid,
        )

    # -- collection

    def pytest_configure(self) -> None:
        os.environ.pop("PYTEST_DISABLE_PLUGIN_AUTOLOAD", None)  # tests of pytest plugins start pytests of their own

    def pytest_plugin_registered(self, plugin: Any) -> None:
        """A conftest.py that was not there when the run began was put there by the tested code."""
        file = getattr(plugin, "__file__", None) or ""
        guarded = self.config["guarded"]
        if guarded and os.path.basename(file) == "conftest.py":
            relative = os.path.relpath(file, self.config["workdir"])
            if relative not in guarded:
                self._tampered([relative])

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self._has_failed = True
            self.sender.send("result", id=report.nodeid or ".", outcome="error", sec=0.0, longrepr=_longrepr(report),
                             is_collection=True)  # fmt: skip

    def pytest_pycollect_makeitem(self, collector: Any, name: str, obj: Any) -> list[Any] | None:
        """Tests that nobody wants are not made: of a file of hundreds, that takes longer than to run a few of them."""
        if self._places is None or self._places.lead_to(f"{collector.nodeid}::{name}"):
            return None
        return []

    def pytest_collection_modifyitems(self, session: Any, config: Any, items: list[Any]) -> None:
        wanted = self.config["tests"]
        if wanted is not None:
            exact = set(wanted)
            dropped = [item for item in items if item.nodeid not in exact and not is_inside(item.nodeid, exact)]
            left_out = set(dropped)
            items[:] = [item for item in items if item not in left_out]
            if dropped:
                config.hook.pytest_deselected(items=dropped)
        if self.config["skip"]:
            done = set(self.config["skip"])
            items[:] = [item for item in items if item.nodeid not in done]
        if self.config["random_order_seed"] is not None:
            items[:] = shuffled(items, random.Random(self.config["random_order_seed"]))
        if self._gate:
            items.sort(key=lambda item: item.nodeid not in self._gate)
            self._gate &= {item.nodeid for item in items}
        self._hook, self._config = config.hook, config
        if self.config.get("is_lean"):
            if self.config["random_order_seed"] is None:
                place_of = {test: at for at, test in enumerate(wanted)}
                items.sort(key=lambda item: place_of.get(item.nodeid, 0))
            leave_out(config, items)
        self.begin_run(items)
        self._add_canary(session, items)

    def begin_run(self, items: list[Any]) -> None:
        """These are the tests, in this order."""
        if self.config.get("most_failures"):
            be_silent(self._config)
            gc.freeze()  # a collection of garbage among the tests looks at what they have made, not at all modules
        self.limit = self.config["per_test_timeout_sec"]
        self.ids = list(dict.fromkeys(item.nodeid for item in items))
        self._codes = {item.nodeid: (type(item), _code_of(item)) for item in items}
        self.sender.send("collected", ids=self.ids)

    def _add_canary(self, session: Any, items: list[Any]) -> None:
        """A test that must fail, between two modules: one that passes was judged by something else than pytest."""
        import pytest

        class Canary(pytest.Item):
            def runtest(self) -> None:
                raise AssertionError("this test must fail")

            def reportinfo(self) -> tuple[str, int, str]:
                return "canary", 0, self.name

            def repr_failure(self, excinfo: Any, style: Any = None) -> str:
                return "as it must"  # a traceback through pytest's own files takes 50 ms to write, and nobody reads it

        places = [i for i in range(len(items) + 1) if i in (0, len(items)) or items[i].fspath != items[i - 1].fspath]
        canary: Any = Canary.from_parent(session, name="canary-" + os.urandom(8).hex())
        self.canary = canary
        items.insert(random.SystemRandom().choice(places), canary)

    def is_canary(self, item: Any) -> bool:
        return item is self.canary

    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str] | None:
        """The canary is not shown to people, who would count it."""
        return ("", "", "") if self.canary is not None and report.nodeid == self.canary.nodeid else None

    # -- running

    def pytest_runtest_protocol(self, item: Any, nextitem: Any) -> Iterator[None]:
        self._leave_if_forked()
        is_canary = item is self.canary
        self._phases, self._is_late = {}, False
        if not is_canary:
            self.sender.send("start", id=item.nodeid)
            self._has_started_processes = False
            if self.contexts is not None:
                self.contexts.begin(item.nodeid)
        started = self._clock()
        self.cpu_limit = self.config.get("cpu_limits", {}).get(item.nodeid)
        self.limit = wall_limit(self.config, item.nodeid)
        if self.limit and not is_canary:
            signal.signal(signal.SIGALRM, self._on_alarm)
            self._wait_limit = min(self.limit, wait_limit(self.cpu_limit)) if self.cpu_limit else self.limit
            self._busy_before = (started, _busy_seconds() if self.cpu_limit else 0.0)
            self._setitimer(signal.ITIMER_REAL, self._wait_limit, 0.5)
        if self.cpu_limit and not is_canary:
            signal.signal(signal.SIGPROF, self._on_alarm)
            self._setitimer(signal.ITIMER_PROF, self.cpu_limit, 0.1)
        yield
        self._setitimer(signal.ITIMER_REAL, 0)
        self._setitimer(signal.ITIMER_PROF, 0)
        self._leave_if_forked()
        seconds = self._clock() - started
        if self.contexts is not None and not is_canary:
            self.contexts.end()
        is_due = self._clock() - self._last_look > FULL_LOOK_EVERY_SEC
        self._look_for_tampering(only_core=not is_due)
        outcome, longrepr = self._phases.get("outcome", "error"), self._phases.get("longrepr", "")
        self.last = {"outcome": outcome, "sec": seconds}
        if is_canary:
            self.canary_outcome = outcome
            return
        if self._is_late:
            outcome, longrepr = "error", f"Timeout: {self._late()}\n{longrepr}"
        tell = self.sender.hold if self.config.get("is_code_ours") else self.sender.send
        tell("result", id=item.nodeid, outcome=outcome, sec=seconds, longrepr=longrepr,
             starts_processes=self._has_started_processes)  # fmt: skip
        self._stop_if_decided(item, outcome)

    def _stop_if_decided(self, item: Any, outcome: str) -> None:
        has_failed = outcome in ("failed", "error")
        self._has_failed = self._has_failed or has_failed
        self._failures += has_failed
        if self._is_late and self.config.get("stops_without_end"):
            item.session.shouldfail = "a test did not end"
        elif has_failed and self.config["stop_at_first_failure"]:
            item.session.shouldfail = "stopped at the first failure"
        elif self.config.get("most_failures") and self._failures > self.config["most_failures"]:
            item.session.shouldfail = "too many tests have failed"
        if item.nodeid in self._gate:
            self._gate.discard(item.nodeid)
            self._is_shut = self._is_shut or has_failed
            if self._is_shut and not self._gate:
                item.session.shouldfail = "a test of the gate has failed"

    def pytest_runtest_call(self, item: Any) -> None:
        if not self.config.get("explains", True) or self._is_brief():
            from _pytest.assertion import util

            util._reprcompare = None  # what differs, and how: seconds for long texts

    def pytest_runtest_makereport(self, item: Any, call: Any) -> Iterator[None]:
        self._look_for_tampering(only_core=True)
        kind, code = self._codes.get(item.nodeid, (type(item), _code_of(item)))
        if "runtest" in vars(item) or type(item) is not kind or _code_of(item) is not code:
            self._tampered([item.nodeid])
        has_failed = call.excinfo is not None and item is not self.canary
        if has_failed and self._is_brief():
            tell_briefly(item)
        left = self._stop_clocks() if has_failed and not self._is_brief() else []
        yield
        for timer, seconds in left:
            self._setitimer(timer, seconds, 0.5)

    def _is_brief(self) -> bool:
        """Of a failure from now on, only what was raised is told: a traceback takes longer than many a test."""
        full = FULL_TRACEBACKS if self.config.get("explains", True) else 0
        return bool(self.config.get("most_failures")) and self._failures >= full

    def _stop_clocks(self) -> list[tuple[int, float]]:
        """While a failure is told, another limit holds; the clocks that run, and what is left on each."""
        clocks = ((timer, self._setitimer(timer, 0)[0]) for timer in (signal.ITIMER_REAL, signal.ITIMER_PROF))
        running = [(int(timer), seconds) for timer, seconds in clocks if seconds > 0]
        for timer, _ in running:
            self._setitimer(timer, REPORT_SEC)
        if running:
            self.sender.send("tells")
        return running

    def pytest_runtest_logreport(self, report: Any) -> None:
        outcome = _phase_outcome(report)
        if outcome is None:
            return
        rank = ("passed", "skipped", "xfailed", "xpassed", "failed", "error")
        if "outcome" not in self._phases or rank.index(outcome) > rank.index(self._phases["outcome"]):
            # a failing test whose teardown fails as well has failed: keep the first cause
            if self._phases.get("outcome") == "failed":
                return
            self._phases = {"outcome": outcome, "longrepr": _longrepr(report)}

    def _on_alarm(self, signum: int, frame: Any) -> None:
        self._leave_if_forked()
        if signum == signal.SIGALRM and self.cpu_limit and (left := self._may_still_wait()) > 0:
            self._setitimer(signal.ITIMER_REAL, max(left, 0.02), 0.5)
            return
        self._is_late = True
        raise TestTimedOut(self._late())

    def _may_still_wait(self) -> float:
        """Seconds, not counting what the machine owes this test."""
        started, busy = self._busy_before
        wall = self._clock() - started
        left: float = min(self.limit - wall, self._wait_limit - (wall - (_busy_seconds() - busy)))
        return left

    def _late(self) -> str:
        return f"the test took more than {self.limit:g} s" + (
            f", or {self.cpu_limit:g} s of CPU, or waited for {self._wait_limit:g} s" if self.cpu_limit else ""
        )

    def _on_audit(self, event: str, arguments: Any) -> None:
        """What another process executes is not in this one's coverage."""
        if event in STARTS_OF_PROCESSES:
            self._has_started_processes = True

    def _leave_if_forked(self) -> None:
        if self._getpid() != self.pid:
            self._exit(1)  # a test forked and its child came back to us: only the parent goes on

    def _look_for_tampering(self, *, only_core: bool = False, is_last: bool = False) -> None:
        if self.config.get("is_code_ours") and not is_last:
            return
        if not only_core:
            self._last_look = self._clock()
        changed = self.fingerprint.changed(only_core=only_core)
        if not only_core:
            changed += self._hooks_of_tested_code()
        if changed:
            self._tampered(changed)

    def _hooks_of_tested_code(self) -> list[str]:
        """Hooks that decide outcomes belong to pytest, its plugins and the tests' conftest, not to what is tested."""
        guarded = self.config["guarded"]
        if not guarded or self._hook is None or self.config.get("is_plugin"):
            return []
        workdir = self.config["workdir"] + "/"
        found = []
        for name in OUTCOME_HOOKS:
            for implementation in getattr(self._hook, name).get_hookimpls():
                file = getattr(getattr(implementation.function, "__code__", None), "co_filename", "")
                if file.startswith(workdir) and file[len(workdir) :] not in guarded:
                    found.append(f"{name} of {file[len(workdir) :]}")
        return found

    def _tampered(self, names: list[str]) -> None:
        new = [name for name in names if name not in self.tampered][:20]
        if new:
            self.tampered += new
            self.sender.send("tampered", what=new)

    def finish(self, exit_code: int) -> None:
        """Last words of a worker that ran to its end."""
        self._look_for_tampering(is_last=True)
        if self.canary_outcome not in ("failed", "error") and not self._was_cut_short():
            self._tampered([f"a test that must fail has {self.canary_outcome or 'not run'}"])
        # the canary's failure is in pytest's exit code, and is none of the repository's
        self.sender.send("done", exit=0 if exit_code == 1 and not self._has_failed else exit_code)

    def _was_cut_short(self) -> bool:
        return not self.canary_outcome and (
            self.config["stop_at_first_failure"]
            or self._is_shut
            or bool(self.config.get("most_failures") or self.config.get("stops_without_end"))
        )


# Older pytests know only hookwrapper, newer ones both; set here since pytest is imported later than this file.
def mark_hooks(pytest: Any) -> None:
    first = pytest.hookimpl(tryfirst=True)(Reporter.pytest_report_teststatus)
    setattr(Reporter, first.__name__, first)
    for name in ("pytest_runtest_protocol", "pytest_runtest_makereport"):
        setattr(Reporter, name, pytest.hookimpl(hookwrapper=True, tryfirst=True)(getattr(Reporter, name)))
    for name in ("pytest_runtest_call", "pytest_pycollect_makeitem"):
        setattr(Reporter, name, pytest.hookimpl(tryfirst=True)(getattr(Reporter, name)))
    modify = pytest.hookimpl(trylast=True)(Reporter.pytest_collection_modifyitems)
    setattr(Reporter, modify.__name__, modify)


def wait_limit(cpu_limit: float) -> float:
    return WAIT_FACTOR * cpu_limit + WAIT_MORE_SEC


def wall_limit(config: dict[str, Any], test: str) -> float | None:
    """Seconds after which a test is stopped whatever it does."""
    limit: float | None = config["per_test_timeout_sec"]
    cpu_limit = config.get("cpu_limits", {}).get(test)
    return min(limit, WALL_FACTOR * (cpu_limit + wait_limit(cpu_limit))) if cpu_limit and limit else limit


def _busy_seconds() -> float:
    """CPU time of this process, and the time for which it was ready to run and others ran, as the kernel counts it."""
    try:
        with _open("/proc/self/schedstat", encoding="ascii") as file:
            waited = int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        waited = 0.0
    return process_time() + waited


def _phase_outcome(report: Any) -> str | None:
    is_expected = hasattr(report, "wasxfail")
    if report.outcome == "failed":
        return "failed" if report.when == "call" else "error"
    if report.outcome == "skipped":
        return "xfailed" if is_expected else "skipped"
    if report.outcome == "passed" and report.when == "call":
        return "xpassed" if is_expected else "passed"
    return None


def _longrepr(report: Any) -> str:
    if report.outcome == "passed":
        return ""
    try:
        text = str(report.longreprtext)
    except Exception as error:  # noqa: BLE001  the tested code's own __repr__ and exceptions are called here
        text = f"(traceback could not be rendered: {type(error).__name__})"
    half = LONGREPR_LIMIT // 2
    return text if len(text) <= LONGREPR_LIMIT else f"{text[: half - 10]}\n[...]\n{text[-half + 10 :]}"


def _code_of(item: Any) -> Any:
    function: Any = getattr(item, "obj", None)
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return getattr(getattr(function, "__func__", function), "__code__", None)


def shuffled(items: list[Any], rng: random.Random) -> list[Any]:
    """Modules in random order and their tests as well, so that each module's fixtures are set up once."""
    modules: dict[str, list[Any]] = collections.defaultdict(list)
    for item in items:
        modules[item.nodeid.split("::")[0]].append(item)
    names = list(modules)
    rng.shuffle(names)
    for name in names:
        rng.shuffle(modules[name])
    return [item for name in names for item in modules[name]]
