"""Models by name: from the settings, from an endpoint given there, or the small local one, served for a flow."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from agents.models import LOCAL, ModelConfig
from flows.errors import UsageError
from flows.settings import load_settings
from tasks.lm import LmConfig


@contextmanager
def serving(names: Iterable[str]) -> Iterator[dict[str, str]]:
    """Start what must be served here (only `local`) for the length of the block; name -> base URL."""
    with ExitStack() as stack:
        urls: dict[str, str] = {}
        if LOCAL.name in names:
            from anyio.from_thread import start_blocking_portal

            from agents.local_model import local_model

            portal = stack.enter_context(start_blocking_portal())
            config = stack.enter_context(portal.wrap_async_context_manager(local_model()))
            urls[LOCAL.name] = config.base_url
        yield urls


def resolve(name: str, endpoints: Mapping[str, str]) -> ModelConfig:
    """The model's configuration, its key included. Raises UsageError listing the names there are."""
    settings = load_settings()
    if name in endpoints:
        return LOCAL.model_copy(update={"base_url": endpoints[name]})
    if name in settings.models:
        return ModelConfig.model_validate({"name": name, **settings.models[name]})
    if settings.base_url:
        return ModelConfig(name=name, model=name, base_url=settings.base_url, api_key=settings.api_key)
    known = ", ".join(sorted({LOCAL.name, *settings.models}))
    raise UsageError(
        f"no model {name!r}; there are: {known}. Add it under `models:` in gristmill.yaml, "
        "or set GRISTMILL_BASE_URL to an OpenAI-compatible endpoint that serves it"
    )


def lm_config(model: ModelConfig, *, seed: int, cache: Path) -> LmConfig:
    """The same model as generation asks it; its answers are kept below `cache`, so that a killed run pays once."""
    return LmConfig(
        base_url=model.base_url,
        model=model.model,
        api_key=model.api_key,
        temperature=model.temperature,
        max_tokens=model.max_tokens,
        seed=seed,
        timeout_sec=model.timeout_sec,
        tries=model.tries,
        price_prompt=model.price_prompt,
        price_completion=model.price_completion,
        answers=cache / "answers",
    )
