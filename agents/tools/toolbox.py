"""The tools of one rollout: chosen by the task, by the user's configuration, and found in the sandbox.

A task (untrusted) may name: tools that come with Gristmill, tools that are installed (entry points `gristmill.tools`),
`openapi:PATH` (a document in the sandbox whose service is reached from the sandbox only), and `retrieved` or
`retrieved:K`. What acts outside of the sandbox only the user names, by `ToolsConfig`.
"""

import inspect
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any, Protocol, runtime_checkable

from agents.errors import AgentFault
from agents.tools.bash import Bash
from agents.tools.config import RetrieveConfig, ToolsConfig
from agents.tools.edit import Edit
from agents.tools.function import FunctionTool
from agents.tools.jobs import Jobs
from agents.tools.openapi import OpenApi
from agents.tools.read import Read
from agents.tools.run_tests import RunTests
from agents.tools.search import Search
from agents.tools.submit import Submit
from agents.tools.tool import Place, Tool, definition_of
from agents.tools.write import Write

GROUP = "gristmill.tools"
BUILT_IN: tuple[Any, ...] = (Bash, Jobs, Read, Write, Edit, Search, RunTests, Submit)
RETRIEVED = "retrieved"
OPENAPI = "openapi:"


@runtime_checkable
class ToolSource(Protocol):
    """Gives tools once there is a sandbox; what it keeps open it puts into `Place.kept`."""

    async def tools(self, place: Place) -> Sequence[Tool]:
        """Raises AgentFault, EnvironmentFault."""
        ...


class Toolbox(dict[str, Tool]):
    """Tools by name. Those that are `hidden` can be called and are not shown: `find_tools` finds them."""

    def __init__(self, tools: Mapping[str, Tool], hidden: Mapping[str, Tool] | None = None) -> None:
        super().__init__({**(hidden or {}), **tools})
        self.shown = dict(tools)

    def definitions(self) -> tuple[dict[str, Any], ...]:
        """OpenAI function schemas of those that are shown."""
        return tuple(definition_of(tool) for tool in self.shown.values())


def is_known(name: str) -> bool:
    """Whether a task may name it."""
    word, colon, rest = name.partition(":")
    if word == RETRIEVED:
        return not colon or rest.isdigit()
    return (name.startswith(OPENAPI) and bool(rest)) or name in known_tools()


def known_tools() -> list[str]:
    """Names of single tools: those that come with Gristmill, and those that are installed."""
    return sorted({*(tool.name for tool in BUILT_IN), *(entry.name for entry in entry_points(group=GROUP))})


def get_tools(names: Sequence[str] = ()) -> Toolbox:
    """Fresh tools by name, those that need no sandbox to be found; no names: all that come with Gristmill.

    Raises AgentFault.
    """
    tools: dict[str, Tool] = {}
    for name in _plain(names):
        found = _named(name)
        if not _is_source(found):
            tools[name] = found
    return Toolbox(tools)


def check_tools(config: ToolsConfig) -> None:
    """What can be known without a sandbox: names, functions, toolsets, demonstrations. Raises AgentFault."""
    get_tools(config.use)
    for function in config.load_functions():
        FunctionTool(function)
    config.sources()
    if config.retrieve is not None:
        config.retrieve.load_demonstrations()


async def open_tools(place: Place, config: ToolsConfig | None = None) -> Toolbox:
    """All tools of a rollout. Raises AgentFault for what is not there, EnvironmentFault.

    What is kept open is closed by `Place.close`; so it is where this fails.
    """
    try:
        return await _opened(place, config or ToolsConfig())
    except BaseException:
        await place.close()
        raise


async def _opened(place: Place, config: ToolsConfig) -> Toolbox:
    names = config.use or place.task.tools
    tools: dict[str, Tool] = {}
    many: dict[str, Tool] = {}
    sources: list[ToolSource] = [
        OpenApi(document=name.removeprefix(OPENAPI)) for name in names if name.startswith(OPENAPI)
    ]
    for name in _plain(names):
        found = _named(name)
        if _is_source(found):
            sources.append(found)
        else:
            tools[name] = found
    for function in config.load_functions():
        _add(many, FunctionTool(function), tools)
    for source in [*sources, *config.sources()]:
        for tool in await source.tools(place):
            _add(many, tool, tools)
    retrieve = config.retrieve or _retrieve_of(names)
    if retrieve is None or len(many) <= retrieve.show:
        return Toolbox({**tools, **many})
    from agents.retrieval.find_tools import hidden_behind
    from agents.retrieval.ranking import ranker_of

    find, call = hidden_behind(many, ranker_of(retrieve.ranking), retrieve.load_demonstrations())
    first = await find.select(place.task.instruction, retrieve.show) if retrieve.show else []
    return Toolbox({**tools, find.name: find, call.name: call, **{name: many[name] for name in first}}, hidden=many)


def _is_source(found: Any) -> bool:
    """As `isinstance(found, ToolSource)`, which takes 60 us; a rollout asks for each of its tools, twice."""
    return callable(getattr(found, "tools", None))


def _add(many: dict[str, Tool], tool: Tool, taken: Mapping[str, Tool]) -> None:
    if tool.name in many or tool.name in taken:
        raise AgentFault(f"two tools are called {tool.name!r}: give one of their sources a prefix")
    many[tool.name] = tool


def _plain(names: Sequence[str]) -> list[str]:
    """Names of single tools; those that come with Gristmill where none is named at all."""
    if not names:
        return [tool.name for tool in BUILT_IN]
    return [name for name in names if name != RETRIEVED and not name.startswith((OPENAPI, f"{RETRIEVED}:"))]


def _retrieve_of(names: Sequence[str]) -> RetrieveConfig | None:
    for name in names:
        word, _, count = name.partition(":")
        if word == RETRIEVED:
            if count and not count.isdigit():
                raise AgentFault(f"the task allows {name!r}: after the colon stands how many tools are shown at first")
            return RetrieveConfig(show=int(count)) if count else RetrieveConfig()
    return None


def _named(name: str) -> Any:
    for built_in in BUILT_IN:
        if built_in.name == name:
            return built_in()
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            return _instance(entry.load(), name)
    raise AgentFault(f"the task allows a tool {name!r} that is not there; there are: {', '.join(known_tools())}")


def _instance(value: Any, name: str) -> Any:
    """An entry point is a Tool class, a plain function, or a source of tools (or a class of one)."""
    if inspect.isclass(value):
        return value()
    if isinstance(value, ToolSource):
        return value
    if callable(value):
        return FunctionTool(value, name=name)
    raise AgentFault(f"the installed tool {name!r} is neither a Tool class nor a function nor a source of tools")
