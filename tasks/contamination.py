"""Is a task a part of a benchmark? Compared with a list of repositories, instances and hashes of texts.

After The Heap (Katzy et al., 2025), which marks what others' evaluations and training data contain. A task that is hit
is marked, recorded as a finding and so left out of exports for training, with the reason. The list's format is in
docs/quality.md; `tasks.benchmark_files` makes one from files of a benchmark.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from environments.diff import Diff
from tasks._ngrams import WORDS, ngram_hashes, solved_sides_of
from tasks.audit.finding import Finding
from tasks.errors import BadContaminationList
from tasks.task import Provenance, Task

DETAIL = "contamination"  # in a task's provenance.details
FEWEST = 8  # n-grams of a text; shorter ones are met by chance


class NgramHashes(BaseModel):
    """Texts of benchmarks as hashes of their runs of `n` words; no text can be read from them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int = Field(WORDS, ge=4)
    threshold: float = Field(0.5, gt=0, le=1, description="share of the smaller text's runs that are in both")
    texts: dict[str, frozenset[str]] = Field(
        default_factory=dict, description="what it is → 16 hexadecimal digits each"
    )

    @field_validator("texts", mode="before")
    @classmethod
    def _splits_words(cls, value: Any) -> Any:
        """A text's hashes may be one string, with spaces between: YAML reads that a hundred times faster."""
        if not isinstance(value, dict):
            return value
        return {label: hashes.split() if isinstance(hashes, str) else hashes for label, hashes in value.items()}

    @field_validator("texts")
    @classmethod
    def _are_hashes(cls, value: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        for label, hashes in value.items():
            for each in hashes:
                if not re.fullmatch(r"[0-9a-f]{16}", each):
                    raise ValueError(f"{label}: {each!r} is no hash of 16 hexadecimal digits in lower case")
        return value


class ContaminationList(BaseModel):
    """What tasks must not be a part of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "contamination"
    repositories: tuple[str, ...] = Field((), description="owner/name, a URL, or a name alone")
    instance_ids: tuple[str, ...] = ()
    ngrams: NgramHashes = NgramHashes()


class Hit(BaseModel):
    """One reason why a task is held to be a part of a benchmark."""

    model_config = ConfigDict(frozen=True)

    by: Literal["repository", "instance", "n-grams"]
    entry: str = Field(description="of the list")
    reason: str


class Contamination:
    """A list, ready to be asked."""

    def __init__(self, of: ContaminationList) -> None:
        self.list = of
        self._instances = {instance.lower(): instance for instance in of.instance_ids}
        self._repositories = [(_RepositoryNames.of([entry]), entry) for entry in of.repositories]
        self._sizes = {label: len(hashes) for label, hashes in of.ngrams.texts.items()}
        self._labels: defaultdict[str, list[str]] = defaultdict(list)
        for label, hashes in of.ngrams.texts.items():
            for each in hashes:
                self._labels[each].append(label)

    def check(self, task_id: str, provenance: Provenance, instruction: str, reference: Diff | None) -> tuple[Hit, ...]:
        """What of the list a task is a part of: one hit at most by repository, instance, instruction and reference."""
        parts = {"instruction": [instruction]}
        if reference is not None:
            sides = (solved_sides_of(change.before, change.after) for change in reference.changes)
            parts["reference"] = [side for change in sides for side in change]
        found = [self._by_repository(provenance), self._by_instance(task_id, provenance)]
        found += [self._by_ngrams(part, texts) for part, texts in parts.items()]
        return tuple(hit for hit in found if hit is not None)

    def _by_repository(self, provenance: Provenance) -> Hit | None:
        ours = _RepositoryNames.of([provenance.source, provenance.repository])
        for theirs, entry in self._repositories:
            if ours.is_one_of(theirs):
                return Hit(by="repository", entry=entry, reason=f"the repository {entry} is in {self.list.name}")
        return None

    def _by_instance(self, task_id: str, provenance: Provenance) -> Hit | None:
        for name in (task_id, str(provenance.details.get("instance_id", ""))):
            if (entry := self._instances.get(name.lower())) is not None:
                return Hit(by="instance", entry=entry, reason=f"the instance {entry} is in {self.list.name}")
        return None

    def _by_ngrams(self, part: str, texts: Iterable[str]) -> Hit | None:
        ours = ngram_hashes(texts, self.list.ngrams.n)
        shared = Counter(label for each in ours for label in self._labels.get(each, ()))
        shares = [
            (count / smaller, label, smaller)
            for label, count in shared.items()
            if (smaller := min(len(ours), self._sizes[label])) >= FEWEST
        ]
        share, label, smaller = max(shares, default=(0.0, "", 0))
        if share < self.list.ngrams.threshold:
            return None
        reason = (
            f"its {part} shares {share:.0%} of {smaller} runs of {self.list.ngrams.n} words with {label} "
            f"of {self.list.name}"
        )
        return Hit(by="n-grams", entry=label, reason=reason)


def load_contamination(file: Path) -> Contamination:
    """Read a list, YAML or JSON. Raises BadContaminationList naming file and field."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadContaminationList(f"{file}: cannot be read: {error}") from error
    try:
        data = json.loads(text) if file.suffix == ".json" else yaml.load(text, Loader=_loader())
    except (ValueError, yaml.YAMLError) as error:
        raise BadContaminationList(f"{file}: is neither YAML nor JSON: {error}") from error
    if not isinstance(data, dict):
        raise BadContaminationList(f"{file}: expected a mapping with `repositories`, `instance_ids` and `ngrams`")
    try:
        return Contamination(ContaminationList.model_validate({"name": file.stem, **data}))
    except ValidationError as error:
        lines = (f"{file}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:10])
        raise BadContaminationList("\n".join(lines)) from error


def write_contamination(of: ContaminationList, file: Path) -> None:
    """Write a list as JSON (`.json`) or YAML; the same list gives the same bytes."""
    data = of.model_dump(mode="json", exclude={"ngrams": {"texts"}})
    data["ngrams"]["texts"] = {label: " ".join(sorted(hashes)) for label, hashes in sorted(of.ngrams.texts.items())}
    if file.suffix == ".json":
        text = json.dumps(data, indent=1) + "\n"
    else:
        text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1_000_000)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def marked(provenance: Provenance, hits: Iterable[Hit]) -> Provenance:
    """The provenance with the reasons in it, `details.contamination`; as it was where there is no hit."""
    reasons = "; ".join(hit.reason for hit in hits)
    if not reasons:
        return provenance
    return provenance.model_copy(update={"details": {**provenance.details, DETAIL: reasons}})


def mark_of(provenance: Provenance) -> str:
    """The reasons that a task was marked with; empty where it was not."""
    return str(provenance.details.get(DETAIL, ""))


def contaminated(task: Task, reference: Diff | None, contamination: Contamination | None = None) -> list[Finding]:
    """Findings of kind `contaminated`: what the task was marked with, and what the list says."""
    found = [_mark_finding(task.id, mark)] if (mark := mark_of(task.provenance)) else []
    if contamination is not None:
        hits = contamination.check(task.id, task.provenance, task.instruction, reference)
        found += [
            Finding(task_id=task.id, kind="contaminated", place=hit.entry, evidence=hit.reason)
            for hit in hits
            if hit.reason not in mark
        ]
    return found


def mark_findings(provenances: Mapping[str, Provenance]) -> list[Finding]:
    """Findings of the tasks (by id) that were marked when they were made."""
    return [_mark_finding(task_id, mark) for task_id, each in provenances.items() if (mark := mark_of(each))]


def _mark_finding(task_id: str, mark: str) -> Finding:
    return Finding(task_id=task_id, kind="contaminated", place="marked when it was made", evidence=mark)


class _RepositoryNames(BaseModel):
    """What a repository is called: `owner/name` where that is known, and the name alone."""

    model_config = ConfigDict(frozen=True)

    full: frozenset[str]
    short: frozenset[str]

    @classmethod
    def of(cls, texts: Iterable[str]) -> "_RepositoryNames":
        full, short = set(), set()
        for text in texts:
            parts = _name_parts(text)
            if not parts:
                continue
            short.add(parts[-1])
            if len(parts) == 2:
                full.add("/".join(parts))
        return cls(full=frozenset(full), short=frozenset(short))

    def is_one_of(self, theirs: "_RepositoryNames") -> bool:
        """Owners decide where both are known; a package of an index has none, so its name does."""
        if self.full and theirs.full:
            return bool(self.full & theirs.full)
        return bool(self.short & theirs.short)


def _name_parts(text: str) -> list[str]:
    """[owner, name] or [name], in one spelling; empty for a folder of this machine."""
    text = text.strip().removeprefix("git+").removeprefix("pypi:")
    is_url = "://" in text or re.match(r"[\w.-]+@[\w.-]+:", text) is not None
    if text.startswith("file:"):
        return [_canonical(text.rpartition("@")[0].rpartition("/")[2] or text.rstrip("/").rpartition("/")[2])]
    if not is_url and (text.startswith((".", "/", "~")) or text.count("/") > 1):
        return []
    if is_url:
        text = re.sub(r"^(\w+://[^/]+/|[^:]+:)", "", text)
    path = re.split(r"[@?#]|==", text, maxsplit=1)[0]  # the revision or version
    return [_canonical(part) for part in path.split("/") if part][:2]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.removesuffix(".git").lower())


def _loader() -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)
