"""What rollouts cost: tokens, wall time, money and energy, the mean of a rollout, by agent, model and family."""

import json
from collections import defaultdict
from statistics import mean

from pydantic import BaseModel, ConfigDict, Field

from trajectories.store import Store
from trajectories.tables import RolloutRow


class CostRow(BaseModel):
    """Means over the rollouts of one agent, model and family, those that failed included."""

    model_config = ConfigDict(frozen=True)

    agent: str
    model: str
    family: str
    n: int
    prompt_tokens: float
    completion_tokens: float
    seconds: float = Field(description="wall time, the verifier's included")
    cost_usd: float
    usd_a_success: float | None = Field(description="all that was paid, over what was solved; None: nothing was")
    energy_wh: float | None = Field(description="over those that have a figure; None: none has")
    energy_n: int = Field(description="rollouts that have a figure of energy")
    energy_source: str = Field(description="how it was got, each way once: an estimate's assumptions are in there")


def cost_report(store: Store, where: str = "") -> list[CostRow]:
    """Energy is in the trajectories' final metrics, so that each body is read once. Raises BadFilter."""
    groups: dict[tuple[str, str, str], list[tuple[RolloutRow, float | None, str]]] = defaultdict(list)
    for row in store.rollouts(where):
        groups[row.agent, row.model, row.family].append((row, *_energy(store, row)))
    report = []
    for (agent, model, family), found in sorted(groups.items()):
        rows = [row for row, _, _ in found]
        measured = [wh for _, wh, _ in found if wh is not None]
        paid, solved = sum(row.cost_usd for row in rows), sum(row.reward >= 1.0 for row in rows)
        report.append(
            CostRow(
                agent=agent,
                model=model,
                family=family,
                n=len(rows),
                prompt_tokens=mean(row.prompt_tokens for row in rows),
                completion_tokens=mean(row.completion_tokens for row in rows),
                seconds=mean(row.total_sec for row in rows),
                cost_usd=paid / len(rows),
                usd_a_success=paid / solved if solved else None,
                energy_wh=mean(measured) if measured else None,
                energy_n=len(measured),
                energy_source="; ".join(sorted({source for _, _, source in found if source})),
            )
        )
    return report


def _energy(store: Store, row: RolloutRow) -> tuple[float | None, str]:
    if not row.model:
        return None, ""
    metrics = json.loads(store.body_text(row))["trajectory"].get("final_metrics") or {}
    extra = metrics.get("extra") or {}
    return extra.get("energy_wh"), str(extra.get("energy_source", ""))
