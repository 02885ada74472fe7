"""Generators: each turns a prepared repository into candidates. Users add theirs by entry point.

A procedural kind of bug is one function that gives the edits of a definition, and one line in KINDS.
"""

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from tasks.candidate import Generator
from tasks.errors import ModelNeeded, UnknownGenerator
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
    "history": "tasks.generators.history:History",
    "code_from_docs": "tasks.generators.documentation:CodeFromDocs",
    "docs_from_code": "tasks.generators.documentation:DocsFromCode",
    "missing_tests": "tasks.generators.missing_tests:MissingTests",
    "synthesis": "tasks.generators.synthesis:Synthesis",
    "refactor": "tasks.generators.refactor:Refactor",
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
    """The generators of these names, in this order; `lm` is the model of those that ask one.

    Names, and errors raised, as of `chosen_names`.
    """
    files = SourceFiles()
    more = {**_MORE, **_of_users()}
    made: list[Generator] = []
    for name in chosen_names(names, has_model=lm is not None):
        if name in more:
            made.append(_imported(more[name]))
        elif name in _WITH_MODEL:
            made.append(_imported(_WITH_MODEL[name], lm, files))
        else:
            made.append(Procedural(name, KINDS[name], files))
    return made


def chosen_names(names: Sequence[str] | None = None, *, has_model: bool = False) -> list[str]:
    """None named: all kinds of bugs that need no model; 'all': every kind of task, of a model only where there is one.

    Raises UnknownGenerator listing the names there are, ModelNeeded where one is named that asks a model.
    """
    others = _of_users()
    default = [*sorted([*KINDS, *others]), *(name for name in DEFAULT_OF_MORE if name in _MORE)]
    known = {*KINDS, *others, *_MORE, *_WITH_MODEL}
    wanted: list[str] = []
    for name in names or default:
        if name == ALL:
            wanted += [*default, *(more for more in _MORE if more not in default), *(_WITH_MODEL if has_model else ())]
        elif name not in known:
            raise UnknownGenerator(f"no generator {name!r}; there are: {', '.join([ALL, *sorted(known)])}")
        elif name in _WITH_MODEL and name not in others and not has_model:
            raise ModelNeeded(
                f"generator {name} asks a language model: give --model NAME (`model:` in a pipeline file), "
                "`--model local` for the small one"
            )
        else:
            wanted.append(name)
    return list(dict.fromkeys(wanted))


def _of_users() -> dict[str, str]:
    """Generators that other distributions register by entry point."""
    return {entry.name: f"{entry.module}:{entry.attr}" for entry in entry_points(group="gristmill.generators")}


def _imported(place: str, *arguments: object) -> Generator:
    module, _, name = place.partition(":")
    generator: Generator = getattr(import_module(module), name)(*arguments)
    return generator
