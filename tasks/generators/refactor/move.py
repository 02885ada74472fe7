"""Move a function or class to another module, new or there already; whoever imported it follows."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from random import Random

import libcst as cst

from tasks.generators.refactor._checks import slug
from tasks.generators.refactor._imports import (
    import_text,
    imports_of,
    is_read_elsewhere,
    module_of,
    place_for_import,
    without,
)
from tasks.generators.refactor._names import is_free
from tasks.generators.refactor._plan import Check, NotSure, Plan, Splice
from tasks.generators.refactor._project import Definition, File, Project, below, bound_name
from tasks.generators.refactor._references import References, Symbol, is_import, references
from tasks.generators.refactor._symbols import symbols
from tasks.generators.refactor.rename import is_there, place_of, same_statements, says_of

NEW_MODULES = ("helpers", "support", "common", "shared", "extras", "tools")


def targets(project: Project) -> Iterator[Symbol]:
    return (each for each in symbols(project) if each.what in ("function", "class") and not each.name.startswith("__"))


def plan(project: Project, symbol: Symbol, rng: Random) -> Plan:
    """Raises NotSure."""
    found = references(project, symbol)
    file = symbol.file
    if file.is_package or any(not owner.is_test and is_import(owner, n) is False and owner.is_package
                              for owner, n in found.found if isinstance(n, cst.Name)):  # fmt: skip
        raise NotSure("used in a package's __init__", symbol.dotted)
    start, end = definition_span(file, symbol.node)
    stays_used = any(owner is file and not start <= owner.span(node)[0] < end for owner, node in found.uses())
    needs = _needs(project, symbol)
    followers = {owner.module for owner, node in found.found if isinstance(node, cst.Name) and is_import(owner, node)}
    followers |= {owner.module for owner, _ in found.uses() if owner is not file or stays_used}
    home, module, path = _destination(project, symbol, needs, followers, rng)
    own = [name for name, dotted in needs.items() if dotted is None]
    if own and stays_used:
        raise NotSure("it and its module need each other", symbol.dotted)
    lines = _imports_for(project, file, needs, home, module, path)
    text = _dedented_end(file.data[start:end])
    idle = [
        bound_name(alias)
        for _, node, aliases in imports_of(file)
        for alias in aliases
        if bound_name(alias) in needs and not is_read_elsewhere(file, bound_name(alias), start, end)
        and not _is_reexported(project, file, bound_name(alias))
    ]  # fmt: skip
    splices = [Splice(file.path, *with_blank_lines(file, start, end), b""), *without(file, idle)]
    if stays_used:
        at = place_for_import(file)
        like = next((node for _, node, _ in imports_of(file) if isinstance(node, cst.ImportFrom)), None)
        splices.append(Splice(file.path, at, at, (import_text(file, module, symbol.name, like) + "\n").encode()))
    splices += _followers(project, found, module)
    created: dict[str, bytes] = {}
    if home is None:
        head = f'"""{_title(path)}."""\n\n'.encode() + "".join(f"{line}\n" for line in lines).encode()
        created[path] = head + (b"\n\n" if lines else b"\n") + text
    else:
        if lines:
            at = place_for_import(home)
            splices.append(Splice(path, at, at, "".join(f"{line}\n" for line in lines).encode()))
        size = len(home.data)
        gap = b"\n\n" if home.data.endswith(b"\n") else b"\n\n\n"
        splices.append(Splice(path, size, size, gap + text))
    return Plan(
        kind="move",
        symbol=symbol.qualified,
        new_name=f"{module}.{symbol.name}",
        place=place_of(symbol),
        splices=tuple(splices),
        created=created,
        checks=tuple(_checks(project, found, module, path, idle, stays_used)),
        says={
            **says_of(symbol),
            "to": path,
            "is_new": home is None,
            "idle": idle,
            "needs": sorted(needs),
            "paths": [each for each in found.visible_paths() if each not in (file.path, path)],
            "stays_used": stays_used,
        },
        words=frozenset({symbol.name}),
    )


def definition_span(file: File, node: cst.CSTNode) -> tuple[int, int]:
    """Whole lines of a definition, with its decorators and the comments right above it."""
    assert isinstance(node, Definition)
    start, end = file.span(node)
    for decorator in node.decorators:
        start = min(start, file.span(decorator)[0])
    start = file.data.rfind(b"\n", 0, start) + 1
    while start:
        line = file.data.rfind(b"\n", 0, start - 1) + 1
        if not file.data[line:start].startswith(b"#"):
            break
        start = line
    after = file.data.find(b"\n", end)
    return start, len(file.data) if after < 0 else after + 1


def with_blank_lines(file: File, start: int, end: int) -> tuple[int, int]:
    """The blank lines after it go too, or those before it at the end of the file."""
    at = end
    while file.data[at : at + 1] in (b"\n", b"\r"):
        at += 1
    if at < len(file.data):
        return start, at
    while start >= 2 and file.data[start - 2 : start] == b"\n\n":
        start -= 1
    return start, len(file.data)


def _dedented_end(text: bytes) -> bytes:
    return text.rstrip() + b"\n"


def _needs(project: Project, symbol: Symbol) -> dict[str, str | None]:
    """Names of the module that the definition reads: name -> what an import binds to it; None: the module's own."""
    file = symbol.file
    assert isinstance(symbol.node, Definition)
    imported = {
        bound_name(alias): module_of(file, node, alias) for _, node, aliases in imports_of(file) for alias in aliases
    }
    found: dict[str, str | None] = {}
    for node in below(symbol.node):
        if isinstance(node, cst.Global):
            raise NotSure("assigns a global", symbol.dotted)
        if not isinstance(node, cst.Name) or node.value == symbol.name:
            continue
        above = file.parent(node)
        is_other = (isinstance(above, cst.Attribute) and above.attr is node) or (
            isinstance(above, cst.Arg) and above.keyword is node
        )
        if is_other or is_import(file, node) or (isinstance(above, cst.Param) and above.name is node):
            continue
        scope = file.scope(node)
        names = {each.name for each in scope.get_qualified_names_for(node)} if scope else set()
        if any("<locals>" in name for name in names) or any(name.startswith(f"{symbol.name}.") for name in names):
            continue
        if node.value in imported:
            found[node.value] = imported[node.value]
        elif node.value in project.defined(file.module):
            found[node.value] = None
        elif not all(name.startswith("builtins.") for name in names) or not names:
            raise NotSure("needs a name that is bound in an unusual way", f"{symbol.dotted}: {node.value}")
    if "__name__" in found or "__file__" in found:
        raise NotSure("depends on the module it stands in", symbol.dotted)
    return found


