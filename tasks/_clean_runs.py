"""Clean runs: which environment makes a repository's tests pass, and which of them always do.

All of it happens in the same kind of sandbox that will verify: a test that needs the network, a
display or luck fails here and is excluded here.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from environments.errors import EnvironmentBuildFailed
from environments.sandbox import Backend, running
from environments.spec import SandboxSpec
from tasks._declared import Declared
from tasks._environment import Interpreter, build_environment, choose_interpreter
from tasks._scratch import scratch_in
from tasks._sdists import obtain_wheels, unobtainable
from tasks.errors import BadSource, VerifierFault
from tasks.paths import is_test_code, is_test_file
from tasks.recipe import ALWAYS, Recipe, Rung, RungResult, ladder, make_recipe, missing_distributions
from tasks.source import Source
from tasks.testrun import TestReport, TestResult, run_tests

ENOUGH_OUTPUT = 256_000_000
RUN_TIMEOUT_SEC = 1800.0
TEST_TIMEOUT_SEC = 60.0
_REPAIRS_PER_RUNG = 3
_MAX_RUNGS = 8
_RANDOM_SEED = 20_260_101


Lines = dict[str, tuple[int, ...]]
Reached = dict[str, dict[int, tuple[int, ...]]]  # path -> line -> indexes of the stable tests that run it


@dataclass(frozen=True)
class CleanTests:
    """What the clean runs showed; fields as in `Repository`."""

    stable: tuple[str, ...]
    unstable: dict[str, str]
    seconds: dict[str, float]
    reached_by: Reached
    import_lines: Lines
    collection_lines: Lines
    starting_processes: tuple[str, ...]


@dataclass
class _Search:
    """The best recipe so far."""

    passed: int = 0
    recipe: Recipe | None = None
    ladder: list[RungResult] = field(default_factory=list)


async def find_recipe(
    source: Source, backend: Backend, cache: Path, spec_of: Callable[[Recipe], SandboxSpec]
) -> Recipe:
    """The first rung whose tests are all collected and some pass, else the rung with the most that pass.

    Raises BadSource with every rung's reason.
    """
    if not _test_files(source):
        raise BadSource(
            f"{source.spec}: the source holds no test files. Where an sdist leaves them out, take the repository "
            "instead: git+URL@REV"
        )
    declared = Declared(source)
    interpreter = choose_interpreter(declared)
    search = _Search()
    for rung in list(ladder(declared))[:_MAX_RUNGS]:
        if await _try_rung(rung, declared, interpreter, backend, cache, spec_of, search):
            break
    if search.recipe is None:
        reasons = "\n".join(f"  {each.rung}: {each.reason}" for each in search.ladder)
        raise BadSource(
            f"{source.spec}: no environment was found in which its tests pass (Python {interpreter.version}).\n"
            f"{reasons}"
            f"{_hint(source)}"
        )
    return search.recipe.model_copy(update={"ladder": tuple(search.ladder)})


async def _try_rung(
    rung: Rung,
    declared: Declared,
    interpreter: Interpreter,
    backend: Backend,
    cache: Path,
    spec_of: Callable[[Recipe], SandboxSpec],
    search: _Search,
) -> bool:
    """Build and try one rung, adding what its runs say is missing; True if nothing better need be looked for."""
    wanted, name = list(rung.requirements), rung.name
    for _ in range(_REPAIRS_PER_RUNG + 1):
        try:
            recipe = await _build(wanted, declared, interpreter, backend, cache)
            if left_out := [line for line in rung.requirements if line not in wanted]:
                name = f"{rung.name}, without {', '.join(left_out)}"
            async with running(backend, spec_of(recipe)) as sandbox:
                report = await run_tests(
                    sandbox,
                    _what_to_run(declared.source),
                    timeout_sec=RUN_TIMEOUT_SEC,
                    per_test_timeout_sec=TEST_TIMEOUT_SEC,
                )
        except (EnvironmentBuildFailed, VerifierFault) as fault:
            search.ladder.append(RungResult(rung=name, reason=str(fault)[-2000:]))
            return False
        passed = sum(result.outcome == "passed" for result in report.results)
        if passed > search.passed:
            search.passed, search.recipe = passed, recipe
        missing = missing_distributions(_what_was_said(report), tried=[*wanted, *_own_modules(declared.source)])
        if passed and not missing:
            search.ladder.append(RungResult(rung=name, reason=_complaint(report)))
            return report.is_complete and not _uncollected(report)
        search.ladder.append(RungResult(rung=name, reason=_complaint(report) or "no test passed"))
        if not passed and _is_pytest_too_new(report) and "pytest" in wanted:
            wanted[wanted.index("pytest")] = "pytest<8"
            name = f"{name}, with pytest<8"
            continue
        if not missing:
            return False
        wanted += missing
        name = f"{name}, with {', '.join(missing)}"
    return False


async def _build(
    wanted: list[str], declared: Declared, interpreter: Interpreter, backend: Backend, cache: Path
) -> Recipe:
    """The environment of what is wanted; what cannot be had is left out, and taken off `wanted`."""
    with scratch_in(cache / "tmp") as folder:
        while True:
            try:
                pinned = await obtain_wheels(wanted, interpreter, folder, backend, cache)
                break
            except EnvironmentBuildFailed as fault:
                gone = _dispensable(unobtainable(str(fault)), wanted, declared)
                if not gone:
                    raise
                wanted.remove(gone)
        recipe = make_recipe(declared, interpreter.minor, pinned)
        await asyncio.to_thread(build_environment, recipe, cache, folder)
    return recipe


def _dispensable(requirement: Requirement | None, wanted: Sequence[str], declared: Declared) -> str:
    """The wanted line for a distribution that cannot be had, unless the package itself needs it; or ''."""
    if requirement is None:
        return ""
    name = canonicalize_name(requirement.name)
    needed = {canonicalize_name(Requirement(line).name) for line in (*ALWAYS, *declared.runtime())}
    lines = [line for line in wanted if canonicalize_name(Requirement(line).name) == name]
    return lines[0] if lines and name not in needed else ""


async def observe_clean_tests(source: Source, recipe: Recipe, backend: Backend, spec: SandboxSpec) -> CleanTests:
    """Clean runs in fresh sandboxes: with coverage, plain, and with coverage in random order. Raises BadSource.

    With coverage twice, since what the first test makes for all (a cache, an object that lives on) is seen in that
    test only: in another order other tests run these lines. Where there are such lines, once more with each test by
    itself, in which all run them that need what they make.
    """

    async def run(coverage: Sequence[str] = (), seed: int | None = None, *, each_alone: bool = False) -> TestReport:
        async with running(backend, spec) as sandbox:
            report = await run_tests(
                sandbox,
                _what_to_run(source),
                timeout_sec=RUN_TIMEOUT_SEC,
                per_test_timeout_sec=TEST_TIMEOUT_SEC,
                coverage=coverage,
                random_order_seed=seed,
                guarded=_guarded(source),
                each_alone=each_alone,
            )
        if report.is_tampered:
            names = ", ".join(report.tampered[:5])
            raise BadSource(
                f"{source.spec}: its tests change pytest, Python's builtins or test files for good: {names}"
            )
        if not report.is_complete:
            why = "ran out of time" if report.timed_out else f"ended early: {report.output[-1500:]}"
            raise BadSource(f"{source.spec}: a clean run of its tests {why}")
        return report

    try:
        covered = await run(coverage=_top_level(source))
        plain = await run()
        shuffled = await run(coverage=_top_level(source), seed=_RANDOM_SEED)
        runs = [covered, shuffled]
        stable, unstable = _sort_out(plain, runs)
        files = set(source.python_files())
        reached = [_reached_by(report, stable, files) for report in runs]
        if unlike := _unlike(*reached):
            reached.append(_reached_by(await run(coverage=unlike, each_alone=True), stable, files))
    except VerifierFault as fault:
        raise BadSource(f"{source.spec}: a clean run of its tests could not be made: {fault}") from fault
    await _check_imports(source, backend, spec)
    if not stable:
        raise BadSource(f"{source.spec}: no test passes in every clean run")
    seconds = {result.node_id: round(result.duration_sec, 5) for result in plain.results}
    imported = _joined([report.import_lines for report in runs])
    collected = _joined([report.collection_lines for report in runs])
    starting = {each.node_id for report in runs for each in report.results if each.starts_processes}
    return CleanTests(
        stable=stable,
        unstable=unstable,
        seconds={test: seconds[test] for test in stable},
        reached_by=reduce(_united, reached),
        import_lines=imported,
        collection_lines=_without(collected, imported),
        starting_processes=tuple(each.node_id for each in covered.results if each.node_id in starting),
    )


_IMPORT = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(name, error, sep=": ")
    except BaseException:
        pass
"""


