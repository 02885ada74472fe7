"""Settings from the environment and from `gristmill.yaml`: the only file that reads either.

Order, first wins: command-line option, environment variable (`GRISTMILL_…`), `gristmill.yaml` in the
current folder, default.
"""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from flows.engines import EngineName

BackendName = Literal["bubblewrap", "docker"]


class Settings(BaseSettings):
    """What a person may set once for all commands. Never stored, never logged."""

    model_config = SettingsConfigDict(env_prefix="GRISTMILL_", yaml_file="gristmill.yaml", extra="forbid", frozen=True)

    store: str = Field(".gristmill", description="folder, or database URL such as postgresql+psycopg://…")
    blobs: str | None = Field(None, description="where bodies go when the store is a database URL (fsspec URL)")
    cache: Path = Field(Path("~/.cache/gristmill"), description="sources, environments, images")
    backend: str = "bubblewrap"
    jobs: int = Field(2, gt=0, description="sandboxes at the same time")
    engine: EngineName = Field("local", description="where batches run: local, ray, dask, or a cluster's address")
    docker_host: str | None = Field(None, description="socket of Docker or Podman; None: Docker's default")
    docker_base_image: str | None = Field(None, description="registry tag to build on, instead of a debootstrap")
    docker_keep: bool = Field(True, description="keep one container an image for all its sandboxes, where that can be")
    grace_sec: float = Field(10.0, ge=0, description="what is under way may take so long to end after SIGTERM")
    store_patience_sec: float = Field(120.0, ge=0, description="how long a database that is away is waited for")
    models: dict[str, dict[str, Any]] = Field(default_factory=dict, description="models by name")
    agents: dict[str, dict[str, Any]] = Field(default_factory=dict, description="foreign agents by name")
    base_url: str | None = Field(None, description="OpenAI-compatible endpoint for --model NAME not in `models`")
    api_key: SecretStr | None = None

    @property
    def cache_folder(self) -> Path:
        return self.cache.expanduser().absolute()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls)


def environment_secrets() -> dict[str, str]:
    """Environment variables whose names say that they are secret: their values are never stored."""
    from trajectories.redaction import secret_values

    return secret_values(os.environ)


def load_settings(**overrides: Any) -> Settings:
    """Settings with the command line's options (those that are not None) on top.

    Raises UsageError naming the variable or field that is wrong.
    """
    from pydantic import ValidationError

    from flows.errors import UsageError

    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise UsageError(
            "settings: "
            + "; ".join(
                f"{'.'.join(map(str, item['loc']))}: {item['msg']} (from an option, GRISTMILL_… or gristmill.yaml)"
                for item in error.errors()
            )
        ) from error
