"""Kinds of servers by name; users add theirs by the entry point group `gristmill.servers`."""

from pathlib import Path

from agents.serving._entries import has_gpu, is_installed
from agents.serving.config import ServeConfig
from agents.serving.errors import ServingFault
from agents.serving.server import Server
from environments.named import Named

SERVERS = Named(
    "kind of server",
    "gristmill.servers",
    {
        "vllm": "agents.serving.vllm:Vllm",
        "sglang": "agents.serving.sglang:Sglang",
        "transformers": "agents.serving.transformers:Transformers",
        "llama.cpp": "agents.serving.llama_cpp:LlamaCpp",
    },
    ServingFault,
)


def server_kinds() -> list[str]:
    return SERVERS.names()


def get_server(kind: str) -> Server:
    """Raises ServingFault listing the kinds that there are."""
    if kind not in server_kinds():
        raise ServingFault(f"no kind of server is called {kind!r}; there are: auto, {', '.join(server_kinds())}")
    server: Server = SERVERS[kind]()
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
