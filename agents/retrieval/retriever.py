"""Tools by request: each tool is a text (name, description, parameters), and what was asked of it before counts too."""

from collections.abc import Mapping, Sequence
from typing import Any

from agents.retrieval.demonstrations import Demonstration
from agents.retrieval.ranking import Ranker, order_of
from agents.tools.tool import Tool, definition_of


def text_of(definition: Mapping[str, Any]) -> str:
    """What a tool is ranked by, of its OpenAI function schema."""
    function = definition["function"]
    parameters = function.get("parameters", {}).get("properties", {})
    told = [f"{name.replace('_', ' ')} {field.get('description', '')}".strip() for name, field in parameters.items()
            if isinstance(field, dict)]  # fmt: skip
    return f"{function['name'].replace('_', ' ')}: {function['description']} ({', '.join(told)})"


class ToolRetriever:
    """The nearest of many tools. `demonstrations`: requests whose tool is known, which a tool may also be found by."""

    def __init__(
        self, definitions: Sequence[Mapping[str, Any]], ranker: Ranker, demonstrations: Sequence[Demonstration] = ()
    ) -> None:
        self.definitions = {str(each["function"]["name"]): each for each in definitions}
        self._names = list(self.definitions)
        known = [each for each in demonstrations if each.tool in self.definitions]
        self._owners = [*range(len(self._names)), *(self._names.index(each.tool) for each in known)]
        self._ranking = ranker(
            [*(text_of(each) for each in self.definitions.values()), *(each.request for each in known)]
        )

    @classmethod
    def of_tools(
        cls, tools: Sequence[Tool], ranker: Ranker, demonstrations: Sequence[Demonstration] = ()
    ) -> "ToolRetriever":
        return cls([definition_of(tool) for tool in tools], ranker, demonstrations)

    def select(self, request: str, k: int) -> list[str]:
        """Names of the `k` nearest tools, the nearest first."""
        best = [float("-inf")] * len(self._names)
        for owner, score in zip(self._owners, self._ranking.scores(request), strict=True):
            best[owner] = max(best[owner], score)
        return [self._names[index] for index in order_of(best)[:k]]
