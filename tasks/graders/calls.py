"""The `calls` grader: which calls, with which arguments, in which order; and what they do to a service (API-BLEND).

Scores after Basu et al. 2024: F1 of the names, F1 of the arguments, F1 of the longest common subsequence.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from tasks.graders._calls import Call, check_wanted, fits, parse_calls, slots_of, written, wrong_arguments
from tasks.graders._json_compare import Rules, compare
from tasks.graders._matching import best_matching
from tasks.graders._reading import Refused, read_text, shown
from tasks.graders._sandboxed import NoAnswer, ask_inside
from tasks.graders.grading import CannotGrade, Grade, Part, Work, failed

_MOST_PARTIAL = 0.999


@dataclass(frozen=True)
class CallsData:
    """`calls`: [{name, arguments, after}], arguments with the marks of docs/verifiers.md.

    `order`: `strict` (as listed), `partial` (each after those whose indexes, from 0, its `after` lists) or `any`.
    `allowed`: names of calls that may come besides and do not count, as look-ups. `alias`: other names, to ours.
    `replay`: {base_url, requests: {name: {method, path, query}}, state_path, state, ignore, unordered}: the
    agent's calls are executed on the service, and what state_path then gives must equal `state`.
    """

    calls: list[dict[str, Any]] = field(default_factory=list)
    output: str = "calls.json"
    order: Literal["strict", "partial", "any"] = "strict"
    ignore_case: bool = False
    allowed: list[str] = field(default_factory=list)
    alias: dict[str, str] = field(default_factory=dict)
    replay: dict[str, Any] = field(default_factory=dict)
    timeout_sec: float = 30.0


class CallsGrader:
    name = "calls"
    Data = CallsData

    async def grade(self, work: Work, data: Any) -> Grade:
        """Reward: the mean of the scores, 1 only if each call is right. Raises CannotGrade."""
        wanted = _checked(data)
        try:
            given = parse_calls(await read_text(work, data.output), data.output)
        except Refused as reason:
            return failed(data.output, str(reason))
        named = [Call(data.alias.get(call.name, call.name), call.arguments) for call in given]
        found = [call for call in named if call.name not in data.allowed or call.name in {each.name for each in wanted}]
        pairs = _pairs(found, wanted, data)
        parts = _parts(found, wanted, pairs, data)
        scores = {
            "detection": detection_f1([call.name for call in found], [call.name for call in wanted]),
            "slots": slot_f1(found, wanted, pairs, data.ignore_case),
        }
        if data.order != "any":
            sequence = [call.name for call in found], [call.name for call in wanted]
            scores["sequence"] = lcs_f1(*sequence) if data.order == "strict" else _share_in_order(pairs, data)
        if data.replay:
            state = await _replayed(work, named, data)
            scores["state"] = float(state.passed)
            parts.append(state)
        evidence = ", ".join(f"{name} {score:.4f}" for name, score in scores.items())
        if all(part.passed for part in parts):
            return Grade(1.0, tuple(parts), evidence)
        return Grade(min(_MOST_PARTIAL, sum(scores.values()) / len(scores)), tuple(parts), evidence)


def detection_f1(found: list[str], wanted: list[str]) -> float:
    common = (Counter(found) & Counter(wanted)).total()
    return 2 * common / (len(found) + len(wanted)) if found or wanted else 1.0


def slot_f1(found: list[Call], wanted: list[Call], pairs: dict[int, int], ignore_case: bool) -> float:
    """Over the arguments of all calls; those of a call without a partner are all wrong. `pairs`: wanted to found."""
    right = ours = theirs = 0
    for index, call in enumerate(wanted):
        if index not in pairs:
            theirs += len(call.arguments)
            continue
        partner = found[pairs[index]]
        wrong = wrong_arguments(partner.arguments, call.arguments, ignore_case=ignore_case)
        here, there = slots_of(partner, call.arguments)
        ours, theirs = ours + here, theirs + there
        right += sum(1 for name in call.arguments if name in partner.arguments and name not in wrong)
    ours += sum(len(call.arguments) for index, call in enumerate(found) if index not in pairs.values())
    return 2 * right / (ours + theirs) if ours + theirs else float(bool(pairs) or not wanted)


def lcs_f1(found: list[str], wanted: list[str]) -> float:
    """F1 of the longest common subsequence."""
    if not found and not wanted:
        return 1.0
    row = [0] * (len(wanted) + 1)
    for ours in found:
        before = row
        row = [0]
        for index, theirs in enumerate(wanted):
            row.append(before[index] + 1 if ours == theirs else max(row[index], before[index + 1]))
    return 2 * row[-1] / (len(found) + len(wanted))


def _checked(data: CallsData) -> list[Call]:
    wanted = []
    for index, each in enumerate(data.calls):
        if unknown := set(each) - {"name", "arguments", "after"}:
            raise CannotGrade(f"calls: call {index} has unknown fields: {', '.join(sorted(unknown))}")
        arguments, after = each.get("arguments", {}), each.get("after", [])
        if not isinstance(each.get("name"), str) or not isinstance(arguments, dict):
            raise CannotGrade(f"calls: call {index} needs a `name`, and `arguments` that are a mapping")
        if not isinstance(after, list) or not all(isinstance(place, int) and 0 <= place < index for place in after):
            raise CannotGrade(f"calls: call {index}: `after` lists indexes of earlier calls")
        try:
            for name, value in arguments.items():
                check_wanted(value, f"call {index}: {name}")
        except ValueError as error:
            raise CannotGrade(f"calls: {error}") from error
        wanted.append(Call(each["name"], arguments))
    if data.replay and (missing := {"base_url", "requests", "state_path", "state"} - set(data.replay)):
        raise CannotGrade(f"calls: replay lacks {', '.join(sorted(missing))}")
    return wanted


def _pairs(found: list[Call], wanted: list[Call], data: CallsData) -> dict[int, int]:
    """Wanted index to found index: by name, the most right arguments, and of equal ones the nearest place."""
    if data.order == "strict" and [call.name for call in found] == [call.name for call in wanted]:
        return {index: index for index in range(len(wanted))}

    def likeness(ours: int, theirs: int) -> float:
        call, goal = found[ours], wanted[theirs]
        if call.name != goal.name:
            return 0.0
        wrong = wrong_arguments(call.arguments, goal.arguments, ignore_case=data.ignore_case)
        near = 1 / (1 + abs(ours - theirs)) / 1000
        return 1.0 + near + (10.0 if not wrong else 1 / (1 + len(wrong)))

    most = len(wanted) + 50  # a list many times too long has lost anyway; matching is cubic
    return {theirs: ours for ours, theirs in best_matching(min(len(found), most), len(wanted), likeness)}


def _parts(found: list[Call], wanted: list[Call], pairs: dict[int, int], data: CallsData) -> list[Part]:
    parts = []
    for index, goal in enumerate(wanted):
        label = f"call {index + 1}: {goal.name}"
        if index not in pairs:
            parts.append(Part(label, False, "not called"))
            continue
        call = found[pairs[index]]
        wrong = wrong_arguments(call.arguments, goal.arguments, ignore_case=data.ignore_case)
        parts.append(
            Part(label, not wrong, f"wrong: {shown(', '.join(wrong), 100)} in {written(call)}" if wrong else "")
        )
    extra = [call for index, call in enumerate(found) if index not in pairs.values()]
    if extra or not wanted:
        parts.append(Part("no other calls", not extra, shown("; ".join(map(written, extra[:5])), 500)))
    if data.order == "strict" and wanted:
        in_order = [pairs[index] for index in range(len(wanted)) if index in pairs]
        parts.append(Part("order", in_order == sorted(in_order)))
    elif data.order == "partial" and wanted:
        parts.append(Part("order", _share_in_order(pairs, data) == 1.0))
    return parts


def _share_in_order(pairs: dict[int, int], data: CallsData) -> float:
    """Of the demands that a call comes after another, how many are met."""
    demands = [(index, place) for index, each in enumerate(data.calls) for place in each.get("after", [])]
    met = [index in pairs and place in pairs and pairs[place] < pairs[index] for index, place in demands]
    return sum(met) / len(met) if met else 1.0


async def _replayed(work: Work, calls: list[Call], data: CallsData) -> Part:
    """All the agent's calls, executed in its order on the fresh service. Raises CannotGrade."""
    replay = data.replay
    request = {
        "base_url": replay["base_url"],
        "requests": replay["requests"],
        "state_path": replay["state_path"],
        "calls": [{"name": call.name, "arguments": call.arguments} for call in calls[:1000]],
        "seconds": data.timeout_sec,
    }
    try:
        answer = await ask_inside(work, "replay", request, timeout_sec=data.timeout_sec + 20)
    except NoAnswer as reason:
        raise CannotGrade(f"calls: the replay gave no answer: {reason}") from reason
    if "unreachable" in answer:
        raise CannotGrade(f"calls: the service at {replay['base_url']} does not answer: {answer['unreachable']}")
    if "broken" in answer:
        return Part("end state", False, f"after the calls the service tells none: {answer['broken']}")
    rules = Rules(ignore=tuple(replay.get("ignore", [])), unordered=tuple(replay.get("unordered", [])))
    wrong = [part for part in compare(answer["state"], replay["state"], rules) if not part.passed]
    said = "; ".join([f"{part.name}: {part.detail}" for part in wrong[:3]] + answer["faults"][:3])
    return Part("end state", not wrong, shown(said, 500) if wrong else "")


__all__ = ["CallsData", "CallsGrader", "detection_f1", "fits", "lcs_f1", "slot_f1"]
