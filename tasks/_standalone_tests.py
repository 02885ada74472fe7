"""Runs a task's tests where there is no Gristmill: `run_tests.py WORKDIR REWARD_FILE`, beside tests.json.

Restores the protected files, removes files that would steer pytest or the interpreter, runs the tests and
writes 1 or 0. Gristmill's own verifier does not use it: that one has a sandbox of its own.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

STEERING = (
    "conftest.py",
    "sitecustomize.py",
    "usercustomize.py",
    "pytest.ini",
    ".pytest.ini",
    "pytest.toml",
    "tox.ini",
)


def main(workdir: Path, reward_file: Path) -> None:
    here = Path(__file__).resolve().parent
    data = json.loads((here / "tests.json").read_text())
    with tarfile.open(here / "protected.tar.gz") as tar:
        kept = {member.name for member in tar} | set(data.get("allowed", ()))
        for path in list(workdir.rglob("*")):
            name = path.relative_to(workdir).as_posix()
            steers = path.name in STEERING or path.suffix in (".pth", ".pyc")
            if steers and name not in kept and ".git/" not in name and path.is_file():
                path.unlink()
        tar.extractall(workdir, filter="data")
    if (here / "files").is_dir():
        shutil.copytree(here / "files", workdir, dirs_exist_ok=True)
    needed = [*data["fail_to_pass"], *json.loads((here / "stable_tests.json").read_text())]
    ordered = [*data.get("run_first", ()), *needed]  # whole files: where the order matters, it is that of the files
    paths = list(dict.fromkeys(test.split("::")[0] for test in ordered))
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={workdir}"]
        command += ["-o", "junit_family=xunit1", f"--junitxml={report}", "-p", "no:randomly", "-o", "addopts=", *paths]
        subprocess.run(command, cwd=workdir, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, check=False)
        passed = passed_tests(report)
    failed = [test for test in dict.fromkeys(needed) if junit_name(test) not in passed]
    sys.stdout.write("".join(f"did not pass: {test}\n" for test in failed[:50]) or "all tests pass\n")
    reward_file.write_text("0\n" if failed else "1\n")


def junit_name(node_id: str) -> str:
    """A node id as pytest's JUnit report spells it: dotted path and class, then the name."""
    head, bracket, parameters = node_id.partition("[")
    file, *names = head.split("::")
    module = file[: -len(".py")] if file.endswith(".py") else file
    return ".".join([module.replace("/", "."), *names]) + bracket + parameters


def passed_tests(report: Path) -> set[str]:
    if not report.is_file():
        return set()
    cases = ET.parse(report).getroot().iter("testcase")
    return {f"{case.get('classname')}.{case.get('name')}" for case in cases if not list(case.iter("failure"))
            and not list(case.iter("error")) and not list(case.iter("skipped"))}  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
