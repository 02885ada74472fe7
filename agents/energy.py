"""Energy of a rollout's model calls, in watt hours, estimated from tokens; how it was got stands beside the figure.

A forward pass of a transformer takes about 2 floating point operations for each active parameter and token (Kaplan et
al., 2020, section 2.1), so joules = 2 x parameters x tokens x joules per operation. The last is power over achieved
operations: the data sheet's board power, over the peak rate times a utilisation of 30 %, which batched serving
reaches; a lone conversation on a large GPU needs several times as much, a data centre's cooling another 10 to 50 %.
Luccioni et al., "Power Hungry Processing" (2024), measured 0.047 kWh for 1,000 text generations by models of 60 million
to 11 billion parameters: the same order. It is for comparing agents and models with each other, not for a bill.
"""

from typing import Any

from agents.models import ModelConfig

UTILISATION = 0.3
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


def energy_of(model: ModelConfig | None, prompt_tokens: int, completion_tokens: int) -> dict[str, Any] | None:
    """For `final_metrics.extra` of a trajectory; None where the model's size or hardware is not told."""
    if model is None or not model.billions or model.hardware not in HARDWARE:
        return None
    wh = estimated_wh(model.billions, prompt_tokens + completion_tokens, model.hardware)
    return {"energy_wh": wh, "energy_source": f"estimate: {model.billions:g}e9 parameters on {model.hardware}"}