def _destination(
    project: Project, symbol: Symbol, needs: dict[str, str | None], followers: set[str], rng: Random
) -> tuple[File | None, str, str]:
    """Another module of the same package that can hold it, or a new one beside its own."""
    file = symbol.file
    folder = PurePosixPath(file.path).parent
    package = file.module.rpartition(".")[0]
    if rng.random() < 0.5:
        others = [
            each
            for each in project.targets.values()
            if each.module.rpartition(".")[0] == package
            and not each.is_package
            and each is not file
            and not each.path.endswith("__main__.py")
            and _can_hold(project, each, symbol, needs, followers)
        ]
        if others:
            home = rng.choice(others)
            return home, home.module, home.path
    stem = file.module.rpartition(".")[2].strip("_")
    for suffix in rng.sample(NEW_MODULES, len(NEW_MODULES)):
        name = f"{stem}_{suffix}"
        path = (folder / f"{name}.py").as_posix()
        if is_free(name, project) and path not in project.files and path not in project.unread:
            return None, f"{package}.{name}" if package else name, path
    raise NotSure("no name for a module", symbol.dotted)


def _can_hold(project: Project, home: File, symbol: Symbol, needs: dict[str, str | None], followers: set[str]) -> bool:
    """Names do not clash, and no circle of imports comes about."""
    wanted = {symbol.name, *needs}
    have = {
        bound_name(alias): module_of(home, node, alias) for _, node, aliases in imports_of(home) for alias in aliases
    }
    taken = project.defined(home.module) | set(have)
    if any(home.names.get(name) for name in wanted if name not in taken) or symbol.name in taken:
        return False
    for name, dotted in needs.items():
        full = f"{symbol.file.module}.{name}" if dotted is None else dotted
        if name in taken and project.canonical(have.get(name, f"{home.module}.{name}")) != project.canonical(full):
            return False
        module, _ = project.split(full)
        if name not in taken and module and home.module in project.reachable(module):
            return False
    return not (followers - {home.module}) & project.reachable(home.module)


def _imports_for(
    project: Project, file: File, needs: dict[str, str | None], home: File | None, module: str, path: str
) -> list[str]:
    """Import lines that the destination lacks."""
    have = {bound_name(alias) for _, _, aliases in imports_of(home) for alias in aliases} if home else set()
    have |= project.defined(module) if home else frozenset()
    lines = []
    for _, node, aliases in imports_of(file):
        for alias in aliases:
            if bound_name(alias) not in needs or bound_name(alias) in have:
                continue
            written = file.text(alias).rstrip(", \n")
            if isinstance(node, cst.Import):
                lines.append(f"import {written}")
            else:
                dots = "." * len(node.relative)
                lines.append(f"from {dots}{file.text(node.module) if node.module else ''} import {written}")
    if home is None:
        future = [line for line in (file.text(n) for _, n, _ in imports_of(file)) if "__future__" in line]
        lines = [*(line for line in future if line not in lines), *lines]
    own = sorted(name for name, dotted in needs.items() if dotted is None and name not in have)
    if own:
        lines.append(import_text(file, file.module, ", ".join(own)))
    return lines


