"""Kinds of servers by name; users add theirs by the entry point group `gristmill.servers`."""

from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from agents.serving._entries import has_gpu, is_installed
from agents.serving.config import ServeConfig
from agents.serving.errors import ServingFault
from agents.serving.server import Server

GROUP = "gristmill.servers"
_OURS = {
    "vllm": "agents.serving.vllm:Vllm",
    "sglang": "agents.serving.sglang:Sglang",
    "transformers": "agents.serving.transformers:Transformers",
    "llama.cpp": "agents.serving.llama_cpp:LlamaCpp",
}


def server_kinds() -> list[str]:
    return sorted({*_OURS, *(point.name for point in entry_points(group=GROUP))})


def get_server(kind: str) -> Server:
    """Raises ServingFault listing the kinds that there are."""
    points = {point.name: point.value for point in entry_points(group=GROUP)}
    target = _OURS.get(kind) or points.get(kind)
    if target is None:
        raise ServingFault(f"no kind of server is called {kind!r}; there are: auto, {', '.join(server_kinds())}")
    module, _, name = target.partition(":")
    server: Server = getattr(import_module(module), name)()
    return server


def kind_of(config: ServeConfig) -> str:
    """`auto`: llama.cpp for GGUF; else vLLM or SGLang, whichever is there with a GPU; else transformers."""
    if config.kind != "auto":
        return config.kind
    if Path(config.weights).suffix == ".gguf":
        return "llama.cpp"
    if has_gpu():
        for kind in ("vllm", "sglang"):
            if is_installed(kind):
                return kind
    return "transformers"
