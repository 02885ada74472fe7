"""A prepared repository: its source, the Python environment its tests run in, and what its clean tests do.

Made once for a source, cached by content; everything that generates or validates starts from it.
"""

import ast
import shutil
from functools import lru_cache
from pathlib import Path

import zstandard
from pydantic import BaseModel, ConfigDict, Field

from environments.sandbox import Backend
from environments.spec import Limits, SandboxSpec
from tasks._bytecode import bytecode_layer, ensure_bytecode
from tasks._clean_runs import ENOUGH_OUTPUT, CleanTests, find_recipe, observe_clean_tests
from tasks._environment import WORKDIR, environment_mounts, environment_variables
from tasks._line_map import LineMap, write_line_map
from tasks._scratch import write_at_once
from tasks._sdists import ensure_environment
from tasks._statements import statements_of, tree_of
from tasks._tree import locked
from tasks.recipe import Recipe, RungResult
from tasks.source import Source

__all__ = ["Recipe", "Repository", "RungResult", "prepare_repository"]

# Goes into the cache's file names: a new way of running clean tests must not find old results.
_METHOD = 8


class Repository(BaseModel):
    """What generators and validation work on."""

    model_config = ConfigDict(frozen=True)

    source: Source
    recipe: Recipe
    stable_tests: tuple[str, ...] = Field(description="passed in every clean run, in file and random order")
    unstable_tests: dict[str, str] = Field(default_factory=dict, description="node id -> why it is excluded")
    clean_seconds: dict[str, float] = Field(default_factory=dict, description="node id -> its clean time")
    line_map: Path = Field(Path(), description="folder with the tests that run each line")
    import_lines: dict[str, tuple[int, ...]] = Field(
        default_factory=dict, description="path -> lines that run when the code is imported, for whatever test"
    )
    collection_lines: dict[str, tuple[int, ...]] = Field(
        default_factory=dict,
        description="path -> lines that only the import of test modules runs: in the line map as their tests' lines",
    )
    starting_processes: tuple[str, ...] = Field(
        (), description="tests that start processes, whose lines are not seen: they may reach any line"
    )

    @property
    def cache(self) -> Path:
        """The cache that the source, and so the environment, lies in."""
        return self.source.code.parents[2]

    def agent_spec(self, extra_layers: tuple[Path, ...] = (), limits: Limits | None = None) -> SandboxSpec:
        """Code without protected files, in the environment."""
        return environment_spec(self.recipe, self.cache, (self.source.code, *extra_layers), limits)

    def verifier_spec(self, extra_layers: tuple[Path, ...] = (), limits: Limits | None = None) -> SandboxSpec:
        """Code with protected files, in the environment."""
        layers: tuple[Path, ...] = (self.source.code, self.source.protected)
        spec = environment_spec(self.recipe, self.cache, layers, with_room_for_reports(limits or Limits()))
        layers = (*layers, *bytecode_layer(spec, self.cache), *extra_layers)
        return spec.model_copy(update={"layers": layers})

    @property
    def reached_by(self) -> LineMap:
        """Path -> line -> indexes into stable_tests of the tests that execute the line."""
        return LineMap(self.line_map)

    def tests_reaching(self, path: str, lines: range) -> tuple[str, ...]:
        """Stable tests that execute any of the lines, in file order."""
        reached = self.reached_by.get(path, {})
        found = {index for line in lines if line in reached for index in reached[line]}
        return tuple(self.stable_tests[index] for index in sorted(found))

    def runs_at_import(self, path: str, first_line: int, last_line: int) -> bool:
        """The import of the code runs some of the body of the definition on these lines (of a class it always does).

        No test is then seen to reach all that it does, and every test may depend on it.
        """
        return self._has_in_body(self.import_lines, path, first_line, last_line)

    def runs_at_collection(self, path: str, first_line: int, last_line: int) -> bool:
        """The import of a test module runs some of it."""
        return self._has_in_body(self.collection_lines, path, first_line, last_line)

    def _has_in_body(self, lines: dict[str, tuple[int, ...]], path: str, first_line: int, last_line: int) -> bool:
        starts = _body_starts((self.source.code / path).read_bytes())
        body = range(starts.get(first_line, first_line), last_line + 1)
        return any(line in body for line in lines.get(path, ()))


@lru_cache(maxsize=64)
def _body_starts(content: bytes) -> dict[int, int]:
    """First line of a definition -> first line of its body."""
    return {node.lineno: node.body[0].lineno for node in statements_of(tree_of(content))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}  # fmt: skip


def environment_spec(
    recipe: Recipe, cache: Path, layers: tuple[Path, ...], limits: Limits | None = None
) -> SandboxSpec:
    """A sandbox with a recipe's environment and these layers as its working directory."""
    return SandboxSpec(
        layers=layers,
        mounts=environment_mounts(recipe, cache),
        workdir=WORKDIR,
        env=environment_variables(),
        limits=limits or Limits(),
    )


async def prepare_repository(source: Source, backend: Backend, *, cache: Path) -> Repository:
    """Find and build the environment, run the clean tests (with coverage, repeatedly), or load all that.

    Takes as long as four or five runs of the source's tests and the download of its dependencies; later
    calls some milliseconds. Raises BadSource if no rung gives tests that pass; the message lists every
    rung's reason.
    """
    cache = cache.resolve()
    place = cache / "repositories" / f"{source.hash}.{_METHOD}.json.zst"
    lines = place.with_name(f"{source.hash}.{_METHOD}.lines")
    place.parent.mkdir(parents=True, exist_ok=True)

    def spec_of(recipe: Recipe) -> SandboxSpec:
        layers = (source.code, source.protected)
        return environment_spec(recipe, cache, layers, with_room_for_reports(Limits()))

    with locked(place.with_suffix(".lock")):
        if place.is_file():
            known = Repository.model_validate_json(zstandard.decompress(place.read_bytes()))
            await ensure_environment(known.recipe, backend, cache)
            await ensure_bytecode(spec_of(known.recipe), source.protected, backend, cache)
            return known.model_copy(update={"source": source, "line_map": lines})

        recipe = await find_recipe(source, backend, cache, spec_of)
        clean = await observe_clean_tests(source, recipe, backend, spec_of(recipe))
        await ensure_bytecode(spec_of(recipe), source.protected, backend, cache)
        shutil.rmtree(lines, ignore_errors=True)  # of another run, which was killed before it wrote the rest
        write_line_map(lines, clean.reached_by)
        repository = _repository(source, recipe, clean, lines)
        write_at_once(place, zstandard.compress(repository.model_dump_json().encode()))
    return repository


def _repository(source: Source, recipe: Recipe, clean: CleanTests, line_map: Path) -> Repository:
    return Repository(
        line_map=line_map,
        source=source,
        recipe=recipe,
        stable_tests=clean.stable,
        unstable_tests=clean.unstable,
        clean_seconds=clean.seconds,
        import_lines=clean.import_lines,
        collection_lines=clean.collection_lines,
        starting_processes=clean.starting_processes,
    )


def with_room_for_reports(limits: Limits) -> Limits:
    """Results and coverage of thousands of tests leave by the command's output."""
    return limits.model_copy(update={"output_bytes": max(limits.output_bytes, ENOUGH_OUTPUT)})
