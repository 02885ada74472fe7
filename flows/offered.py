"""Models that a flow serves itself, such as one that it has just trained: known by name for the length of a block."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from agents.models import ModelConfig

_offered: ContextVar[Mapping[str, ModelConfig] | None] = ContextVar("gristmill_offered_models", default=None)


@contextmanager
def offering(model: ModelConfig) -> Iterator[None]:
    """`resolve(model.name)` finds it in the block, in any thread that Prefect starts there."""
    token = _offered.set({**(_offered.get() or {}), model.name: model})
    try:
        yield
    finally:
        _offered.reset(token)


def offered(name: str) -> ModelConfig | None:
    """A fresh copy, or None: an endpoint's connections live in one event loop, and each batch has its own."""
    found = (_offered.get() or {}).get(name)
    return ModelConfig.model_validate(dict(found)) if found else None
