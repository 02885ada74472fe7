"""Generators: each turns a prepared repository into candidates. Users add theirs by entry point.

A procedural kind of bug is one function that gives the edits of a definition, and one line in KINDS.
"""

from collections.abc import Sequence
from importlib.metadata import entry_points

from tasks.candidate import Generator
from tasks.errors import UnknownGenerator
from tasks.generators import classes, control, operators
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
    "remove_bases": classes.remove_bases,
    "remove_method": classes.remove_method,
    "shuffle_methods": classes.shuffle_methods,
}


def get_generators(names: Sequence[str] | None = None) -> list[Generator]:
    """The generators of these names, or all. Raises UnknownGenerator listing the names there are."""
    files = SourceFiles()
    known: dict[str, Generator] = {name: Procedural(name, edits, files) for name, edits in KINDS.items()}
    for entry in entry_points(group="gristmill.generators"):
        known[entry.name] = entry.load()()
    for name in names or ():
        if name not in known:
            raise UnknownGenerator(f"no generator {name!r}; there are: {', '.join(sorted(known))}")
    return [known[name] for name in names or sorted(known)]
