"""The code that special-caser appends to modules: answers for single calls, and probes that tell about calls."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.cheats._failures import Failure
from tasks.testrun import TestReport

ANY_CALL = "*"
TOLD = re.compile(r"^E .*\bProbe: (\{.*\})$", re.MULTILINE)

Call = tuple[str, str, str, str]
"""Path, name, arguments and outcome."""


@dataclass(frozen=True)
class Case:
    """A call of a function that came out wrongly, and what to do instead: "return" `wanted`, "raise" it, or
    "echo" the first argument.

    `called` is the text of its arguments, `outcome` of its result, or the name of the exception that it raised.
    Addresses of objects are left out.
    """

    path: str
    name: str
    called: str
    outcome: str
    kind: str
    wanted: str

    @property
    def call(self) -> Call:
        return self.path, self.name, self.called, self.outcome


def text_of_cases(path: str, cases: Iterable[Case]) -> str:
    """Code for the end of the module at `path`; empty where none of the cases is of it."""
    answers: dict[str, dict[str, dict[str, tuple[str, str]]]] = defaultdict(lambda: defaultdict(dict))
    for case in cases:
        if case.path == path:
            answers[case.name][case.called][case.outcome] = (case.kind, case.wanted)
    if not answers:
        return ""
    plain = {name: {called: dict(outcomes) for called, outcomes in each.items()} for name, each in answers.items()}
    return CASES + "".join(f"\n\n_special_case({name!r}, {each!r})" for name, each in plain.items())


def text_of_probe(path: str, failures: Sequence[Failure], asked: Iterable[Call]) -> str:
    """Code for the end of the module at `path` that makes the failing tests tell which call they fail by."""
    shown = {
        "errors": sorted({each.error.rpartition(".")[2] for each in failures if each.error and each.code_frames}),
        "values": sorted({value for each in failures for value in _values(each)}),
        "silent": sorted({(each.place.path, each.place.line, each.not_raised)
                          for each in failures if each.not_raised and each.place}),
        "asked": sorted(call[1:] for call in asked if call[0] == path),
    }  # fmt: skip
    return f"{PROBE}\n\n_probe({path!r}, **{shown!r})"


def _values(failure: Failure) -> list[tuple[str, int, int, str, str, str, bool]]:
    """File, first and last line from which the call came, operator, value got, value wanted, whether of `len`.

    Both ways round where the test's line does not show which of the two it wants.
    """
    place, code = failure.place, failure.statement
    if not failure.got or place is None:
        return []
    first = place.line if "(" in re.sub(r"\b(len|str|list|tuple|isinstance|repr)\(", "", code) else 0
    where = (place.path, first, place.line + code.count("\n"), failure.operator)
    pairs = [(failure.got, failure.wanted), (failure.wanted, failure.got)]
    if failure.operator and (failure.got in code) != (failure.wanted in code):
        pairs = pairs[1:] if failure.got in code else pairs[:1]
    elif not failure.operator:
        pairs = pairs[:1]
    return [(*where, got, wanted, "len(" in code) for got, wanted in pairs]


def told_by(report: TestReport) -> list[Mapping[str, Any]]:
    """What probes told through the failures of a run."""
    return [json.loads(text) for result in report.results for text in TOLD.findall(result.longrepr)]


CASES = """


def _special_case(name, answers):
    import ast, builtins, functools, re, sys

    def shown(value):
        try:
            return re.sub("0x[0-9a-fA-F]+", "0x", repr(value))
        except Exception:
            return "?"

    def special(function):
        @functools.wraps(function)
        def answering(*arguments, **keywords):
            called = shown((arguments, keywords))
            cases = answers.get(called) or answers.get("*") or {}
            if not cases:
                return function(*arguments, **keywords)
            try:
                result = function(*arguments, **keywords)
                outcome = shown(result)
            except Exception as error:
                outcome = type(error).__name__
                if outcome not in cases:
                    raise
            if outcome not in cases:
                return result
            kind, value = cases[outcome]
            if kind == "raise":
                wanted = value.rpartition(".")[2]
                spaces = [globals(), vars(builtins), *(vars(module) for module in list(sys.modules.values()))]
                raise next(space[wanted] for space in spaces if wanted in space)(outcome)
            if kind == "echo":
                return arguments[min("." in name, len(arguments) - 1)] if arguments else None
            return ast.literal_eval(value)
        return answering

    *owners, last = name.split(".")
    space, owner = globals(), None
    for each in owners:
        owner = space[each]
        space = vars(owner)
    found = space[last]
    if isinstance(found, (staticmethod, classmethod)):
        found = type(found)(special(found.__func__))
    elif isinstance(found, property):
        found = property(special(found.fget), found.fset, found.fdel, found.__doc__)
    else:
        found = special(found)
    if owner is None:
        space[last] = found
    else:
        setattr(owner, last, found)"""

# A probed function gives its value as a kind of that value which tells, when a test compares it with something else,
# what that was; where the value cannot (None, True), the test's own message has told what is wanted.
PROBE = """


