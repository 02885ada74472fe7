"""Extract a function: a run of statements becomes a function of its own, called where they stood."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import libcst as cst

from tasks.candidate import Place
from tasks.generators.refactor._checks import slug
from tasks.generators.refactor._names import is_free
from tasks.generators.refactor._plan import Check, NotSure, Plan, Splice
from tasks.generators.refactor._project import File, Project, below
from tasks.generators.refactor._references import Symbol
from tasks.generators.refactor._symbols import function_symbols
from tasks.generators.refactor.rename import renamed

FEWEST_STATEMENTS = 3  # nested ones count
MOST_PARAMETERS = 5
_MOST_TRIES = 100
_ESCAPES = (cst.Return, cst.Yield, cst.Await, cst.Global, cst.Nonlocal, cst.FunctionDef, cst.ClassDef, cst.Lambda,
            cst.Del, cst.ImportFrom, cst.Import, cst.NamedExpr)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """Statements `first` to `last` (one past) of the block of a function; the names that go in and come out."""

    symbol: Symbol
    statements: Sequence[cst.BaseStatement]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class _Use:
    node: cst.Name
    is_store: bool


def targets(project: Project) -> Iterator[Symbol]:
    return function_symbols(project)


def plan(project: Project, symbol: Symbol, rng: Random) -> Plan:
    """Raises NotSure."""
    run = _any_run(project, symbol, rng)
    if run is None:
        raise NotSure("no statements to extract", symbol.dotted)
    file, node = symbol.file, symbol.node
    assert isinstance(node, cst.FunctionDef)
    name = _name(run, project, rng)
    start, end = file.span(run.statements[0])[0], file.span(run.statements[-1])[1]
    first = file.data.rfind(b"\n", 0, start) + 1
    indent = file.data[first:start].decode()
    tail = file.data.find(b"\n", end)
    tail = len(file.data) if tail < 0 else tail
    body = file.data[first:tail].decode()
    receiver = _receiver(symbol)
    is_method = receiver in run.inputs
    inputs = [receiver, *(each for each in run.inputs if each != receiver)] if is_method else list(run.inputs)
    lines = [f"def {name}({', '.join(inputs)}):", *_indented(body, indent)]
    if run.outputs:
        lines.append(f"    return {', '.join(run.outputs)}")
    call = f"{receiver}.{name}({', '.join(inputs[1:])})" if is_method else f"{name}({', '.join(inputs)})"
    call = f"{', '.join(run.outputs)} = {call}" if run.outputs else call
    outer = node if is_method or symbol.holder is None else symbol.holder
    at = _start_with_decorators(file, outer)
    margin = file.data[file.data.rfind(b"\n", 0, file.span(outer)[0]) + 1 : file.span(outer)[0]].decode()
    text = "".join(f"{margin}{line}\n" if line else "\n" for line in lines)
    splices = (
        Splice(file.path, at, at, (text + ("\n" if is_method else "\n\n")).encode()),
        Splice(file.path, first, tail, f"{indent}{call}".encode()),
    )
    first_line, last_line = file.line(run.statements[0]), file.lines(run.statements[-1])[1]
    return Plan(
        kind="extract",
        symbol=symbol.qualified,
        new_name=name,
        place=Place(
            path=file.path,
            symbol=symbol.qualified,
            first_line=file.line(node),
            last_line=file.lines(node)[1],
            changed_lines=tuple(range(first_line, last_line + 1)),
        ),
        splices=splices,
        checks=tuple(_checks(run, name, inputs, is_method)),
        says={
            "path": file.path,
            "symbol": symbol.qualified,
            "what": symbol.what,
            "new": name,
            "first_line": first_line,
            "last_line": last_line,
            "inputs": inputs[1:] if is_method else inputs,
            "holder": symbol.holder.name.value if symbol.holder and is_method else "",
            "outputs": run.outputs,
        },
        words=frozenset({name, symbol.name}),
    )


def _any_run(project: Project, symbol: Symbol, rng: Random) -> Run | None:
    """Statements of any block of a function that tests run and that can stand alone."""
    file, function = symbol.file, symbol.node
    assert isinstance(function, cst.FunctionDef)
    if function.asynchronous is not None or not isinstance(function.body, cst.IndentedBlock):
        return None
    ran = project.repository.reached_by.get(file.path, {})
    names = _names_in(file, function)
    runs: list[Sequence[cst.BaseStatement]] = []
    for block in [each for each in below(function.body) if isinstance(each, cst.IndentedBlock)]:
        if any(isinstance(each, cst.FunctionDef | cst.ClassDef) for each in _between(file, block, function)):
            continue
        for start in range(len(block.body)):
            for stop in range(start + 1, len(block.body) + 1):
                if stop - start < len(block.body) or block is not function.body:
                    runs.append(block.body[start:stop])
    rng.shuffle(runs)
    for part in runs[:_MOST_TRIES]:
        if _is_run(file, part, ran) and names is not None and (run := _run(file, symbol, part, names)) is not None:
            return run
    return None


def _run(file: File, symbol: Symbol, part: Sequence[cst.BaseStatement], names: list[_Use]) -> Run | None:
    nodes = [each for statement in part for each in below(statement)]
    count = sum(isinstance(each, cst.BaseSmallStatement | cst.BaseCompoundStatement) for each in nodes)
    if count < FEWEST_STATEMENTS or any(isinstance(each, _ESCAPES) for each in nodes):
        return None
    if any(
        isinstance(each, cst.Name) and each.value in ("super", "locals", "exec", "eval", "__class__") for each in nodes
    ):
        return None
    first = part[0]
    if _is_docstring(first) or _has_loose_jump(file, part):
        return None
    start, end = file.span(part[0])[0], file.span(part[-1])[1]
    text = file.data[start:end]
    if b'"""' in text or b"'''" in text or b"\\\n" in text or b"\t" in text:
        return None
    inside = [each for each in names if start <= file.span(each.node)[0] < end]
    outside = [each for each in names if not start <= file.span(each.node)[0] < end]
    stored = {each.node.value for each in inside if each.is_store}
    in_loop = any(isinstance(each, cst.For | cst.While) for each in _between(file, part[0], symbol.node))
    later = {each.node.value for each in outside if not each.is_store and (in_loop or file.span(each.node)[0] >= end)}
    outputs = sorted(stored & later, key=[each.node.value for each in inside].index)
    inputs = _inputs(file, part, inside, outside, start)
    sure = _surely_stored(part)
    inputs = list(dict.fromkeys([*inputs, *(name for name in outputs if name not in sure)]))
    assert isinstance(symbol.node, cst.FunctionDef)
    if (
        set(inputs) - _surely_before(file, part, symbol.node)
        or len(outputs) > 3
        or len(inputs) > MOST_PARAMETERS
        or not inputs
    ):
        return None
    return Run(symbol, part, tuple(inputs), tuple(outputs))


