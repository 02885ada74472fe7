"""What tells look-alike tools apart (TPTU-v2's demonstration selector): example calls for the confusable ones.

Tools are confusable where their descriptions share most of their words, or their names all but one. For each group of
them among the tools that were found, the examples nearest to the request are shown, one a member; where there are no
examples, the words that one has and its look-alikes have not.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from agents.retrieval.bm25 import words_of
from agents.retrieval.ranking import Ranker, order_of
from trajectories.rollout import Rollout

ALIKE = 0.5  # Jaccard of the words of name and description
_OWN_WORDS = 6


class Demonstration(BaseModel):
    """A request, and the call that was right for it."""

    model_config = ConfigDict(frozen=True)

    request: str
    tool: str
    arguments: dict[str, Any] = Field(default_factory=dict)

    @property
    def text(self) -> str:
        return f'"{self.request}" -> {self.tool}({json.dumps(self.arguments, ensure_ascii=False)[:300]})'


def demonstrations_of(rollouts: Sequence[Rollout], tools: frozenset[str]) -> list[Demonstration]:
    """From verified successes: each call of one of the tools that did not fail, with the instruction it was for."""
    found: dict[str, Demonstration] = {}
    for rollout in rollouts:
        if rollout.is_unknown or rollout.verdict.reward < 1 or not rollout.trajectory.steps:
            continue
        instruction = str(rollout.trajectory.steps[0].message)
        for step in rollout.trajectory.steps:
            for call in step.tool_calls or ():
                if call.function_name in tools and not (step.extra or {}).get("is_error"):
                    one = Demonstration(request=instruction, tool=call.function_name, arguments=call.arguments)
                    found.setdefault(one.model_dump_json(), one)
    return list(found.values())


def confusable_groups(definitions: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Names of tools that are hard to tell apart, in groups of two and more; each tool is in one at most."""
    names = [str(each["function"]["name"]) for each in definitions]
    words = [
        frozenset(words_of(f"{each['function']['name']} {each['function']['description']}")) for each in definitions
    ]
    parts = [frozenset(words_of(name)) for name in names]
    group = list(range(len(names)))
    for one in range(len(names)):
        for other in range(one):
            shared, all_words = len(words[one] & words[other]), len(words[one] | words[other])
            differ = parts[one] ^ parts[other]
            if (all_words and shared / all_words >= ALIKE) or (len(differ) <= 2 and parts[one] & parts[other]):
                old, new = group[one], group[other]
                group = [new if each == old else each for each in group]
    found = [[name for name, its in zip(names, group, strict=True) if its == number] for number in sorted(set(group))]
    return [members for members in found if len(members) > 1]


def what_tells_apart(
    request: str,
    definitions: Sequence[Mapping[str, Any]],
    demonstrations: Sequence[Demonstration],
    ranker: Ranker,
    *,
    most: int = 8,
) -> str:
    """A few lines for a model that is to choose among these tools; empty where none are alike."""
    by_name = {str(each["function"]["name"]): each for each in definitions}
    lines: list[str] = []
    count = 0
    for members in confusable_groups(definitions):
        chosen: list[str] = []
        for name in members:
            its = [each for each in demonstrations if each.tool == name]
            if its and count < most:
                nearest = order_of(ranker([each.request for each in its]).scores(request))[0]
                chosen.append(f"  {its[nearest].text}")
                count += 1
            elif own := _own_words(name, members, by_name):
                chosen.append(f"  only {name} says: {', '.join(own)}")
        if chosen:
            lines += [f"Easily confused: {', '.join(members)}.", *chosen]
    return "\n".join(lines)


def _own_words(name: str, members: Sequence[str], by_name: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Words of a description that no look-alike's has, as they are written there."""
    elsewhere = {word for other in members if other != name for word in words_of(_said(by_name[other]))}
    found = [word.strip(".,;:()") for word in _said(by_name[name]).split() if set(words_of(word)) - elsewhere]
    return list(dict.fromkeys(word for word in found if word))[:_OWN_WORDS]


def _said(definition: Mapping[str, Any]) -> str:
    return str(definition["function"]["description"])
