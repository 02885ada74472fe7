"""The student's models, served one at a time for the rollouts of a step."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.models import LOCAL, ModelConfig
from flows.flywheel.request import FlywheelRequest
from flows.offered import offering

UNTRAINED = 0


def model_name(request: FlywheelRequest, number: int) -> str:
    """How the student's model after round `number` is called in keys and tables; 0: untrained."""
    return f"{request.name}-{number}"


def base_weights(request: FlywheelRequest) -> Path:
    """The GGUF file that all begins with. Raises ModelUnavailable, UsageError."""
    if request.model == LOCAL.name:
        from agents.local_model import model_file

        return model_file()
    from flows.errors import UsageError

    file = Path(request.model)
    if not file.is_file():
        raise UsageError(f"model {request.model}: there is no such GGUF file; give one, or `local`")
    return file


@contextmanager
def student(request: FlywheelRequest, number: int, weights: Path) -> Iterator[str]:
    """Serve the weights after round `number` for the block; gives the model's name."""
    from anyio.from_thread import start_blocking_portal

    from agents.local_model import local_model

    name = model_name(request, number)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(local_model(weights=weights)) as served,
        offering(_as_asked(served, request, name)),
    ):
        yield name


def _as_asked(served: ModelConfig, request: FlywheelRequest, name: str) -> ModelConfig:
    student = request.student
    return ModelConfig.model_validate(
        {**dict(served), "name": name, "max_tokens": student.max_tokens, "temperature": student.temperature}
    )
