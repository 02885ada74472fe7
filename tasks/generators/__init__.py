"""Generators: each turns a prepared repository into candidates. Users add theirs by entry point.

A procedural kind of bug is one function that gives the edits of a definition, and one line in KINDS.
"""

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points

from tasks.candidate import Generator
from tasks.errors import UnknownGenerator
from tasks.generators import (
    asynchronous,
    classes,
    comparisons,
    control,
    defaults,
    handlers,
    neighbours,
    operators,
    resources,
    texts,
)
from tasks.generators.procedural import Edits, Procedural, SourceFiles

KINDS: dict[str, Edits] = {
    "change_operator": operators.change_operator,
    "flip_comparison": operators.flip_comparison,
    "move_boundary": operators.move_boundary,
    "flip_boolean": operators.flip_boolean,
    "negate_condition": operators.negate_condition,
    "swap_operands": operators.swap_operands,
    "break_chain": operators.break_chain,
    "change_constant": operators.change_constant,
    "off_by_one": operators.off_by_one,
    "invert_if_else": control.invert_if_else,
    "shuffle_lines": control.shuffle_lines,
    "remove_loop": control.remove_loop,
    "remove_conditional": control.remove_conditional,
    "remove_assignment": control.remove_assignment,
    "remove_call": control.remove_call,
    "remove_wrapper": control.remove_wrapper,
    "widen_handler": control.widen_handler,
    "change_default": control.change_default,
    "swap_returns": control.swap_returns,
    "swap_arguments": control.swap_arguments,
    "remove_handler": handlers.remove_handler,
    "swallow_exception": handlers.swallow_exception,
    "break_comparison": comparisons.break_comparison,
    "drop_await": asynchronous.drop_await,
    "change_format": texts.change_format,
    "mix_up_name": neighbours.mix_up_name,
    "share_default": defaults.share_default,
    "leave_open": resources.leave_open,
    "remove_bases": classes.remove_bases,
    "remove_method": classes.remove_method,
    "shuffle_methods": classes.shuffle_methods,
}


# Those that are more than an edit of the syntax tree: name -> module and class, imported when they are asked for.
_MORE: dict[str, str] = {
    "combine": "tasks.generators.combine:Combine",
}
# Without names, every bug that needs no model; other kinds of tasks are asked for by name, or all of them by ALL.
DEFAULT_OF_MORE = ("combine", "history")
ALL = "all"


def get_generators(names: Sequence[str] | None = None) -> list[Generator]:
    """The generators of these names, in this order; none named: all kinds of bugs; 'all': every kind of task.

    Raises UnknownGenerator listing the names there are.
    """
    files = SourceFiles()
    made: dict[str, Callable[[], Generator]] = {}
    for name, edits in KINDS.items():
        made[name] = partial(Procedural, name, edits, files)
    others = {entry.name: f"{entry.module}:{entry.attr}" for entry in entry_points(group="gristmill.generators")}
    for name, place in {**_MORE, **others}.items():
        made[name] = partial(_imported, place)
    default = [*sorted([*KINDS, *others]), *(name for name in DEFAULT_OF_MORE if name in _MORE)]
    wanted: list[str] = []
    for name in names or default:
        if name == ALL:
            wanted += [*default, *(more for more in _MORE if more not in default)]
        elif name in made:
            wanted.append(name)
        else:
            raise UnknownGenerator(f"no generator {name!r}; there are: {', '.join([ALL, *sorted(made)])}")
    return [made[name]() for name in dict.fromkeys(wanted)]


def _imported(place: str) -> Generator:
    module, _, name = place.partition(":")
    generator: Generator = getattr(import_module(module), name)()
    return generator
