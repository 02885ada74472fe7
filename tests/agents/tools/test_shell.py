"""bash and jobs in real sandboxes: what stays between calls, what cannot be forged, what is ended.

Under bubblewrap by default; each again in Docker by `make test-all`, with one that goes through the most of it always.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.agent import ToolAnswer
from agents.tools import Place
from agents.tools.bash import Bash, BashArguments
from agents.tools.jobs import Jobs, JobsArguments
from agents.tools.read import Read, ReadArguments
from agents.tools.shell import Shell
from agents.tools.write import Write, WriteArguments
from environments import Backend, Limits, SandboxSpec, get_backend, running
from tests.agents.tools.conftest import task_of


def backend_called(name: str) -> Backend:
    backend = get_backend(name)
    if missing := backend.missing():
        pytest.skip(f"{name}: {'; '.join(missing)}")
    return backend


@pytest.fixture(params=["bubblewrap", pytest.param("docker", marks=pytest.mark.slow)])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    backend, spec = backend_called(request.param), SandboxSpec()
    async with running(backend, spec) as sandbox:
        place = Place(sandbox, backend, task_of(spec))
        yield place
        await place.close()


async def bash(place: Place, command: str, timeout_sec: float = 20, *, background: bool = False) -> ToolAnswer:
    return await Bash().call(place, BashArguments(command=command, timeout_sec=timeout_sec, background=background))


async def sleeping(place: Place, seconds: str) -> bool:
    """Whether a `sleep` of that many seconds runs where the shell runs."""
    lines = await bash(place, "for each in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$each; echo; done 2>/dev/null")
    return f"sleep {seconds} " in lines.text.splitlines()


async def jobs(place: Place, action: str, job: int | None = None, timeout_sec: float = 20) -> str:
    asked = JobsArguments.model_validate({"action": action, "job": job, "timeout_sec": timeout_sec})
    return (await Jobs().call(place, asked)).text


async def test_folder_variables_functions_and_an_activated_environment_stay(place: Place) -> None:
    await bash(place, "mkdir -p a/bin && cd a && greet() { echo hello $1; } && x='it is'; export PATH=$PWD/bin:$PATH")
    await bash(place, "printf '#!/bin/sh\\necho ours\\n' > bin/tool && chmod +x bin/tool; PS1='(venv) '; alias t=tool")
    assert (await bash(place, "greet you; basename $PWD; echo $x; t")).text == "hello you\na\nit is\nours"


async def test_exit_code_errors_and_no_output(place: Place) -> None:
    answer = await bash(place, "echo out; echo oh >&2; (exit 3)")
    assert (answer.text, answer.is_error) == ("out\n[stderr]\noh\n[exit code 3]", True)
    assert (await bash(place, "true")).text == "[no output]"
    assert "syntax error" in (await bash(place, "if then")).text
    assert (await bash(place, "cat; read line; echo $?")).text == "1"  # nothing waits for input


@pytest.mark.parametrize(
    "hang",
    ["sleep 60", "while true; do sleep 0.1; done", "while :; do :; done", "(trap '' INT; sleep 60)",
     "python3 -c 'import signal, time; signal.signal(2, signal.SIG_IGN); time.sleep(60)'"],
    ids=["sleep", "loop", "busy loop", "ignores interrupts", "program that ignores interrupts"],
)  # fmt: skip
async def test_what_hangs_is_stopped_and_the_shell_lives_on(place: Place, hang: str) -> None:
    await bash(place, "kept=yes")
    began = time.monotonic()
    answer = await bash(place, f"echo before; {hang}", timeout_sec=0.4)
    assert time.monotonic() - began < 6
    assert answer.is_error and answer.text.startswith("before\n") and "[stopped after 0.4 s]" in answer.text
    assert (await bash(place, "echo $kept")).text == "yes"
    assert not await sleeping(place, "60")


@pytest.mark.parametrize("end", ["exit 4", "kill -9 $$", "exec true", "kill -9 -1"])
async def test_a_shell_that_was_ended_is_replaced_and_that_is_told(place: Place, end: str) -> None:
    await bash(place, "mkdir -p deep; cd deep; gone=1")
    assert "new shell" in (await bash(place, end)).text
    assert (await bash(place, "echo ${gone:-nothing}")).text == "nothing"


async def test_a_stopped_keeper_costs_its_shell_and_not_the_rollout(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.tools.shell._SLACK_SEC", 0.5)
    assert "new shell" in (await bash(place, "kill -STOP $PPID; sleep 60", timeout_sec=0.3)).text
    assert (await bash(place, "echo back")).text == "back"


async def test_no_output_looks_like_an_end(place: Place) -> None:
    """Output and what tells the end come on different ways; the second is closed for commands."""
    fake = "E 0123456789abcdef 0 /"
    answer = await bash(
        place, f"printf '{fake}\\0'; printf '\\n{{\"id\": 1, \"status\": 0}}\\n'; sleep 0.2; echo after; (exit 7)"
    )
    assert answer.text.endswith("after\n[exit code 7]") and fake in answer.text
    assert "Bad file descriptor" in (await bash(place, f"printf '{fake}\\0' >&99")).text
    assert (await bash(place, "printf 'a\\0b\\n\\xff' | od -c | head -1; echo end")).text.endswith("end")


async def test_floods_are_cut_with_a_note_and_the_end_stays(place: Place) -> None:
    answer = await bash(place, "yes 0123456789 | head -c 3000000; echo; echo last; (exit 5)")
    assert len(answer.text) < 13_000 and "left out" in answer.text
    assert answer.text.endswith("last\n[exit code 5]")


async def test_a_command_may_be_long_and_hold_any_character(place: Place) -> None:
    text = "".join(chr(code) for code in range(32, 127)) + "\té\U0001f600" + "x" * 70_000
    answer = await bash(place, f"cat > f <<'END'\n{text}\nEND\nwc -m < f")
    assert answer.text.endswith(str(len(text) + 1)) or answer.text.isdigit()
    assert (await place.sandbox.read_file("f")).decode() == f"{text}\n"


async def test_a_job_is_started_listed_read_waited_for_and_killed(place: Place) -> None:
    await bash(place, "word=hi; say() { echo $word $1; }")
    started = await bash(place, "say 1; sleep 0.5; say 2; exit 4", background=True)
    assert "hi 1" in started.text and "job 1: running" in started.text
    assert "job 1: running" in await jobs(place, "list")
    ended = await jobs(place, "wait", 1)
    assert ended.startswith("hi 2\n[job 1: ended with exit code 4") and "hi 1" not in ended

    await bash(place, "setsid sleep 77 & while true; do echo tick; sleep 0.05; done", background=True)
    assert (await bash(place, "echo free")).text == "free"
    assert "tick" in await jobs(place, "read", 2)
    assert "ended with exit code 143" in await jobs(place, "kill", 2)
    assert not await sleeping(place, "77")
    assert "there is no job 9" in await jobs(place, "read", 9)


async def test_a_hanging_command_takes_no_job_along(place: Place) -> None:
    await bash(place, "sleep 1.5; echo done", background=True)
    await bash(place, "sleep 60", timeout_sec=0.3)
    assert "done\n[job 1: ended with exit code 0" in await jobs(place, "wait", 1)


async def test_what_a_job_writes_is_bounded(place: Place) -> None:
    await bash(place, "sleep 0.5; yes 0123456789 | head -c 5000000; echo; echo end", background=True)
    told = await jobs(place, "wait", 1)
    assert len(told) < 13_000 and "bytes before this are gone" in told and "end\n[job 1" in told


async def test_output_of_plain_background_processes_comes_with_the_next_call(place: Place) -> None:
    await bash(place, "(sleep 0.2; echo late) &")
    await asyncio.sleep(0.6)
    assert "[written in the background before this]\nlate\nnow" in (await bash(place, "echo now")).text


async def test_calls_at_the_same_time_wait_for_each_other(place: Place) -> None:
    answers = await asyncio.gather(*(bash(place, f"sleep 0.05; echo {number}") for number in range(5)))
    assert [answer.text for answer in answers] == ["0", "1", "2", "3", "4"]


async def test_nothing_survives_the_place(place: Place) -> None:
    await bash(place, "while true; do date +%N > /tmp/clock; sleep 0.01; done", background=True)
    await asyncio.sleep(0.2)
    await place.close()
    before = await place.sandbox.read_file("/tmp/clock")
    await asyncio.sleep(0.2)
    assert await place.sandbox.read_file("/tmp/clock") == before


async def test_a_call_that_is_cancelled_leaves_a_usable_shell(place: Place) -> None:
    shell = Shell.of(place)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await shell.run("sleep 60", timeout_sec=60)
    assert (await shell.run("echo $((1 + 1))", timeout_sec=5)).out == "2\n"


async def test_other_tools_work_beside_the_shell_and_take_nothing_of_it_along(place: Place) -> None:
    await bash(place, "cd /tmp; kept=yes; (sleep 78; echo never) &")
    await bash(place, "sleep 0.5; echo from the job > /tmp/seen; sleep 79", background=True)
    await Write().call(place, WriteArguments(path="note.txt", content="hello\n"))
    assert "hello" in (await Read().call(place, ReadArguments(path="note.txt"))).text
    left = await place.sandbox.run(["sh", "-c", "setsid sleep 80 & sleep 81 & echo out"], timeout_sec=20)
    assert left.stdout == "out\n"
    stopped = await place.sandbox.run(["sh", "-c", "setsid sleep 82 & sleep 83"], timeout_sec=0.5)
    assert stopped.timed_out
    assert (await bash(place, "sleep 0.6; echo $kept $PWD; cat /tmp/seen")).text == "yes /tmp\nfrom the job"
    assert await sleeping(place, "78") and await sleeping(place, "79")
    for ended in ("80", "81", "82", "83"):
        assert not await sleeping(place, ended)


async def test_in_docker_a_shell_stays_with_jobs_beside_other_tools_and_ends_before_the_change_is_taken() -> None:
    backend, spec = backend_called("docker"), SandboxSpec()
    async with running(backend, spec) as sandbox:
        place = Place(sandbox, backend, task_of(spec))
        await bash(place, "mkdir deep && cd deep && say() { echo $1 $word; }; word=kept")
        assert (
            "job 1: running" in (await bash(place, "while :; do date > clock; sleep 0.01; done", background=True)).text
        )
        await Write().call(place, WriteArguments(path="deep/note.txt", content="hello\n"))
        assert (await bash(place, "say hi; cat note.txt")).text == "hi kept\nhello"
        assert "[stopped after 0.3 s]" in (await bash(place, "while :; do :; done", timeout_sec=0.3)).text
        assert "new shell" in (await bash(place, "kill -9 -1")).text
        assert (await bash(place, "pwd; echo ${word:-nothing}")).text.endswith("nothing")
        await bash(place, "while :; do date +%N > ticking; done", background=True)
        await place.close()
        assert {"deep/note.txt", "deep/clock"} <= {change.path for change in (await sandbox.diff()).changes}
        before = await sandbox.read_file("ticking")
        await asyncio.sleep(0.2)
        assert await sandbox.read_file("ticking") == before


@pytest.mark.slow
async def test_in_docker_what_the_shell_writes_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("environments._docker_sandbox._STREAM_WATCH_SEC", 0.5)
    backend, spec = backend_called("docker"), SandboxSpec(limits=Limits(disk_mb=20))
    async with running(backend, spec) as sandbox:
        place = Place(sandbox, backend, task_of(spec))
        answer = await bash(
            place, "for n in 1 2 3 4; do head -c 15000000 /dev/zero > $n; done; sleep 30", timeout_sec=40
        )
        assert "more than 20 MB were written" in answer.text and "new shell" in answer.text
        await place.close()


async def test_without_python_each_call_is_a_shell_of_its_own(bubblewrap: Backend, tmp_path: Path) -> None:
    for name in ("bash", "sh", "mkdir", "basename", "sleep"):
        (tmp_path / name).symlink_to(f"/bin/{name}")
    spec = SandboxSpec(layers=(tmp_path,), env={"PATH": "/workspace"})
    async with running(bubblewrap, spec) as sandbox:
        place, tool = Place(sandbox, bubblewrap, task_of(spec)), Bash()
        await tool.call(place, BashArguments(command="mkdir sub; cd sub"))
        assert (await tool.call(place, BashArguments(command="basename $PWD; (exit 2)"))).text == "sub\n[exit code 2]"
        refused = await tool.call(place, BashArguments(command="sleep 1", background=True))
        assert refused.is_error and "python3 does not run here" in refused.text


async def test_where_no_shell_is_kept_each_call_begins_anew(bubblewrap: Backend) -> None:
    async with running(bubblewrap, SandboxSpec()) as sandbox:
        place, tool = Place(sandbox, bubblewrap, task_of(SandboxSpec())), Bash(keeps_shell=False)
        await sandbox.write_files({"/tmp/a/run.sh": b"cd /\necho $PWD $0 >&2\nexit 3\n"})
        answer = await tool.call(place, BashArguments(command="bash /tmp/a/run.sh"))
        assert answer.text == "[stderr]\n/ /tmp/a/run.sh\n[exit code 3]"
        await tool.call(place, BashArguments(command="cd /tmp; kept=yes"))
        told = await tool.call(
            place, BashArguments(command="echo $PWD ${kept:-nothing} && bash /tmp/a/run.sh; echo on")
        )
        assert told.text.startswith("/workspace nothing\non\n[stderr]")