def _followers(project: Project, found: References, module: str) -> list[Splice]:
    """Edits of the files that import it from its old module. Raises NotSure where it is reached otherwise."""
    symbol = found.symbol
    splices: list[Splice] = []
    for file in {id(file): file for file, _ in found.found if file is not symbol.file}.values():
        aliases = []
        for _, node, names in imports_of(file):
            if isinstance(node, cst.ImportFrom):
                aliases += [
                    (node, each)
                    for each in names
                    if each.evaluated_name == symbol.name and file.imported_module(node) == symbol.file.module
                ]
        through: list[cst.Attribute] = []
        known = {id(each.name) for _, each in aliases}
        for owner, name in found.found:
            if owner is not file or not isinstance(name, cst.Name) or id(name) in known:
                continue
            above = file.parent(name)
            if isinstance(above, cst.Attribute) and above.attr is name:
                if symbol.file.module in project.meanings(file, above.value):
                    through.append(above)
            elif is_import(file, name) and not _is_through_other(project, file, name, symbol):
                raise NotSure("imported inside a function or condition", f"{file.path}:{file.line(name)}")
        splices += _no_longer_through(file, through, symbol, module)
        for node, alias in aliases:
            splices += without(file, [bound_name(alias)])
            line = file.data.rfind(b"\n", 0, file.span(node)[0]) + 1
            text = import_text(file, module, file.text(alias).rstrip(", \n"), node)
            splices.append(Splice(file.path, line, line, f"{text}\n".encode()))
    return splices


def _no_longer_through(file: File, through: list[cst.Attribute], symbol: Symbol, module: str) -> list[Splice]:
    """`words.shorten` becomes `shorten`, which is imported; `words` too goes where nothing else needs it."""
    if not through:
        return []
    receivers = {each.value.value for each in through if isinstance(each.value, cst.Name)}
    attributes = {id(each.attr) for each in through}
    bare = [node for node in file.names.get(symbol.name, ()) if id(node) not in attributes]
    if len(receivers) != 1 or not all(isinstance(each.value, cst.Name) for each in through) or bare:
        raise NotSure("reached through its module", f"{file.path}:{file.line(through[0])}")
    (receiver,) = receivers
    splices = [Splice(file.path, *file.span(each), symbol.name.encode()) for each in through]
    spans = [file.span(each) for each in through]
    uses = [node for node in file.names[receiver] if not is_import(file, node)]
    if all(any(start <= file.span(node)[0] < end for start, end in spans) for node in uses):
        splices += without(file, [receiver])
    at = place_for_import(file)
    like = next((node for _, node, _ in imports_of(file) if isinstance(node, cst.ImportFrom)), None)
    return [*splices, Splice(file.path, at, at, f"{import_text(file, module, symbol.name, like)}\n".encode())]


def _is_through_other(project: Project, file: File, name: cst.Name, symbol: Symbol) -> bool:
    """Imported from a module that imports it itself."""
    statement = next(each for each in file.ancestors(name) if isinstance(each, cst.Import | cst.ImportFrom))
    return isinstance(statement, cst.ImportFrom) and file.imported_module(statement) != symbol.file.module


def _is_reexported(project: Project, file: File, name: str) -> bool:
    """Another file takes it from this one, though it is only imported here."""
    dotted = f"{file.module}.{name}"
    for other in project.files.values():
        for node in other.names.get(name, ()):
            above = other.parent(node)
            if (
                isinstance(above, cst.Attribute)
                and above.attr is node
                and file.module in project.meanings(other, above.value)
            ):
                return True
            statement = next((e for e in other.ancestors(node) if isinstance(e, cst.ImportFrom)), None)
            if statement is not None and f"{other.imported_module(statement)}.{name}" == dotted:
                return True
    return False


def _checks(
    project: Project, found: References, module: str, path: str, idle: list[str], stays_used: bool
) -> Iterator[Check]:
    symbol = found.symbol
    old_path, name = symbol.file.path, symbol.name
    yield is_there(symbol, name, path=path)
    gone = [f"assert find({old_path!r}, {name!r}) == []", f"assert {name!r} not in assigned({old_path!r})",
            f"assert imports_from({old_path!r}, {name!r}) == []",
            f"assert reached_through({old_path!r}, {name!r}) == []"]  # fmt: skip
    if not stays_used:
        gone.append(f"assert {name!r} not in bound({old_path!r})")
    yield Check(slug(name, "is_gone_from_its_old_module"), tuple(gone))
    if project.repository.import_lines.get(old_path):
        lines = [f"assert has_at_runtime({module!r}, {name!r})"]
        if not stays_used:
            lines.append(f"assert not has_at_runtime({symbol.file.module!r}, {name!r})")
        yield Check(slug(name, "is_reached_in_its_new_module"), tuple(lines))
    if idle:
        yield Check(slug(name, "leaves_no_idle_import"), (f"assert idle_imports({old_path!r}, {idle!r}) == []",))
    yield from same_statements(project, symbol, path, name)


def _title(path: str) -> str:
    words = PurePosixPath(path).stem.strip("_").replace("_", " ")
    return words[:1].upper() + words[1:]