def _names_in(file: File, function: cst.CSTNode) -> list[_Use] | None:
    """Uses of the function's own local names, parameters as stores; None where an inner scope complicates it."""
    assert isinstance(function, cst.FunctionDef)
    scope = file.scope(function.body.body[0])
    if scope is None:
        return None
    found = [_Use(each.name, True) for each in below(function.params) if isinstance(each, cst.Param)]
    own = {assignment.name for assignment in scope.assignments}
    for node in below(function.body):
        if not isinstance(node, cst.Name) or node.value not in own:
            continue
        above = file.parent(node)
        if (isinstance(above, cst.Attribute) and above.attr is node) or (
            isinstance(above, cst.Arg) and above.keyword is node
        ):
            continue
        here = file.scope(node)
        if here is None or any(each.scope is not scope for each in here[node.value]):
            continue  # a comprehension's own
        found.append(_Use(node, _is_store(file, node)))
        if isinstance(above, cst.AugAssign) and above.target is node:
            found.append(_Use(node, False))
    return found


def _is_store(file: File, node: cst.CSTNode) -> bool:
    for above in file.ancestors(node):
        if isinstance(above, cst.AssignTarget | cst.NamedExpr | cst.CompFor | cst.For | cst.AugAssign | cst.AnnAssign):
            return node is above.target
        if isinstance(above, cst.AsName):
            return True
        if not isinstance(above, cst.Tuple | cst.List | cst.Element | cst.StarredElement):
            return False
        node = above
    return False


def _inputs(
    file: File, part: Sequence[cst.BaseStatement], inside: list[_Use], outside: list[_Use], start: int
) -> list[str]:
    """Names that may be read before the run itself has surely stored them, in the order of their first read."""
    found: list[str] = []
    stored: set[str] = set()
    for statement in part:
        span = file.span(statement)
        uses = [each for each in inside if span[0] <= file.span(each.node)[0] < span[1]]
        mine = {each.node.value for each in uses if each.is_store}
        for each in uses:
            if each.is_store or each.node.value in stored or each.node.value in found:
                continue
            before = {other.node.value for other in outside if other.is_store and file.span(other.node)[0] < start}
            if each.node.value in before:
                found.append(each.node.value)
            elif each.node.value not in mine:
                found.append(each.node.value)  # from a later round of a loop: `_run` refuses it
        stored |= mine & _surely_stored([statement])
    return found


def _surely_stored(part: Sequence[cst.BaseStatement]) -> set[str]:
    """Names that plain assignments of the run itself, not below a condition or loop, store."""
    found: set[str] = set()
    for statement in part:
        if isinstance(statement, cst.SimpleStatementLine):
            for small in statement.body:
                targets = [each.target for each in small.targets] if isinstance(small, cst.Assign) else []
                found |= {each.value for target in targets for each in below(target) if isinstance(each, cst.Name)}
    return found


def _has_loose_jump(file: File, part: Sequence[cst.BaseStatement]) -> bool:
    """A `break` or `continue` whose loop is not part of the run."""
    whole = {id(each) for statement in part for each in below(statement)}
    for statement in part:
        for node in below(statement):
            if isinstance(node, cst.Break | cst.Continue):
                loop = next((each for each in file.ancestors(node) if isinstance(each, cst.For | cst.While)), None)
                if loop is None or id(loop) not in whole:
                    return True
    return False


