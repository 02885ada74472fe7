"""What a sandbox should be: plain data, the same for every backend."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Limits(BaseModel):
    """Ceilings of one sandbox. A command that hits one is killed and its result says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory_mb: int = Field(2048, gt=0, description="RAM of all processes and in-memory files, in MiB")
    cpus: float = Field(1.0, gt=0, description="cores' worth of CPU time")
    pids: int = Field(256, gt=0, description="processes and threads at one time")
    disk_mb: int = Field(1024, gt=0, description="what may be written below the working directory, in MiB")
    lifetime_sec: float = Field(3600.0, gt=0, description="wall clock of the whole sandbox, seconds")
    output_bytes: int = Field(1_000_000, gt=0, description="kept of each output stream of one command")


class Mount(BaseModel):
    """A host folder shown in the sandbox.

    A read-only source must never change after its first use: backends may bake it into an image
    that they find again by `source`'s resolved path, so sources are content-addressed folders.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Path
    target: str = Field(description="absolute path in the sandbox")
    read_only: bool = True


class Service(BaseModel):
    """A server inside the sandbox, reached by its port on 127.0.0.1 and in no other way.

    `program` is Python source that uses the standard library alone. It runs as `__main__` with two names given:
    `DATA`, the bytes of `data` (empty without), and `PORT`; it listens on ("127.0.0.1", PORT) until it is killed.
    What it prints is kept for error messages. Neither file is shown to the agent's processes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    program: Path = Field(description="host file")
    data: Path | None = Field(None, description="host file, any bytes")
    port: int = Field(8000, ge=1024, le=65535)
    ready: str = Field("/", pattern=r"^/\S*$", description="path that answers GET with 200 once the service works")
    ready_timeout_sec: float = Field(20.0, gt=0)


class SandboxSpec(BaseModel):
    """One sandbox: what it is made of, what it may do.

    `layers` are host folders, lowest first; stacked they are the first contents of `workdir`.
    They are never written to: changes live and die with the sandbox.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    layers: tuple[Path, ...] = ()
    mounts: tuple[Mount, ...] = ()
    workdir: str = "/workspace"
    env: dict[str, str] = Field(default_factory=dict)
    network: bool = False
    limits: Limits = Limits()
    services: tuple[Service, ...] = Field((), description="running before the first command, until the sandbox stops")
    image: str | None = Field(None, description="image tag that the task asks for")
    build_context: Path | None = Field(None, description="folder with a Dockerfile; Docker builds it")

    @field_validator("services")
    @classmethod
    def _do_not_meet(cls, services: tuple[Service, ...]) -> tuple[Service, ...]:
        for what in ("name", "port"):
            values = [getattr(service, what) for service in services]
            if twice := sorted({value for value in values if values.count(value) > 1}):
                raise ValueError(f"two services have the same {what}: {twice[0]}")
        return services
