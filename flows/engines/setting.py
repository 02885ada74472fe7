"""The setting `engine`: `--engine`, `GRISTMILL_ENGINE`, `engine:` in gristmill.yaml, pipelines and deployments."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator

from flows.errors import UsageError

Kind = Literal["local", "ray", "dask"]

FORMS = (
    "local, ray or dask (a cluster on this machine, for the length of the run), ray://HOST:PORT (a Ray client server, "
    "from anywhere), ray:HOST:PORT (from a machine of that Ray cluster), tcp://HOST:PORT or tls://HOST:PORT "
    "(a Dask scheduler)"
)
_PACKAGES = {"ray": ("prefect_ray", "ray"), "dask": ("prefect_dask", "distributed")}


@dataclass(frozen=True)
class Engine:
    """`address`: as the engine's own client takes it; empty for a cluster that is started for the run."""

    kind: Kind
    address: str = ""

    @property
    def is_local(self) -> bool:
        """Batches run in the flow's own process."""
        return self.kind == "local"

    @property
    def host(self) -> str:
        return urlsplit(self._url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self._url).port or 0

    @property
    def has_other_machines(self) -> bool:
        """Its workers may run elsewhere: what listens on this machine's loopback is not reached from there."""
        return bool(self.address) and not is_loopback(self.host)

    @property
    def _url(self) -> str:
        return self.address if "://" in self.address else f"ray://{self.address}"

    def __str__(self) -> str:
        if not self.address or "://" in self.address:
            return self.address or self.kind
        return f"{self.kind}:{self.address}"


def read_engine(text: str) -> Engine:
    """Raises ValueError saying what may be given."""
    if text in ("local", "ray", "dask"):
        return Engine(text)  # type: ignore[arg-type]  # one of Kind
    kind: Kind = "ray" if text.startswith("ray:") else "dask"
    plain = text.startswith("ray:") and not text.startswith("ray://")
    engine = Engine(kind, text.removeprefix("ray:") if plain else text)
    try:
        is_whole = bool(engine.host and engine.port)
    except ValueError:  # a port that is no number
        is_whole = False
    if not is_whole or not text.startswith(("ray:", "tcp://", "tls://")):
        raise ValueError(f"{text!r} is no engine; give {FORMS}")
    return engine


def _checked(text: str) -> str:
    return str(read_engine(text))


EngineName = Annotated[str, AfterValidator(_checked)]
"""A setting's or request's field: checked where it is read."""


def check_installed(engine: Engine) -> None:
    """Raises UsageError naming the extra."""
    if missing := [name for name in _PACKAGES.get(engine.kind, ()) if find_spec(name) is None]:
        raise UsageError(
            f"engine {engine}: {' and '.join(missing)} cannot be imported here: "
            f"pip install 'gristmill[{engine.kind}]', here and where its workers run"
        )


def check_reachable(engine: Engine, api_url: str | None) -> None:
    """Each batch tells Prefect's server how it goes. Raises UsageError where workers would not reach the server.

    `api_url`: of the user's own server; None: one of ours, on loopback, which workers on this machine share.
    """
    if engine.has_other_machines and (api_url is None or is_loopback(urlsplit(api_url).hostname or "")):
        raise UsageError(
            f"engine {engine}: its workers do not reach {api_url or 'a Prefect server on loopback'}; start one that "
            "they do (prefect server start --host 0.0.0.0) and set PREFECT_API_URL=http://THIS_HOST:4200/api"
        )


def is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")
