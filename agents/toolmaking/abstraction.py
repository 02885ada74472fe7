"""A solved task's calls with their values made parameters, by rule.

A value that stands in the instruction as words of its own becomes a parameter; one that an earlier call answered is
derived from that answer; everything else stays as it is. Calls that failed, that ended the rollout, or whose answer
nothing came of (a read) are left out.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from agents.memory.past import Did, Past
from agents.toolmaking.made_tool import CallTemplate, Derived, MadeTool, Parameter

LOOKING = frozenset({"read", "search", "bash"})
_ENDING = frozenset({"submit", "find_tools", "run_tests", "jobs"})
_CONTEXT = 3  # words on each side
_TOKEN = re.compile(r"[\w./@:+-]*[\w/]")
_FILE = re.compile(r"[\w./-]*\.[A-Za-z]\w{0,4}")
_QUOTED = re.compile(r"[\"'`“]([^\"'`“”\n]{2,80})[\"'`”]")
_NUMBERED = re.compile(r"^ *\d+\t", re.MULTILINE)


def abstract(past: Past) -> MadeTool | None:
    """None where nothing of it can serve another task: no call that does something, or no value to vary."""
    calls = _needed([each for each in past.did if not each.is_error and each.tool not in _ENDING])
    if not calls:
        return None
    instruction = " ".join(past.instruction.split())
    parameters: dict[str, Parameter] = {}  # value -> parameter
    for value in _values_of(instruction):
        if any(value in text for each in calls for text in _texts(each.arguments)) or _is_key(value, calls):
            parameters[value] = _parameter(value, instruction, f"{_kind(value)}_{len(parameters) + 1}")
    if not parameters:
        return None
    derived: list[Derived] = []
    templates: list[CallTemplate] = []
    for index, each in enumerate(calls):
        sources = [(at, _NUMBERED.sub("", calls[at].answer).strip()) for at in range(index)]
        arguments = _abstracted(each.arguments, parameters, sources, derived)
        templates.append(CallTemplate(tool=each.tool, arguments=arguments))
    used = repr(templates) + repr(derived)
    kept = tuple(each for each in parameters.values() if f"{{{{{each.name}}}}}" in used)
    if not kept:
        return None
    verbs = "_then_".join(dict.fromkeys(each.tool for each in templates))
    said = instruction
    for value, parameter in sorted(parameters.items(), key=lambda item: -len(item[0])):
        said = _replaced(said, value, "{" + parameter.name + "}")
    words = [word.lower() for word in re.findall(r"[A-Za-z]{3,}", re.sub(r"\{\w+\}", "", said))][:4]
    return MadeTool(
        name=re.sub(r"[^a-z0-9_]", "_", "_".join(words) or verbs).strip("_")[:60] or "made",
        docstring=said[:600],
        parameters=kept,
        derived=tuple(derived),
        calls=tuple(templates),
        problems=(past.instruction,),
        source={"rollout": past.id, "task": past.task, "family": past.family},
    )


def _needed(calls: Sequence[Did]) -> list[Did]:
    """Without looks whose answer is used by no later call."""
    kept: list[Did] = []
    for index, each in enumerate(calls):
        if each.tool in LOOKING - {"bash"}:
            later = [text for other in calls[index + 1 :] for text in _texts(other.arguments)]
            answer = _NUMBERED.sub("", each.answer)
            if not any(text.strip() and text.strip() in answer for text in later):
                continue
        kept.append(each)
    return kept


def _abstracted(
    value: Any, parameters: dict[str, Parameter], sources: list[tuple[int, str]], derived: list[Derived]
) -> Any:
    if isinstance(value, dict):
        return {key: _abstracted(each, parameters, sources, derived) for key, each in value.items()}
    if isinstance(value, list):
        return [_abstracted(each, parameters, sources, derived) for each in value]
    if not isinstance(value, str):
        return value
    bare = value.strip()
    if bare not in parameters:
        for call, answer in reversed(sources):
            found = _derivation(bare, call, answer, parameters, f"answer_{len(derived) + 1}")
            if found is not None:
                derived.append(found)
                return value.replace(bare, "{{" + found.name + "}}")
    for text, parameter in sorted(parameters.items(), key=lambda item: -len(item[0])):
        value = _replaced(value, text, "{{" + parameter.name + "}}")
    return value


def _derivation(value: str, call: int, answer: str, parameters: dict[str, Parameter], name: str) -> Derived | None:
    if not value:
        return None
    if answer == value:
        return Derived(name=name, call=call)
    for line in answer.splitlines():
        key, mark, rest = line.partition(":")
        if mark and rest.strip() == value:
            known = next((one for text, one in parameters.items() if text.lower() == key.strip().lower()), None)
            return Derived(name=name, call=call, key="{{" + known.name + "}}" if known else key.strip())
    return None


def _values_of(instruction: str) -> Iterator[str]:
    """Quoted texts, then words; each once."""
    seen: set[str] = set()
    for value in [*_QUOTED.findall(instruction), *(match[0] for match in _TOKEN.finditer(instruction))]:
        if len(value) >= 2 and value not in seen:
            seen.add(value)
            yield value


def _is_key(value: str, calls: Sequence[Did]) -> bool:
    """Whether an answer has a line that it is the name of, and whose value a later call used."""
    for index, each in enumerate(calls):
        for line in _NUMBERED.sub("", each.answer).splitlines():
            key, mark, rest = line.partition(":")
            if mark and key.strip().lower() == value.lower() and rest.strip():
                later = [text for other in calls[index + 1 :] for text in _texts(other.arguments)]
                if any(text.strip() == rest.strip() for text in later):
                    return True
    return False


def _parameter(value: str, instruction: str, name: str) -> Parameter:
    at = instruction.index(value)
    left = _TOKEN.findall(instruction[:at])[-_CONTEXT:]
    right = _TOKEN.findall(instruction[at + len(value) :])[:_CONTEXT]
    return Parameter(
        name=name, description=f"for example {value}", pattern=_pattern(value), left=tuple(left), right=tuple(right)
    )


def _pattern(value: str) -> Any:
    if re.fullmatch(r"-?\d+(?:\.\d+)?", value):
        return "number"
    if _FILE.fullmatch(value):
        return "file"
    return "word" if _TOKEN.fullmatch(value) else "text"


def _kind(value: str) -> str:
    return str(_pattern(value))


def _replaced(text: str, value: str, by: str) -> str:
    """Where it stands as words of its own."""
    return re.sub(rf"(?<![\w{{]){re.escape(value)}(?![\w}}])", lambda _: by, text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
