"""The Server protocol: how one kind of server is started, and how its model and adapters are called afterwards."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

from agents.models import ModelConfig
from agents.serving.config import ServeConfig


class Server(Protocol):
    """Without state: everything that differs from run to run is in the ServeConfig.

    Every kind answers `GET /health` with 200 once the model is loaded, and OpenAI's API under `/v1`.
    """

    kind: ClassVar[str]

    def missing(self, config: ServeConfig) -> list[str]:
        """What this machine lacks for it, each with what to do; empty if it can start."""

    def command(self, config: ServeConfig, replica: int, port: int) -> list[str]:
        """The command line of one replica (counted from 0). Raises ServingFault for what the kind cannot do."""

    def environment(self, config: ServeConfig, replica: int) -> dict[str, str]:
        """Variables beside this process's own."""

    def models(self, config: ServeConfig, urls: Sequence[str]) -> list[ModelConfig]:
        """The model first, then one entry an adapter, in the order of `config.lora`. `urls` end with /v1."""
