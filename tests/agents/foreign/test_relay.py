"""The way from a sandbox without network to one model, on both backends."""

import pytest

from agents.errors import AgentFault
from agents.foreign.relay import Command, Reply, Request, run_with_model
from environments import Backend, SandboxSpec, get_backend, running

ASK = """
import sys, threading, urllib.request
url, got = sys.argv[1], {}
def ask(number):
    got[number] = urllib.request.urlopen(url + str(number), data=b"x" * number).read().decode()
threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 21)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(sorted(got.values(), key=int), open("/tmp/config").read())
sys.exit(7)
"""


@pytest.fixture(params=["bubblewrap", "docker"])
def backend(request: pytest.FixtureRequest) -> Backend:
    found = get_backend(request.param)
    if missing := found.missing():
        pytest.skip("; ".join(missing))
    return found


async def test_requests_at_once_are_answered_each_with_its_own(backend: Backend) -> None:
    asked: list[Request] = []

    async def answer(request: Request) -> Reply:
        asked.append(request)
        return Reply(200, str(len(request.body)).encode(), "text/plain")

    command = Command(["python3", "-c", ASK, "http://127.0.0.1:{port}/v1/"], files={"/tmp/config": "port {port}"})
    async with running(backend, SandboxSpec()) as sandbox:
        ended = await run_with_model(sandbox, command, answer)
        assert (await sandbox.run(["cat", "/tmp/config"], timeout_sec=30)).stdout.startswith("port ")
    assert ended.code == 7
    assert ended.output.startswith(str([str(number) for number in range(1, 21)])) and "{port}" not in ended.output
    assert sorted(len(request.body) for request in asked) == list(range(1, 21))
    assert {request.path for request in asked} == {f"/v1/{number}" for number in range(1, 21)}


async def test_what_answering_raises_ends_the_command(bubblewrap: Backend) -> None:
    async def answer(request: Request) -> Reply:
        raise AgentFault("no more")

    command = Command(
        ["python3", "-c", "import sys, urllib.request as u; u.urlopen(sys.argv[1])", "http://127.0.0.1:{port}/"]
    )
    async with running(bubblewrap, SandboxSpec()) as sandbox:
        with pytest.raises(AgentFault, match="no more"):
            await run_with_model(sandbox, command, answer)
        assert (await sandbox.run(["pgrep", "-c", "python3"], timeout_sec=30)).stdout.strip() in ("", "0")


async def test_a_command_that_is_not_there_says_so(bubblewrap: Backend) -> None:
    async def answer(request: Request) -> Reply:
        raise AssertionError

    async with running(bubblewrap, SandboxSpec()) as sandbox:
        ended = await run_with_model(sandbox, Command(["no-such-agent"]), answer)
    assert (ended.code, ended.output) == (127, "no-such-agent: No such file or directory")
