"""llama.cpp by xllamacpp: any GGUF file on the CPU, with LoRA adapters (GGUF files, PEFT's folders) by the request.

`python -m agents.serving.llama_cpp` is the server's process: it reads its settings as JSON from the command line.
"""

import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from agents.models import ModelConfig
from agents.serving._entries import entry, is_installed, threads_of
from agents.serving.config import ServeConfig
from agents.serving.errors import ServingFault
from agents.serving.lora import Base, problems_of, write_lora_gguf
from agents.serving.peft import is_peft

SLOTS = 2


class LlamaCpp:
    kind: ClassVar[str] = "llama.cpp"

    def missing(self, config: ServeConfig) -> list[str]:
        lacks = [] if is_installed("xllamacpp") else ["xllamacpp is not installed: make model"]
        folders = [path for path in config.lora.values() if is_peft(path)]
        for file in (Path(config.weights), *(path for path in config.lora.values() if path not in folders)):
            if not file.is_file():
                lacks.append(f"{file}: no such file (llama.cpp takes GGUF files, adapters also as folders of PEFT's)")
            elif not _is_gguf(file):
                lacks.append(f"{file}: not a GGUF file")
        if folders and not is_installed("gguf"):
            lacks.append(f"{folders[0]}: to read it gguf is needed: pip install gguf")
        return [*lacks, *(problem for folder in folders for problem in problems_of(folder))]

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
        """An adapter is the same model with its scale in each request; the model itself, with all of them off.

        Each request tells the scales of all: one that tells none is taken to have those of the request before it in its
        slot, and goes on from what that one has computed, with the adapter.
        """
        found = []
        for name in ("", *config.lora):
            scales = [{"id": number, "scale": float(each == name)} for number, each in enumerate(config.lora)]
            body = {"lora": scales} if scales else {}
            found.append(entry(config, urls, name=name, model=config.name, tokens="llama.cpp", extra_body=body))
        return found


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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the folder goes in any case
    with tempfile.TemporaryDirectory(prefix="gristmill-lora-") as folder:  # all is in memory once it listens
        try:
            adapters = _as_gguf(Path(settings["weights"]), [Path(each) for each in settings["lora"]], Path(folder))
        except ServingFault as fault:
            sys.exit(str(fault))
        if adapters:
            # Scale 0: off unless a request names it, so that the model itself stays what it is.
            parameters.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(file), 0.0) for file in adapters]
        server = xllamacpp.Server(parameters)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.stdout.write(f"listening at {server.listening_address}\n")
    sys.stdout.flush()
    signal.pause()


def _as_gguf(weights: Path, adapters: Sequence[Path], folder: Path) -> list[Path]:
    """Those of PEFT's written as GGUF files into the folder, the others as they are."""
    base = Base.read(weights) if any(map(is_peft, adapters)) else None
    found = []
    for number, adapter in enumerate(adapters):
        if base is not None and is_peft(adapter):
            write_lora_gguf(base, adapter, folder / f"{number}.gguf")
            adapter = folder / f"{number}.gguf"
        found.append(adapter)
    return found


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
