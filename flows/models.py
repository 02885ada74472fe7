"""Models by name: from the settings, from an endpoint given there, or served for the length of a flow."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from agents.models import LOCAL, ModelConfig
from flows.engines.setting import Engine, is_loopback
from flows.errors import UsageError
from flows.offered import offered
from flows.settings import load_settings
from tasks.lm import LmConfig

AT_ONCE = 2  # requests of a generation
ROUTE = "route:"
"""What `--model route:FILE` starts with: no model, a rule file that chooses one for each rollout (routing.py)."""


@contextmanager
def serving(names: Iterable[str]) -> Iterator[dict[str, str]]:
    """Start what must be served here, for the length of the block; name -> base URL.

    That is `local`, and models of gristmill.yaml that have `weights` and no `base_url`.
    """
    with ExitStack() as stack:
        urls: dict[str, str] = {}
        if mine := [name for name in sorted(set(names)) if is_served_here(name)]:
            from anyio.from_thread import start_blocking_portal

            portal = stack.enter_context(start_blocking_portal())
            for name in mine:
                config = stack.enter_context(portal.wrap_async_context_manager(_server_of(name)))
                urls[name] = config.base_url
        yield urls


def is_served_here(name: str) -> bool:
    """Whether no endpoint is given for it: Gristmill starts one."""
    entry = load_settings().models.get(name, {})
    return name == LOCAL.name or bool(entry.get("weights") and not entry.get("base_url"))


def resolve(name: str, endpoints: Mapping[str, str]) -> ModelConfig:
    """The model's configuration, its key included. Raises UsageError listing the names there are."""
    if (own := offered(name)) is not None:
        return own
    if name.startswith(ROUTE):
        raise UsageError(f"--model {name}: a route chooses models for `gristmill rollout` alone; give one model's name")
    settings = load_settings()
    if name == LOCAL.name and name in endpoints:
        return LOCAL.model_copy(update={"base_url": endpoints[name]})
    if name in settings.models:
        entry = settings.models[name]
        try:
            if name in endpoints:
                return _as_served(name, entry, endpoints[name])
            return ModelConfig.model_validate({"name": name, **entry})
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
            raise UsageError(f"gristmill.yaml: models: {name}: {problems}") from error
    if settings.base_url:
        return ModelConfig(name=name, model=name, base_url=settings.base_url, api_key=settings.api_key)
    known = ", ".join(sorted({LOCAL.name, *settings.models}))
    raise UsageError(
        f"no model {name!r}; there are: {known}. Add it under `models:` in gristmill.yaml, "
        "or set GRISTMILL_BASE_URL to an OpenAI-compatible endpoint that serves it"
    )


def for_workers(models: Mapping[str, ModelConfig], engine: Engine) -> dict[str, ModelConfig]:
    """The same for processes elsewhere, with their keys: those travel from this process to the workers alone.

    Raises UsageError for an endpoint on this machine's loopback where workers may run on other machines.
    """
    if engine.has_other_machines:
        for name, model in models.items():
            hosts = [urlsplit(url).hostname or "" for url in (model.base_url, *model.replicas)]
            if any(is_loopback(host) for host in hosts):
                raise UsageError(
                    f"model {name} is served at {model.base_url}, which workers on other machines do not reach: serve "
                    "it at an address that they do (gristmill serve --host), and give that as its base_url"
                )
    return fresh(models)


def fresh(models: Mapping[str, ModelConfig]) -> dict[str, ModelConfig]:
    """Copies: an endpoint's connections live in one event loop, and each batch has its own."""
    return {name: ModelConfig.model_validate(dict(model)) for name, model in models.items()}


def _server_of(name: str) -> AbstractAsyncContextManager[ModelConfig]:
    if name == LOCAL.name:
        from agents.local_model import local_model

        return local_model()
    from agents.serving import served
    from flows.serving import entry_config

    return served(entry_config(name, load_settings().models[name]))


def _as_served(name: str, entry: Mapping[str, Any], url: str) -> ModelConfig:
    """The entry with what its kind of server needs (served name, kind of token ids) where it says nothing."""
    from agents.serving import get_server, kind_of
    from flows.serving import entry_config

    config = entry_config(name, entry)
    known = get_server(kind_of(config)).models(config, [url])[0].model_dump(exclude_defaults=True)
    said = {field: value for field, value in entry.items() if field not in ("model", "base_url")}
    return ModelConfig.model_validate({**known, **said, "name": name})


def lm_config(model: ModelConfig, *, seed: int, cache: Path, at_once: int | None = None) -> LmConfig:
    """The same model as generation asks it; its answers are kept below `cache`, so that a killed run pays once.

    `at_once`: the run's share of a limit on the model.
    """
    return LmConfig(
        at_once=min(AT_ONCE, at_once or AT_ONCE),
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