async def _check_imports(source: Source, backend: Backend, spec: SandboxSpec) -> None:
    """The code must do without its hidden files, or an agent could not run it. Raises BadSource."""
    names = sorted({path.removesuffix("/__init__.py").split("/")[-1] for path in _packages(source)})
    told = []
    for layers in (spec.layers, (source.code,)):
        async with running(backend, spec.model_copy(update={"layers": layers})) as sandbox:
            told.append((await sandbox.run(["python", "-c", _IMPORT, *names], timeout_sec=120)).stdout)
    if told[0] != told[1]:
        raise BadSource(
            f"{source.spec}: its code cannot be imported without its tests, which no agent may see: {told[1].strip()}"
        )


def _packages(source: Source) -> list[str]:
    """`__init__.py` of the outermost packages."""
    found = [path for path in source.python_files() if path.endswith("/__init__.py")]
    roots = {path.removesuffix("/__init__.py") for path in found}
    return [path for path in found if path.removesuffix("/__init__.py").rpartition("/")[0] not in roots]


def _sort_out(plain: TestReport, others: Sequence[TestReport]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Stable tests in file order, and the others with the reason."""
    unstable = {}
    ids = dict.fromkeys(result.node_id for report in (plain, *others) for result in report.results)
    for node_id in ids:
        outcomes = [report.outcome(node_id) or "missing" for report in (plain, *others)]
        if set(outcomes) == {"passed"}:
            continue
        same = len(set(outcomes)) == 1
        unstable[node_id] = outcomes[0] if same else f"differs between clean runs: {', '.join(outcomes)}"
    return tuple(result.node_id for result in plain.results if result.node_id not in unstable), unstable


def _joined(several: Sequence[Lines]) -> Lines:
    lines: dict[str, set[int]] = defaultdict(set)
    for each in several:
        for path, some in each.items():
            lines[path].update(some)
    return {path: tuple(sorted(some)) for path, some in sorted(lines.items())}


def _without(lines: Lines, others: Lines) -> Lines:
    left = {path: tuple(line for line in some if line not in others.get(path, ())) for path, some in lines.items()}
    return {path: some for path, some in left.items() if some}


def _united(one: Reached, other: Reached) -> Reached:
    """Tests that run a line in one order or in the other."""
    return {
        path: {
            line: tuple(sorted({*one.get(path, {}).get(line, ()), *other.get(path, {}).get(line, ())}))
            for line in sorted({*one.get(path, {}), *other.get(path, {})})
        }
        for path in sorted({*one, *other})
    }


def _unlike(one: Reached, other: Reached) -> list[str]:
    """Files of which some test runs other lines in one run than in the other."""
    return sorted(path for path in {*one, *other} if one.get(path) != other.get(path))


def _reached_by(report: TestReport, stable: Sequence[str], files: set[str]) -> Reached:
    index = {test: at for at, test in enumerate(stable)}
    found: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for result in report.results:
        if (at := index.get(result.node_id)) is None:
            continue
        for path, lines in result.lines.items():
            if path in files:
                for line in lines:
                    found[path][line].append(at)
    return {
        path: {line: tuple(sorted(tests)) for line, tests in sorted(by_line.items())}
        for path, by_line in sorted(found.items())
    }


def _what_to_run(source: Source) -> list[str] | None:
    """None, all that pytest finds; where no file has a name that it looks for, those that hold tests anyway."""
    tests = _test_files(source)
    if any(path.split("/")[-1].startswith("test_") or path.endswith("_test.py") for path in tests):
        return None
    return tests or None


def _test_files(source: Source) -> list[str]:
    paths = (path.relative_to(source.protected).as_posix() for path in source.protected.rglob("*.py"))
    return sorted(path for path in paths if is_test_file(path) and not path.endswith("conftest.py"))


def _own_modules(source: Source) -> set[str]:
    """Top-level modules of the source itself: one that is missing must be generated, not installed."""
    return {part for path in source.python_files() for part in path.removesuffix(".py").split("/")[:2]}


def _guarded(source: Source) -> list[str]:
    """As when verifying: a repository whose clean tests rewrite their own code could not be judged."""
    files = (path.relative_to(source.protected).as_posix() for path in source.protected.rglob("*") if path.is_file())
    return sorted(filter(is_test_code, files))


def _top_level(source: Source) -> list[str]:
    return sorted({path.split("/")[0] for path in source.python_files()})


def _what_was_said(report: TestReport) -> str:
    told = [result.longrepr for result in report.results if result.outcome in ("error", "failed")]
    return "\n".join([report.output, *told])


def _uncollected(report: TestReport) -> list[TestResult]:
    """Files that could not be collected."""
    return [result for result in report.results if "::" not in result.node_id and result.outcome == "error"]


def _is_pytest_too_new(report: TestReport) -> bool:
    """Hooks and marks that pytest has removed since."""
    said = _what_was_said(report)
    return "PluginValidationError" in said or "/deprecations.html" in said or "PytestRemovedIn" in said


def _complaint(report: TestReport) -> str:
    """Why a rung is not perfect, or ''."""
    if broken := _uncollected(report):
        lines = [line for line in broken[0].longrepr.splitlines() if line.startswith("E ")]
        reason = lines[-1].strip() if lines else broken[0].longrepr[-300:]
        return f"{len(broken)} files could not be collected, the first is {broken[0].node_id}: {reason}"
    if not report.results:
        return f"pytest found no test: {report.output.strip()[-500:]}"
    return "" if report.is_complete else f"the run ended early: {report.output.strip()[-500:]}"


def _hint(source: Source) -> str:
    """What often is behind it: code that must be compiled first."""
    compiled = [path.name for path in source.code.rglob("*") if path.suffix in (".pyx", ".c", ".rs", ".cpp", ".f90")]
    if not compiled:
        return ""
    names = ", ".join(sorted(compiled)[:3])
    return f"\nThe source has code that must be compiled ({names}); only pure Python is supported."
