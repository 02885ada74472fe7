"""A run's share of the limits on models: never more requests on their way than it holds, whatever its sandboxes do.

The limit itself is Prefect's (`gristmill-model-NAME`, flows/deployments/entry.py), held for the whole run: to ask the
server about each request would cost more than many an answer. In the run's process one gate a model counts what all
batches ask; on a cluster each batch gets its part.
"""

from collections.abc import Mapping
from functools import cached_property

import httpx
from pydantic import PrivateAttr

from agents.endpoint import Endpoint
from agents.models import ModelConfig
from flows.slots import Slots

Gates = Mapping[str, Slots]
"""Of models that have a limit, by name."""


class GatedEndpoint(Endpoint):
    """Lets a request pass while the gate, which other event loops share, has room. Time limits do not run meanwhile."""

    def __init__(self, model: ModelConfig, gate: Slots) -> None:
        super().__init__([model.base_url, *model.replicas], most_at_once=model.concurrency)
        self._gate = gate

    async def _ask_in_turn(self, request: httpx.Request) -> httpx.Response:
        async with self._gate.taken(0):
            return await super()._ask_in_turn(request)


class GatedModel(ModelConfig):
    """A model whose requests pass a gate."""

    _gate: Slots = PrivateAttr()

    @cached_property
    def endpoint(self) -> Endpoint:
        from agents.energy import start_measuring

        start_measuring(self.hardware)
        return GatedEndpoint(self, self._gate)


def gates_of(limits: Mapping[str, int]) -> Gates:
    """For all batches of one process."""
    return {name: Slots(limit) for name, limit in limits.items()}


def gated(models: Mapping[str, ModelConfig], gates: Gates, limits: Mapping[str, int]) -> dict[str, ModelConfig]:
    """The same models for one batch, those with a gate behind it; no more of a batch wait there than may pass."""
    found = dict(models)
    for name in models.keys() & gates.keys():
        fields = dict(models[name])
        made = GatedModel.model_validate({**fields, "concurrency": min(models[name].concurrency, limits[name])})
        made._gate = gates[name]
        found[name] = made
    return found


def shared_out(models: Mapping[str, ModelConfig], limits: Mapping[str, int], batches: int) -> dict[str, ModelConfig]:
    """The same models for each of `batches` that run at a time elsewhere, which cannot count together."""
    parts = {name: max(1, limits[name] // batches) for name in models.keys() & limits.keys()}
    return {
        name: model.model_copy(update={"concurrency": min(model.concurrency, parts[name])}) if name in parts else model
        for name, model in models.items()
    }


def most_batches(models: Mapping[str, ModelConfig], limits: Mapping[str, int], slots: int) -> int:
    """How many batches may run at a time on a cluster of so many slots: each may ask for something."""
    return min([slots, *(limits[name] for name in models.keys() & limits.keys())])
