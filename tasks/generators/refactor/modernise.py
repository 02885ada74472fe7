"""Replace what the standard library deprecates, all over one module, where the new form means exactly the same.

`%`-formats of a tuple become f-strings (`%s` is `!s`: an object with a `__format__` of its own reads as it did too),
`typing.List` and its like become the builtin types, old names of exceptions and functions the new ones,
`super(C, self)` becomes `super()`, and `Path` is asked what `os.path` was asked about files.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import libcst as cst

from tasks.candidate import Place
from tasks.generators.refactor._checks import slug
from tasks.generators.refactor._imports import imports_of, is_read_elsewhere, place_for_import, without
from tasks.generators.refactor._plan import Check, NotSure, Plan, Splice
from tasks.generators.refactor._project import Definition, File, Project, bound_name

GENERIC_TYPES = {
    "List": "list",
    "Dict": "dict",
    "Set": "set",
    "FrozenSet": "frozenset",
    "Tuple": "tuple",
    "Type": "type",
}
OLD_NAMES = {"builtins.IOError": "OSError", "builtins.EnvironmentError": "OSError", "io.open": "open"}
PATH_QUESTIONS = {"exists": "exists", "isfile": "is_file", "isdir": "is_dir"}


@dataclass(frozen=True)
class Target:
    """One way in one module."""

    file: File
    way: str

    @property
    def dotted(self) -> str:
        return f"{self.file.module} ({self.way})"


Found = tuple[list[tuple[cst.CSTNode, str]], list[str]]  # (node, its new text), names whose imports may be idle then


def targets(project: Project) -> Iterator[Target]:
    return (Target(file, way) for file in project.targets.values() for way in WAYS)


def plan(project: Project, target: Target, rng: Random) -> Plan:
    """Raises NotSure."""
    file, way = target.file, target.way
    edits, imports = WAYS[way](project, file)
    if not edits:
        raise NotSure("nothing of that kind in the module", target.dotted)
    spans = [file.span(node) for node, _ in edits]
    idle = [name for name in imports if not any(_is_outside(file, name, spans))]
    splices = [Splice(file.path, *span, text.encode()) for span, (_, text) in zip(spans, edits, strict=True)]
    splices += without(file, idle)
    if way == "path_questions" and "Path" not in {bound_name(a) for _, _, aliases in imports_of(file) for a in aliases}:
        at = place_for_import(file)
        splices.append(Splice(file.path, at, at, b"from pathlib import Path\n"))
    lines = tuple(file.line(node) for node, _ in edits)
    owners = sorted({file.owner(node) for node, _ in edits} - {""})
    first, last = min(lines), max(lines)
    return Plan(
        kind="modernise",
        symbol=file.module,
        new_name=way,
        place=Place(
            path=file.path,
            symbol=owners[0] if owners else file.module,
            first_line=first,
            last_line=last,
            changed_lines=tuple(sorted(set(lines))),
        ),
        splices=tuple(splices),
        checks=tuple(_checks(target, edits, idle)),
        says={"path": file.path, "way": way, "owners": owners, "count": len(edits), "idle": idle},
        words=frozenset({file.module}),
    )


def _percent_formats(project: Project, file: File) -> Found:
    edits: list[tuple[cst.CSTNode, str]] = []
    for node in file.nodes:
        if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Modulo):
            text = _as_f_string(file, node)
            if text is None and isinstance(node.left, cst.SimpleString | cst.ConcatenatedString):
                raise NotSure("a format that may mean something else", f"{file.path}:{file.line(node)}")
            if text is not None:
                edits.append((node, text))
    return edits, []


def _as_f_string(file: File, node: cst.BinaryOperation) -> str | None:
    left, right = node.left, node.right
    if not isinstance(left, cst.SimpleString) or not isinstance(right, cst.Tuple) or left.prefix not in ("", "u", "U"):
        return None
    quote = left.quote
    pieces = re.split(r"(%[sr])", left.raw_value)
    values = [each.value for each in right.elements]
    if any("%" in piece for piece in pieces[::2]) or len(pieces) // 2 != len(values) or len(quote) != 1:
        return None
    out = []
    for at, piece in enumerate(pieces):
        if at % 2 == 0:
            out.append(piece.replace("{", "{{").replace("}", "}}"))
            continue
        value = values[at // 2]
        text = file.whole_text(value)
        if isinstance(right.elements[at // 2], cst.StarredElement) or re.search(r"[\\#\n{}!:]", text) or quote in text:
            return None
        out.append(f"{{{text}!{piece[1]}}}")
    return f"f{quote}{''.join(out)}{quote}"


def _generic_types(project: Project, file: File) -> Found:
    if _oldest_python(project) < (3, 9):
        raise NotSure("must run on a Python that lacks the new form", file.path)
    edits: list[tuple[cst.CSTNode, str]] = []
    names = []
    for name, new in GENERIC_TYPES.items():
        for node in file.names.get(name, ()):
            above = file.parent(node)
            whole = above if isinstance(above, cst.Attribute) and above.attr is node else node
            if f"typing.{name}" not in project.meanings(file, whole) or _is_in_import(file, node):
                continue
            if new in project.defined(file.module) or (new in file.names and _is_shadowed(file, node, new)):
                raise NotSure("the builtin's name is taken", f"{file.path}:{file.line(node)}")
            edits.append((whole, new))
            names.append(name if whole is node else "typing")
    return edits, list(dict.fromkeys(names))


def _old_names(project: Project, file: File) -> Found:
    edits: list[tuple[cst.CSTNode, str]] = []
    names = []
    for old, new in OLD_NAMES.items():
        module, _, name = old.rpartition(".")
        for node in file.names.get(name, ()):
            above = file.parent(node)
            whole = above if isinstance(above, cst.Attribute) and above.attr is node else node
            if old not in project.meanings(file, whole) or _is_in_import(file, node) or _is_shadowed(file, node, new):
                continue
            edits.append((whole, new))
            names += [module] if whole is not node else []
    return edits, list(dict.fromkeys(names))


def _zero_argument_super(project: Project, file: File) -> Found:
    edits: list[tuple[cst.CSTNode, str]] = []
    for node in file.names.get("super", ()):
        call = file.parent(node)
        if not isinstance(call, cst.Call) or call.func is not node or len(call.args) != 2:
            continue
        around = [each for each in file.ancestors(call) if isinstance(each, Definition | cst.Lambda | cst.CompFor)]
        if len(around) < 2 or not isinstance(around[0], cst.FunctionDef) or not isinstance(around[1], cst.ClassDef):
            continue
        first = around[0].params.params[0].name.value if around[0].params.params else ""
        if [file.text(arg.value) for arg in call.args] == [around[1].name.value, first]:
            edits.append((call, "super()"))
    return edits, []


def _path_questions(project: Project, file: File) -> Found:
    edits: list[tuple[cst.CSTNode, str]] = []
    for name, new in PATH_QUESTIONS.items():
        for node in file.names.get(name, ()):
            callee = file.parent(node)
            call = file.parent(callee) if isinstance(callee, cst.Attribute) else None
            if not isinstance(call, cst.Call) or callee is None or len(call.args) != 1 or call.args[0].star:
                continue
            if project.meanings(file, callee) & {f"os.path.{name}", f"posixpath.{name}"}:
                edits.append((call, f"Path({file.whole_text(call.args[0].value)}).{new}()"))
    if (
        edits
        and "Path" in file.names
        and not any(bound_name(a) == "Path" for _, _, aliases in imports_of(file) for a in aliases)
    ):
        raise NotSure("the name Path is taken", file.path)
    return edits, ["os"] if edits else []


WAYS: dict[str, Callable[[Project, File], Found]] = {
    "percent_formats": _percent_formats,
    "generic_types": _generic_types,
    "old_names": _old_names,
    "zero_argument_super": _zero_argument_super,
    "path_questions": _path_questions,
}


def _checks(target: Target, edits: list[tuple[cst.CSTNode, str]], idle: list[str]) -> Iterator[Check]:
    path = target.file.path
    name = slug(Path(path).stem, target.way)
    file = target.file
    if target.way == "percent_formats":
        yield Check(slug(name, "are_gone"), (f"assert percent_formats({path!r}) == []",))
        texts = [text for _, text in edits]
        lines = (
            "wanted = [",
            *(f"    {text!r}," for text in texts),
            "]",
            f"assert missing_formats({path!r}, wanted) == []",
        )
        yield Check(slug(name, "are_f_strings"), lines)
    elif target.way == "zero_argument_super":
        lines = (
            f"calls = calls_of(code()[{path!r}], 'super')",
            "assert [call.lineno for call in calls if call.args] == []",
            f"assert len(calls) >= {len(edits)}",
        )
        yield Check(slug(name, "are_gone"), lines)
    else:
        old = sorted({file.text(node) if not isinstance(node, cst.Call) else file.text(node.func) for node, _ in edits})
        yield Check(slug(name, "are_gone"), tuple(f"assert written({path!r}, {each!r}) == []" for each in old))
        new = sorted({re.sub(r"^Path\(.*\)(\.\w+)\(\)$", r"Path\1", text) for _, text in edits})
        words = [each.split(".")[-1] for each in new]
        yield Check(
            slug(name, "have_new_ones"),
            tuple(f"assert {word!r} in [name for name, _ in identifiers(code()[{path!r}])]" for word in words),
        )
    if idle:
        yield Check(slug(name, "leave_no_idle_import"), (f"assert idle_imports({path!r}, {idle!r}) == []",))


def _is_outside(file: File, name: str, spans: list[tuple[int, int]]) -> Iterator[bool]:
    """Whether each use of a name lies outside the spans."""
    for node in file.names.get(name, ()):
        at = file.span(node)[0]
        if not _is_in_import(file, node) and not any(start <= at < end for start, end in spans):
            yield True
    yield is_read_elsewhere(file, name, 0, len(file.data))


def _is_in_import(file: File, node: cst.CSTNode) -> bool:
    return any(isinstance(each, cst.Import | cst.ImportFrom) for each in file.ancestors(node))


def _is_shadowed(file: File, node: cst.CSTNode, name: str) -> bool:
    """The builtin's name means something else here."""
    scope = file.scope(node)
    return scope is not None and any(
        each.scope is not None and type(each.scope).__name__ != "BuiltinScope" for each in scope[name]
    )


def _oldest_python(project: Project) -> tuple[int, int]:
    """What `requires-python` or `python_requires` allows; (0, 0) where nothing says it."""
    root = project.repository.source.code
    for name in ("pyproject.toml", "setup.cfg", "setup.py"):
        text = (root / name).read_text(encoding="utf-8") if (root / name).is_file() else ""
        match = re.search(r"(?:requires-python|python_requires)\s*=\s*[\"']?[^\d\n]*(\d+)\.(\d+)", text)
        if match is not None:
            return int(match.group(1)), int(match.group(2))
    return 0, 0
