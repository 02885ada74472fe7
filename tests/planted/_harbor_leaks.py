"""Leaks in folders written by hand in Harbor's format: git repositories, variables, settings, copied folders."""

import json
import os
import subprocess

from ._faults import Leak, Planted, Shown


def git_earlier_commit(shown: Shown) -> None:
    _start_git(shown, shown.after)
    _commit(shown, shown.before, "Simpler")
    _git(shown, "gc", "--quiet")


def git_branch(shown: Shown) -> None:
    _start_git(shown, shown.before)
    _git(shown, "checkout", "--quiet", "-b", "costs-abroad")
    _commit(shown, shown.after, "Costs abroad")
    _git(shown, "checkout", "--quiet", "main")
    _git(shown, "pack-refs", "--all")


def git_tag(shown: Shown) -> None:
    """The only name of a later commit."""
    _start_git(shown, shown.before)
    _commit(shown, shown.after, "Costs abroad")
    _git(shown, "tag", "--annotate", "v1.1", "--message", "v1.1")
    _forget_last_commit(shown)


def git_stash(shown: Shown) -> None:
    _start_git(shown, shown.before)
    shown.write(shown.path, shown.after)
    _git(shown, "stash", "--quiet")


def git_reflog(shown: Shown) -> None:
    """Only the log of HEAD still knows the later commit."""
    _start_git(shown, shown.before)
    _commit(shown, shown.after, "Costs abroad")
    _go_back(shown)


def git_dangling(shown: Shown) -> None:
    _start_git(shown, shown.before)
    _commit(shown, shown.after, "Costs abroad")
    _forget_last_commit(shown)


def git_dangling_in_pack(shown: Shown) -> None:
    """As after a `git gc` of the whole repository, whose branch was moved back later."""
    _start_git(shown, shown.before)
    _commit(shown, shown.after, "Costs abroad")
    _git(shown, "repack", "--quiet", "-a", "-d")
    _forget_last_commit(shown)


def environment_variable(shown: Shown) -> None:
    with (shown.folder / "task.toml").open("a") as file:
        file.write(f"\n[environment.env]\nSHIPPING_NOTE = {json.dumps(shown.hunk())}\n")


def open_network(shown: Shown) -> None:
    toml = shown.folder / "task.toml"
    toml.write_text(toml.read_text().replace("allow_internet = false", "allow_internet = true"))


def solution_script(shown: Shown) -> None:
    shown.write("solution/solve.sh", (shown.folder / "solution/solve.sh").read_bytes())


def expected_values(shown: Shown) -> None:
    shown.write("data/cases.json", (shown.folder / "tests/cases.json").read_bytes())


def judging_script(shown: Shown) -> None:
    shown.write("tools/costs.py", (shown.folder / "tests/check.py").read_bytes())


def _start_git(shown: Shown, content: str) -> None:
    _git(shown, "init", "--quiet", "--template=", "--initial-branch=main")
    _commit(shown, content, "Costs of parcels")


def _commit(shown: Shown, content: str, message: str) -> None:
    shown.write(shown.path, content)
    _git(shown, "add", "--all")
    _git(shown, "commit", "--quiet", "--message", message)


def _forget_last_commit(shown: Shown) -> None:
    _go_back(shown)
    _git(shown, "reflog", "expire", "--expire=now", "--all")


def _go_back(shown: Shown) -> None:
    _git(shown, "reset", "--quiet", "--hard", "HEAD~1")
    (shown.workspace / ".git/ORIG_HEAD").unlink()


def _git(shown: Shown, *command: str) -> None:
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(shown.folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_DATE": "2026-01-31T12:00:00 +0000",
        "GIT_COMMITTER_DATE": "2026-01-31T12:00:00 +0000",
    }
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@localhost", "-c", "gc.auto=0")
    subprocess.run(["git", *identity, *command], cwd=shown.workspace, env=env, capture_output=True, check=True)


HARBOR_LEAKS = {
    "git-earlier-commit": Leak(Planted("git-history", ".git"), git_earlier_commit),
    "git-branch": Leak(Planted("git-history", ".git"), git_branch),
    "git-tag": Leak(Planted("git-history", ".git"), git_tag),
    "git-stash": Leak(Planted("git-history", ".git"), git_stash),
    "git-reflog": Leak(Planted("git-dangling", ".git"), git_reflog),
    "git-dangling": Leak(Planted("git-dangling", ".git"), git_dangling),
    "git-dangling-in-pack": Leak(Planted("git-dangling", ".git"), git_dangling_in_pack),
    "environment-variable": Leak(Planted("environment-variable", "SHIPPING_NOTE"), environment_variable),
    "open-network": Leak(Planted("open-network"), open_network, is_alike=False),
    "solution-script": Leak(Planted("solution-files", "solution/solve.sh"), solution_script, is_alike=False),
    "expected-values": Leak(Planted("hidden-tests", "data/cases.json"), expected_values, is_alike=False),
    "judging-script": Leak(Planted("hidden-tests", "tools/costs.py"), judging_script, is_alike=False),
}
