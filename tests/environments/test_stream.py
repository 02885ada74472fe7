"""A command that is talked with while it runs, under both backends."""

import asyncio

import pytest

from environments import Backend, SandboxGone, SandboxSpec, running
from environments.sandbox import Stream

ECHO = "import sys\nfor line in sys.stdin: print(line.strip().upper(), flush=True)"


async def read_all(stream: Stream, size: int) -> bytes:
    data = b""
    while len(data) < size and (part := await asyncio.wait_for(stream.read(), 20)):
        data += part
    return data


async def test_each_question_is_answered_before_the_next(backend: Backend, spec: SandboxSpec) -> None:
    async with running(backend, spec) as sandbox:
        stream = await sandbox.open(["python3", "-c", ECHO])
        for word in (b"one", b"two"):
            await stream.write(word + b"\n")
            assert await read_all(stream, 4) == word.upper() + b"\n"
        await stream.close()
        await stream.close()
        assert (await sandbox.run(["pwd"], timeout_sec=10)).stdout.strip() == spec.workdir


async def test_much_goes_both_ways_at_once(backend: Backend, spec: SandboxSpec) -> None:
    lines = b"".join(b"%07d\n" % number for number in range(100_000))
    async with running(backend, spec) as sandbox:
        stream = await sandbox.open(["cat"])
        writing = asyncio.create_task(stream.write(lines))
        assert await read_all(stream, len(lines)) == lines
        await writing
        await stream.close()


async def test_the_end_is_seen_and_what_it_complained_of_is_kept(
    backend: Backend, spec: SandboxSpec, *, is_kept: bool
) -> None:
    async with running(backend, spec) as sandbox:
        stream = await sandbox.open(["sh", "-c", "echo no >&2; exit 3"])
        assert await asyncio.wait_for(stream.read(), 20) == b""
        await asyncio.sleep(0.1)
        assert stream.errors() == "no\n"
        if is_kept:  # a pipe tells at once; Docker's daemon takes the words, and drops them
            with pytest.raises(SandboxGone):
                await stream.write(b"x" * 100_000)
        await stream.close()


async def test_closing_kills_and_stopping_closes(backend: Backend, spec: SandboxSpec) -> None:
    async with running(backend, spec) as sandbox:
        stream = await sandbox.open(["sh", "-c", "echo begun; sleep 1; echo late > late; sleep 60"])
        assert await read_all(stream, 6) == b"begun\n"
        await stream.close()
        assert await stream.read() == b""
        await asyncio.sleep(1.2)
        assert (await sandbox.run(["ls"], timeout_sec=10)).stdout.split().count("late") == 0
        other = await sandbox.open(["sh", "-c", "echo begun; sleep 60"])
        assert await read_all(other, 6) == b"begun\n"
    assert await asyncio.wait_for(other.read(), 20) == b""
    await other.close()
