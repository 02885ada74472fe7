"""What is to be served, and how: plain data, the same for every kind of server."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from agents.serving.peft import rank_of


class ServeConfig(BaseModel):
    """One model on one or several servers of this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    name: str = Field(pattern=r"^[\w.-]+$", description="how Gristmill and the server's clients call it")
    weights: str = Field(description="GGUF file, folder of safetensors, or a name that the server can find itself")
    kind: str = Field("auto", description="vllm, sglang, transformers, llama.cpp; auto: see registry.kind_of")
    lora: dict[str, Path] = Field(default_factory=dict, description="adapters by name, served beside the model")
    replicas: int = Field(1, gt=0)
    host: str = "127.0.0.1"
    port: int = Field(0, ge=0, lt=65536, description="of the first replica, the others follow; 0: free ones")
    context_length: int = Field(8192, gt=0, description="of one conversation, in tokens")
    slots: int = Field(0, ge=0, description="answers of one replica at the same time; 0: the kind's own default")
    gpus: int = Field(1, gt=0, description="of each replica, over which the weights are split (vLLM, SGLang)")
    threads: int = Field(0, ge=0, description="CPU threads of a replica; 0: the cores, shared by the replicas")
    tool_parser: str = Field("", description="the server's parser of native tool calls, e.g. hermes (vLLM, SGLang)")
    tool_calling: Literal["auto", "native", "json"] = Field("auto", description="auto: native with a tool_parser")
    max_lora_rank: int = Field(0, ge=0, description="vLLM, SGLang; 0: of the adapters, 64 where they do not tell it")
    extra: tuple[str, ...] = Field((), description="further flags of the server's own command")
    logs: Path | None = Field(None, description="folder of the servers' output; None: kept until they are stopped")
    startup_sec: float = Field(120.0, gt=0, description="until a replica is healthy; large models need more")
    health_sec: float = Field(10.0, gt=0, description="between two looks at a replica that runs")
    restarts: int = Field(5, ge=0, description="of a replica in a row, without being healthy between them")

    @property
    def lora_rank(self) -> int:
        """The highest of the adapters, or the one that is given."""
        return self.max_lora_rank or max((rank_of(path) for path in self.lora.values()), default=0) or 64

    @property
    def calls(self) -> Literal["native", "json"]:
        """How the model's tool calls are written."""
        if self.tool_calling != "auto":
            return self.tool_calling
        return "native" if self.tool_parser else "json"
