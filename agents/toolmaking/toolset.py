"""A folder of made tools: `manifest.yaml` and one file a tool. Near duplicates are kept once; three views find them."""

from collections.abc import Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from agents.errors import AgentFault
from agents.retrieval.ranking import Ranker, order_of, ranker_of
from agents.toolmaking.made_tool import CraftedTool, MadeTool
from agents.tools.tool import Place, Tool
from tasks._minhash import hash_of, jaccard

VERSION = 1
NEAR = 0.9  # Jaccard of what two tools do, in windows of three words; a tool is short, so little may differ
_WINDOW = 3
_MOST_PROBLEMS = 8  # kept of one tool


class Manifest(BaseModel):
    """`tried`: successes looked at; `not_abstracted`, `not_validated`, `duplicates`: those that gave no tool."""

    model_config = ConfigDict(extra="forbid")

    version: int = VERSION
    tools: list[str] = []
    tried: int = 0
    not_abstracted: int = 0
    not_validated: int = 0
    duplicates: int = 0


class Toolset:
    """Made tools. A ToolSource: in a rollout each is a tool that works through the task's own."""

    def __init__(self, tools: Sequence[MadeTool] = (), *, ranker: Ranker | None = None) -> None:
        self.made: list[MadeTool] = list(tools)
        self._ranker = ranker

    def add(self, tool: MadeTool) -> str | None:
        """Keep it, or say which one does the same; that one then knows its problem as well."""
        shingles = _shingles(tool)
        for index, kept in enumerate(self.made):
            if kept.shape() == tool.shape() or jaccard(_shingles(kept), shingles) >= NEAR:
                problems = tuple(dict.fromkeys((*kept.problems, *tool.problems)))[:_MOST_PROBLEMS]
                self.made[index] = kept.model_copy(update={"problems": problems})
                return kept.name
        names = {each.name for each in self.made}
        number, name = 2, tool.name
        while name in names:
            name, number = f"{tool.name[:58]}_{number}", number + 1
        self.made.append(tool.model_copy(update={"name": name}))
        return None

    def retrieve(self, problem: str, k: int) -> list[MadeTool]:
        """By votes of three views: which tools' problems, names and docstrings are among the `k` nearest."""
        if not self.made:
            return []
        ranker = self._ranker or ranker_of("bm25")
        views = (
            ["\n".join(each.problems) for each in self.made],
            [each.name.replace("_", " ") for each in self.made],
            [each.docstring for each in self.made],
        )
        votes, ranks = [0] * len(self.made), [0] * len(self.made)
        for view in views:
            scores = ranker(view).scores(problem)
            for rank, index in enumerate(order_of(scores)):
                has_a_say = scores[index] > 0  # a view that knows nothing of the problem votes for nobody
                votes[index] += has_a_say and rank < k
                ranks[index] += rank if has_a_say else len(self.made)
        order = sorted(range(len(self.made)), key=lambda index: (-votes[index], ranks[index]))
        return [self.made[index] for index in order[:k]]

    async def tools(self, place: Place) -> Sequence[Tool]:
        from agents.tools.toolbox import get_tools

        own = get_tools(place.task.tools)
        return [CraftedTool(each, own) for each in self.made if all(call.tool in own for call in each.calls)]

    def write(self, folder: Path, manifest: Manifest | None = None) -> None:
        """Tools that the folder had before and that are no longer here are removed."""
        (folder / "tools").mkdir(parents=True, exist_ok=True)
        for old in (folder / "tools").glob("*.yaml"):
            old.unlink()
        for each in self.made:
            text = yaml.safe_dump(each.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
            (folder / "tools" / f"{each.name}.yaml").write_text(text, encoding="utf-8")
        told = (manifest or Manifest()).model_copy(update={"tools": [each.name for each in self.made]})
        (folder / "manifest.yaml").write_text(yaml.safe_dump(told.model_dump(), sort_keys=False), encoding="utf-8")


def read_toolset(folder: Path) -> Toolset:
    """Raises AgentFault naming the file that is missing or broken."""
    path = folder / "manifest.yaml"
    try:
        manifest = Manifest.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        if manifest.version != VERSION:
            raise AgentFault(f"{path}: version {manifest.version} is not known here; make the toolset again")
        tools = []
        for name in manifest.tools:
            path = folder / "tools" / f"{name}.yaml"
            tools.append(MadeTool.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))))
    except (OSError, yaml.YAMLError) as error:
        raise AgentFault(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise AgentFault(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return Toolset(tools)


def _shingles(tool: MadeTool) -> frozenset[int]:
    words = tool.shape().split()
    return frozenset(hash_of(" ".join(words[at : at + _WINDOW])) for at in range(max(1, len(words) - _WINDOW + 1)))
