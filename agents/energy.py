"""Energy of a rollout's model calls, in watt hours, estimated from tokens; how it was got stands beside the figure.

A forward pass of a transformer takes about 2 floating point operations for each active parameter and token (Kaplan et
al., 2020, section 2.1), so joules = 2 x parameters x tokens x joules per operation. The last is power over achieved
operations: the data sheet's board power, over the peak rate times a utilisation of 30 %, which batched serving
reaches; a lone conversation on a large GPU needs several times as much, a data centre's cooling another 10 to 50 %.
Luccioni et al., "Power Hungry Processing" (2024), measured 0.047 kWh for 1,000 text generations by models of 60 million
to 11 billion parameters: the same order. It is for comparing agents and models with each other, not for a bill.

With `hardware: nvml` it is measured by the counters of this machine's GPUs instead: each rollout takes what they used
since the rollout before it ended. One figure says little where rollouts run side by side; their sum and mean are right,
as long as the GPUs do nothing else.
"""

from collections.abc import Callable
from importlib import import_module
from threading import Lock
from typing import Any

from agents.models import ModelConfig

UTILISATION = 0.3
NVML = "nvml"
HARDWARE: dict[str, tuple[float, float]] = {
    "h100": (700.0, 989e12),  # NVIDIA H100 SXM: board watts, dense BF16 operations a second
    "a100": (400.0, 312e12),  # NVIDIA A100 SXM
    "l4": (72.0, 121e12),  # NVIDIA L4
    "cpu": (15.0, 100e9),  # a core of a server under load, at AVX2's peak: 16 float32 lanes x 2 x about 3 GHz
}
"""Watts, and peak operations a second, by the names that `hardware:` of a model takes."""


def estimated_wh(billions: float, tokens: int, hardware: str) -> float:
    """Watt hours of `tokens` (read and written). Raises KeyError for a hardware that is not known."""
    watts, peak = HARDWARE[hardware]
    return 2 * billions * 1e9 * tokens * watts / (peak * UTILISATION) / 3600


class Meter:
    """Shares out what a counter of joules has gone up by. `joules`: the counter; it never goes down."""

    def __init__(self, joules: Callable[[], float]) -> None:
        self._joules = joules
        self._last = joules()
        self._lock = Lock()

    def since_last(self) -> float:
        """Watt hours since the last call, or since the meter was made: all calls together come to the whole."""
        with self._lock:
            now = self._joules()
            used, self._last = now - self._last, now
        return used / 3600


_meters: list[Meter] = []  # one at most: the GPUs are this machine's, whatever the model
_making = Lock()


def start_measuring(hardware: str) -> Meter | None:
    """The process's meter, made at the first call; None where it is not `nvml`, or where there is no NVML or GPU."""
    if hardware != NVML:
        return None
    with _making:
        if not _meters and (joules := _gpu_joules()) is not None:
            _meters.append(Meter(joules))
    return _meters[0] if _meters else None


def _gpu_joules() -> Callable[[], float] | None:
    """The sum of all GPUs' counters since the driver was loaded; None without the package, a driver, or counters."""
    try:
        nvml = import_module("pynvml")  # of nvidia-ml-py
    except ImportError:
        return None

    def joules() -> float:
        return float(sum(map(nvml.nvmlDeviceGetTotalEnergyConsumption, gpus))) / 1000  # given in millijoules

    try:
        nvml.nvmlInit()
        gpus = [nvml.nvmlDeviceGetHandleByIndex(number) for number in range(nvml.nvmlDeviceGetCount())]
        joules()
    except nvml.NVMLError:
        return None
    return joules if gpus else None


def energy_of(model: ModelConfig | None, prompt_tokens: int, completion_tokens: int) -> dict[str, Any] | None:
    """For `final_metrics.extra` of a trajectory; None where it can be neither measured nor estimated."""
    if model is None:
        return None
    if (meter := start_measuring(model.hardware)) is not None:
        return {"energy_wh": meter.since_last(), "energy_source": "measured: NVML, all GPUs of this machine"}
    if not model.billions or model.hardware not in HARDWARE:
        return None
    wh = estimated_wh(model.billions, prompt_tokens + completion_tokens, model.hardware)
    return {"energy_wh": wh, "energy_source": f"estimate: {model.billions:g}e9 parameters on {model.hardware}"}
