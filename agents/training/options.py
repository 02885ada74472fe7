"""How a model is trained, and what came of it: plain data."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class TrainingOptions(BaseModel):
    """Supervised fine-tuning with LoRA (Hu et al., 2022). The defaults suit small models and some hundred rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: float = Field(2.0, gt=0, description="times that each row is seen")
    learning_rate: float = Field(1e-3, gt=0)
    rank: int = Field(16, gt=0, description="of the LoRA matrices")
    alpha: int = Field(32, gt=0, description="their scale is alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1)
    layers: int | None = Field(None, gt=0, description="only the last so many layers get LoRA matrices; None: all")
    batch_size: int = Field(4, gt=0, description="rows of one optimiser step")
    warmup: float = Field(0.1, ge=0, lt=1, description="share of the steps in which the rate rises")
    max_length: int = Field(2048, gt=0, description="tokens; longer rows are left out")
    threads: int | None = Field(None, gt=0, description="CPU threads; None: the cores that are idle at the start")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="of the frozen weights while training; auto: bfloat16 where the hardware multiplies it"
    )
    seed: int = 0


class TrainingRequest(BaseModel):
    """Train `start` (a folder of safetensors and tokenizer) on `rows` (`tokens` exports); the result appears in `out`.

    `base`: the GGUF file whose metadata the tuned one gets; None where no GGUF is wanted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[Path, ...] = Field(min_length=1, description="Parquet files with input_ids and labels")
    start: Path
    base: Path | None = None
    out: Path
    options: TrainingOptions = TrainingOptions()


class TrainingResult(BaseModel):
    """`training.json` of the folder: what was learned from, and how the loss (nats a learned token) went."""

    model_config = ConfigDict(frozen=True)

    rows: int
    rows_too_long: int
    tokens: int = Field(description="of all rows together, once")
    tokens_learned: int = Field(description="of those, the ones that the agent said")
    steps: int
    losses: tuple[float, ...] = Field(description="in order, each a mean over some steps")
    seconds: float
    precision: str
    threads: int
    model: str = Field(description="folder below: the merged weights as safetensors, with the tokenizer")
    adapter: str = Field(description="folder below: the LoRA matrices alone")
    gguf: str = Field(description="file below: the merged weights for llama.cpp; '' where none was asked for")
