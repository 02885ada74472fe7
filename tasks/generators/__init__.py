"""Generators: each turns a prepared repository into candidates. Users add theirs by entry point.

A procedural kind of bug is one function that gives the edits of a definition, and one line in KINDS.
"""

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from tasks.lm import LmConfig

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
# Those that ask a language model; made with an LmConfig.
_WITH_MODEL: dict[str, str] = {
    "lm_modify": "tasks.generators.lm_bugs:LmModify",
    "lm_rewrite": "tasks.generators.lm_bugs:LmRewrite",
}
# Without names, every bug that needs no model; other kinds of tasks are asked for by name, or all of them by ALL.
DEFAULT_OF_MORE = ("combine", "history")
ALL = "all"


def get_generators(names: Sequence[str] | None = None, *, lm: "LmConfig | None" = None) -> list[Generator]:
    """The generators of these names, in this order; none named: all kinds of bugs; 'all': every kind of task.

    `lm`: the model of those that ask one; they are in 'all' only where it is given.
    Raises UnknownGenerator listing the names there are, ModelNeeded where one is named that needs a model.
    """
    files = SourceFiles()
    made: dict[str, Callable[[], Generator]] = {}
    for name, edits in KINDS.items():
        made[name] = partial(Procedural, name, edits, files)
    others = {entry.name: f"{entry.module}:{entry.attr}" for entry in entry_points(group="gristmill.generators")}
    for name, place in {**_MORE, **others}.items():
        made[name] = partial(_imported, place)
    for name, place in _WITH_MODEL.items():
        made[name] = partial(_asking, name, place, lm, files)
    default = [*sorted([*KINDS, *others]), *(name for name in DEFAULT_OF_MORE if name in _MORE)]
    wanted: list[str] = []
    for name in names or default:
        if name == ALL:
            wanted += [*default, *(more for more in _MORE if more not in default), *(_WITH_MODEL if lm else ())]
        elif name in made:
            wanted.append(name)
        else:
            raise UnknownGenerator(f"no generator {name!r}; there are: {', '.join([ALL, *sorted(made)])}")
    return [made[name]() for name in dict.fromkeys(wanted)]


def needs_model(names: Sequence[str]) -> list[str]:
    """Those of these generators that ask a language model."""
    return [name for name in names if name in _WITH_MODEL]


def _imported(place: str, *arguments: object) -> Generator:
    module, _, name = place.partition(":")
    generator: Generator = getattr(import_module(module), name)(*arguments)
    return generator


def _asking(name: str, place: str, lm: "LmConfig | None", files: SourceFiles) -> Generator:
    if lm is None:
        from tasks.lm import ModelNeeded

        raise ModelNeeded(
            f"generator {name!r} asks a language model: give --model NAME (`model:` in a pipeline file), "
            "and set `models:` in gristmill.yaml or GRISTMILL_BASE_URL where NAME is not `local`"
        )
    return _imported(place, lm, files)