def _is_run(file: File, part: Sequence[cst.BaseStatement], ran: dict[int, tuple[int, ...]]) -> bool:
    """Tests run each of its statements: they decide whether it still does what it did."""
    nodes = (each for statement in part for each in below(statement))
    return all(file.line(each) in ran for each in nodes if isinstance(each, cst.SimpleStatementLine))


def _between(file: File, node: cst.CSTNode, outer: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for each in file.ancestors(node):
        if each is outer:
            return
        yield each


def _is_docstring(node: cst.CSTNode) -> bool:
    return (
        isinstance(node, cst.SimpleStatementLine)
        and isinstance(node.body[0], cst.Expr)
        and isinstance(node.body[0].value, cst.SimpleString | cst.ConcatenatedString)
    )


def _name(run: Run, project: Project, rng: Random) -> str:
    """From what comes out, or from the function it was in."""
    stem = run.symbol.name.strip("_")
    if run.outputs:
        names = [f"_{verb}_{run.outputs[-1].strip('_')}" for verb in ("find", "work_out", "compute", "determine")]
        names += [f"_{verb}_{run.outputs[-1].strip('_')}_of_{stem}" for verb in ("find", "work_out", "compute")]
    else:
        names = [f"_{verb}_{stem}" for verb in ("carry_out", "do_part_of", "finish", "help_to")]
    names = [each for each in names if is_free(each, project)]
    if not names:
        raise NotSure("no name for a function", run.symbol.dotted)
    return rng.choice(names[:2])


def _indented(text: str, indent: str) -> list[str]:
    lines = text.rstrip().splitlines()
    return [f"    {line.removeprefix(indent)}" if line.strip() else "" for line in lines]


def _receiver(symbol: Symbol) -> str:
    """`self` of an ordinary method; '' of anything else."""
    assert isinstance(symbol.node, cst.FunctionDef)
    parameters = symbol.node.params.params
    is_plain = all(
        symbol.file.text(each.decorator) not in ("staticmethod", "classmethod") for each in symbol.node.decorators
    )
    return parameters[0].name.value if symbol.holder is not None and parameters and is_plain else ""


def _surely_before(file: File, part: Sequence[cst.BaseStatement], function: cst.FunctionDef) -> set[str]:
    """Names that have a value whenever the run begins: parameters, and what was stored on every way to it."""
    found = {each.name.value for each in below(function.params) if isinstance(each, cst.Param)}
    node: cst.CSTNode = part[0]
    for above in file.ancestors(node):
        if isinstance(above, cst.IndentedBlock) and node in above.body:
            found |= _surely_stored(above.body[: list(above.body).index(node)])  # type: ignore[arg-type]
        elif isinstance(above, cst.For) and node is above.body:
            found |= {each.value for each in below(above.target) if isinstance(each, cst.Name)}
        if above is function:
            break
        node = above
    return found


def _start_with_decorators(file: File, node: cst.FunctionDef | cst.ClassDef) -> int:
    starts = [file.span(node)[0], *(file.span(each)[0] for each in node.decorators)]
    start = file.data.rfind(b"\n", 0, min(starts)) + 1
    while start:
        line = file.data.rfind(b"\n", 0, start - 1) + 1
        if not file.data[line:start].startswith(b"#"):
            break
        start = line
    return start


def _checks(run: Run, name: str, inputs: list[str], is_method: bool) -> Iterator[Check]:
    path, qualified = run.symbol.file.path, run.symbol.qualified
    new = renamed(run.symbol, name) if is_method else name
    function = ast.parse(cst.Module([]).code_for_node(run.symbol.node).strip("\n"))
    before = [ast.unparse(each) for each in ast.walk(function) if isinstance(each, ast.stmt)]
    moved = [
        ast.unparse(each)
        for statement in run.statements
        for each in ast.walk(ast.parse(cst.Module([]).code_for_node(statement).strip("\n")))
        if isinstance(each, ast.stmt) and not isinstance(each, ast.Pass | ast.Break | ast.Continue)
    ]
    left = {text: before.count(text) - moved.count(text) for text in dict.fromkeys(moved)}
    yield Check(
        slug(name, "is_there"),
        (
            f"new = definition({path!r}, {new!r})",
            f"assert sorted(parameter_names(new)) == {sorted(inputs)!r}",
        ),
    )
    yield Check(
        slug(qualified, "calls", name), (f"assert calls_of(definition({path!r}, {qualified!r}), {name!r}) != []",)
    )
    lines = [f"function = definition({path!r}, {qualified!r})", "most = {"]
    lines += [f"    {text!r}: {count}," for text, count in left.items()]
    lines += ["}", "assert repeated_statements(function, most) == []"]
    yield Check(slug(qualified, "has_handed_over_its_statements"), tuple(lines))
