"""llama.cpp by xllamacpp: any GGUF file on the CPU, with LoRA adapters (GGUF files too) chosen by the request.

`python -m agents.serving.llama_cpp` is the server's process: it reads its settings as JSON from the command line.
"""

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from agents.models import ModelConfig
from agents.serving._entries import entry, is_installed
from agents.serving.config import ServeConfig

SLOTS = 2


class LlamaCpp:
    kind: ClassVar[str] = "llama.cpp"

    def missing(self, config: ServeConfig) -> list[str]:
        lacks = [] if is_installed("xllamacpp") else ["xllamacpp is not installed: make model"]
        for file in (config.weights, *map(str, config.lora.values())):
            if not Path(file).is_file():
                lacks.append(f"{file}: no such file (llama.cpp takes GGUF files)")
            elif not _is_gguf(Path(file)):
                lacks.append(f"{file}: not a GGUF file")
        return lacks

    def command(self, config: ServeConfig, replica: int, port: int) -> list[str]:
        slots = config.slots or SLOTS
        settings = {
            "weights": config.weights,
            "name": config.name,
            "host": config.host,
            "port": port,
            "slots": slots,
            "context": config.context_length * slots,
            "threads": config.threads or threads_of(config.replicas),
            "lora": [str(path) for path in config.lora.values()],
        }
        return [sys.executable, "-P", "-m", "agents.serving.llama_cpp", json.dumps(settings)]

    def environment(self, config: ServeConfig, replica: int) -> dict[str, str]:
        return {}

    def models(self, config: ServeConfig, urls: Sequence[str]) -> list[ModelConfig]:
        """An adapter is the same model with its scale in each request; without it all are off."""
        found = [entry(config, urls, tokens="llama.cpp")]
        for number, name in enumerate(config.lora):
            body = {"lora": [{"id": number, "scale": 1.0}]}
            found.append(entry(config, urls, name=name, model=config.name, tokens="llama.cpp", extra_body=body))
        return found


def threads_of(replicas: int) -> int:
    """Of a replica, with a core left for what else runs.

    llama.cpp's threads wait for each other many times a token, spinning: where one of them does not get its core, all
    stand still (seen on two busy cores: no answer of two threads in five minutes, where one thread went on).
    """
    return max(1, ((os.cpu_count() or 1) - 1) // replicas)


def _is_gguf(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(4) == b"GGUF"


def main(settings: dict[str, Any]) -> None:
    """Load, serve until killed."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = settings["weights"]
    parameters.model_alias = {settings["name"]}
    parameters.n_ctx = settings["context"]
    parameters.n_parallel = settings["slots"]
    parameters.hostnames = [settings["host"]]
    parameters.port = settings["port"]
    parameters.cpuparams.n_threads = settings["threads"]
    if settings["lora"]:
        # Scale 0: off unless a request names it, so that the model itself stays what it is.
        parameters.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 0.0) for path in settings["lora"]]
    server = xllamacpp.Server(parameters)
    sys.stdout.write(f"listening at {server.listening_address}\n")
    sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