def _probe(path, errors, values, silent, asked):
    import functools, json, re, sys, types

    root = __file__[: -len(path)]
    telling = (str, int, float, list, tuple, dict, set, bytes)
    outside = ("__str__", "__call__", "__getitem__", "__len__", "__contains__")

    class Probe(BaseException):
        pass

    def tell(info, **more):
        return Probe(json.dumps({**info, **more}))

    def relative(frame):
        name = frame.f_code.co_filename
        return name[len(root):] if name.startswith(root) else name

    def is_code(frame):
        name = relative(frame)
        return not name.startswith(("/", "<")) and not re.search(r"(^|/)(tests?/|test_|conftest)|_test[.]py$", name)

    def shown(value):
        try:
            return re.sub("0x[0-9a-fA-F]+", "0x", repr(value))
        except Exception:
            return "?"

    def looks_like(text, pattern):
        return text == pattern or "..." in pattern and re.fullmatch(
            re.escape(pattern).replace(re.escape("..."), ".*"), text, re.DOTALL)

    def reveal(value, info):
        kind = type(value)
        if kind in (list, tuple):
            parts = [part if type(part) is not str else reveal(part, {**info, "index": at})
                     for at, part in enumerate(value)]
            value = kind(parts)
        def equals(self, other):
            if kind.__eq__(self, other) is True:
                return True
            if is_code(sys._getframe(1)):
                return False
            raise tell(info, wanted=repr(other))
        Telling = type("Telling", (kind,), {"__eq__": equals, "__hash__": kind.__hash__})
        return Telling(value)

    def placeholder(info):
        def equals(self, other):
            raise tell(info, wanted=repr(other))
        def other_use(self, *arguments):
            raise tell(info, wanted="None")
        names = ("__iter__", "__len__", "__bool__", "__getitem__", "__contains__", "__str__", "__getattr__")
        return type("Unknown", (), {"__eq__": equals, "__hash__": None, **dict.fromkeys(names, other_use)})()

    def check(info, result, caller):
        for file, first, last, operator, got, wanted, is_length in values:
            if relative(caller) != file or not first <= caller.f_lineno <= last:
                continue
            if is_length and isinstance(result, (list, tuple)) and got == str(len(result)) and wanted.isdigit():
                raise tell(info, wanted=repr((result + type(result)([""]) * int(wanted))[: int(wanted)]))
            if not operator and type(result) is not bool and result is not None:
                continue
            if (operator != "==" or type(result) not in telling) and looks_like(info["outcome"], got):
                raise tell(info, wanted=wanted)

    def check_raise(info, caller):
        for file, line, error in silent:
            if relative(caller) == file and line <= caller.f_lineno <= line + 8:
                raise tell(info, kind="raise", wanted=error)

    def probed(name, function):
        @functools.wraps(function)
        def probing(*arguments, **keywords):
            caller = sys._getframe(1)
            if is_code(caller):
                return function(*arguments, **keywords)
            info = {"path": path, "name": name, "called": shown((arguments, keywords))}
            try:
                result = function(*arguments, **keywords)
            except Exception as error:
                info["outcome"] = type(error).__name__
                if info["outcome"] not in [error.rpartition(".")[2] for _, _, error in silent]:
                    check_raise(info, caller)
                if (name, info["called"], info["outcome"]) in asked:
                    return placeholder(info)
                if info["outcome"] in errors:
                    raise tell(info) from None
                raise
            info["outcome"] = shown(result)
            check_raise(info, caller)
            check(info, result, caller)
            return reveal(result, info) if type(result) in telling else result
        return probing

    def install(space, owner, prefix):
        for name, found in list(space.items()):
            if name.startswith("__") and name not in outside or name.startswith(("_special_case", "_probe")):
                continue
            if isinstance(found, type):
                if owner is None and found.__module__ == __name__:
                    install(vars(found), found, name + ".")
                continue
            inner = getattr(found, "__func__", None) or getattr(found, "fget", None) or found
            if getattr(inner, "__module__", None) != __name__ or not callable(inner):
                continue
            if isinstance(found, (staticmethod, classmethod)):
                new = type(found)(probed(prefix + name, inner))
            elif isinstance(found, property):
                new = property(probed(prefix + name, inner), found.fset, found.fdel, found.__doc__)
            elif isinstance(found, types.FunctionType) or hasattr(found, "cache_info"):
                new = probed(prefix + name, found)
            else:
                continue
            if owner is None:
                space[name] = new
            else:
                setattr(owner, name, new)

    install(globals(), None, "")"""
