"""The training process: `python -m agents.training.trainer REQUEST.json PARENT`, started by `train.py`.

It tells what it does on stdout, a JSON object a line (`gristmill {"step": 3, "steps": 40, "loss": 1.2}`; other lines
are the libraries' own), and writes the result into the folder that it was given. It dies with its parent.
"""

import ctypes
import json
import math
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

from agents.training._libraries import library
from agents.training.errors import TrainingFault
from agents.training.options import TrainingRequest, TrainingResult

PR_SET_PDEATHSIG = 1
MARK = "gristmill "
LOGS = 20  # losses that are told of a run
IGNORED = -100


def run(request: TrainingRequest) -> TrainingResult:
    """Train, merge, write. Raises TrainingFault."""
    options = request.options
    rows, too_long = read_rows(request.rows, most_tokens=options.max_length)
    torch, transformers, peft = library("torch"), library("transformers"), library("peft")
    transformers.utils.logging.disable_progress_bar()
    threads = options.threads or idle_cores()
    torch.set_num_threads(threads)
    transformers.set_seed(options.seed)
    tokenizer = transformers.AutoTokenizer.from_pretrained(request.start)
    precision = options.precision if options.precision != "auto" else fastest_precision()
    model = transformers.AutoModelForCausalLM.from_pretrained(request.start, dtype=getattr(torch, precision))
    started = time.monotonic()
    trainer, steps = _trainer(model, tokenizer, rows, request)
    trainer.train()
    losses = tuple(float(entry["loss"]) for entry in trainer.state.log_history if "loss" in entry)
    if not losses or not all(map(math.isfinite, losses)):
        raise TrainingFault(f"the loss is {losses[-1] if losses else 'not known'}: try a smaller learning_rate")
    seconds = time.monotonic() - started

    trainer.model.save_pretrained(request.out / "adapter")
    # Merged into the exact weights, whatever precision they were trained beside.
    exact = transformers.AutoModelForCausalLM.from_pretrained(request.start, dtype=torch.float32)
    merged = peft.PeftModel.from_pretrained(exact, request.out / "adapter").merge_and_unload()
    merged.save_pretrained(request.out / "model")
    tokenizer.save_pretrained(request.out / "model")
    if request.base is not None:
        from agents.training.gguf_file import write_gguf

        arrays = {name: tensor.float().numpy() for name, tensor in merged.state_dict().items()}
        write_gguf(request.base, arrays, request.out / "model.gguf")
    result = TrainingResult(
        rows=len(rows),
        rows_too_long=too_long,
        tokens=sum(len(row["input_ids"]) for row in rows),
        tokens_learned=sum(label != IGNORED for row in rows for label in row["labels"]),
        steps=steps,
        losses=losses,
        seconds=seconds,
        precision=precision,
        threads=threads,
        model="model",
        adapter="adapter",
        gguf="model.gguf" if request.base is not None else "",
    )
    (request.out / "training.json").write_text(result.model_dump_json(indent=2) + "\n")
    return result


def _trainer(model: Any, tokenizer: Any, rows: list[dict[str, list[int]]], request: TrainingRequest) -> tuple[Any, int]:
    torch, transformers, trl = library("torch"), library("transformers"), library("trl")
    options = request.options
    steps = max(1, math.ceil(options.epochs * math.ceil(len(rows) / options.batch_size)))
    on_gpu = bool(torch.cuda.is_available())

    def on_log(self: Any, args: Any, state: Any, control: Any, logs: Any = None, **rest: Any) -> None:
        if "loss" in (logs or {}):
            tell(step=state.global_step, steps=steps, loss=float(logs["loss"]))

    settings = trl.SFTConfig(
        output_dir=str(request.out / "trainer"),
        max_steps=steps,
        per_device_train_batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=round(options.warmup * steps),
        max_length=None,  # longer rows were left out, none is cut: half an answer teaches to break off
        logging_steps=max(1, steps // LOGS),
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        gradient_checkpointing=on_gpu,
        bf16=on_gpu and model.dtype == torch.bfloat16,
        use_cpu=not on_gpu,
        dataloader_pin_memory=on_gpu,
        seed=options.seed,
    )
    layers = model.config.num_hidden_layers
    lora = library("peft").LoraConfig(
        r=options.rank,
        lora_alpha=options.alpha,
        lora_dropout=options.dropout,
        target_modules=_linear_names(model),
        layers_to_transform=list(range(layers - min(options.layers or layers, layers), layers)),
        task_type="CAUSAL_LM",
    )
    trainer = trl.SFTTrainer(
        model=model,
        args=settings,
        train_dataset=library("datasets").Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=lora,
        callbacks=[type("Tell", (transformers.TrainerCallback,), {"on_log": on_log})()],
    )
    return trainer, steps


def _linear_names(model: Any) -> list[str]:
    """Last names of the linear modules inside the layers: all that LoRA is put on (Dettmers et al., 2023)."""
    torch = library("torch")
    return sorted(
        {
            name.rpartition(".")[2]
            for name, module in model.named_modules()
            if isinstance(module, torch.nn.Linear) and module is not model.get_output_embeddings()
        }
    )


def idle_cores() -> int:
    """Cores that nobody uses, at least one. Threads that wait for one another on a busy core cost more than they give:
    on two busy cores a step took 5 s with one thread and 20 to 28 s with two.
    """
    return max(1, (os.cpu_count() or 1) - round(os.getloadavg()[0]))


def fastest_precision() -> str:
    """bfloat16 where the GPU or the CPU multiplies it (AVX512-BF16, AMX: 3.5 times faster, measured), else float32."""
    torch = library("torch")
    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return "float32"
    return "bfloat16" if re.search(r"\b(avx512_bf16|amx_bf16)\b", flags) else "float32"


def read_rows(files: tuple[Path, ...], *, most_tokens: int) -> tuple[list[dict[str, list[int]]], int]:
    """Rows of `tokens` exports, and how many were too long. Raises TrainingFault where one cannot be learned from."""
    import pyarrow.parquet

    rows, too_long = [], 0
    for file in files:
        try:
            table = pyarrow.parquet.read_table(file, columns=["input_ids", "labels"])
        except (OSError, ValueError, KeyError) as error:
            raise TrainingFault(
                f"{file}: cannot be read as a `tokens` export ({str(error).splitlines()[0]}): "
                "gristmill export --to tokens --tokenizer FOLDER"
            ) from error
        for number, row in enumerate(table.to_pylist()):
            ids, labels = row["input_ids"], row["labels"]
            right = [label in (IGNORED, token) for token, label in zip(ids, labels, strict=True)]
            if not all(right) or all(label == IGNORED for label in labels):
                raise TrainingFault(f"{file}: row {number}: labels are neither ids nor {IGNORED}, or none is learned")
            if len(ids) > most_tokens:
                too_long += 1
            else:
                rows.append({"input_ids": ids, "labels": labels})
    if not rows:
        raise TrainingFault(f"{', '.join(map(str, files))}: no row of at most {most_tokens} tokens to train on")
    return rows, too_long


def tell(**what: object) -> None:
    sys.stdout.write(f"{MARK}{json.dumps(what)}\n")
    sys.stdout.flush()


def main(request_file: str, parent: int) -> int:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return 1
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    request = json.loads(Path(request_file).read_text())
    try:
        if "weights" in request:
            from agents.training.base import prepare_base

            tell(folder=str(prepare_base(Path(request["weights"]), Path(request["cache"]))))
        else:
            run(TrainingRequest.model_validate(request))
    except TrainingFault as fault:
        tell(fault=str(fault))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
