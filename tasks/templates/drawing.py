"""Drawing: from a template, a seed and a number to one instance, the same on any machine."""

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any

from environments.diff import check_path
from environments.errors import BadDiff
from tasks.errors import BadTemplate, TaskFault
from tasks.graders import get_grader, read_data
from tasks.templates.instance import Files, Instance, ServiceData
from tasks.templates.located import Place
from tasks.templates.parameters import FieldFault, small
from tasks.templates.rendering import Fault, as_bytes, compile_text, plain
from tasks.templates.template import Compiled, CompiledService, Template

MOST_REDRAWN = 1000  # of a draw that does not meet `require`
ALL_PHRASINGS = "all"


def draw(template: Template, seed: int, index: int, *, phrasing: str = "") -> list[Instance]:
    """Instance `index` of this seed in the phrasing of this name (default: the first), or in `all`, one each.

    Raises BadTemplate naming the line of what failed.
    """
    values = draw_values(template, seed, index)
    try:
        return [build(template, values, seed=seed, index=index, phrasing=name) for name in wordings(template, phrasing)]
    except BadTemplate as error:
        raise _of_draw(error, seed, index) from error


def draw_values(template: Template, seed: int, index: int) -> dict[str, Any]:
    """The parameters of a draw, by name. Raises BadTemplate."""
    rng = Random(f"{seed} {template.name} {index}")
    try:
        for _ in range(MOST_REDRAWN):
            values: dict[str, Any] = {}
            for sampler in template.samplers:
                try:
                    values[sampler.name] = sampler.draw(rng, values)
                except FieldFault as fault:
                    place = ("parameters", sampler.name, *filter(None, (fault.field,)))
                    raise template.fault(place, fault.what, text_line=fault.line) from fault
            if all(condition(values) for condition in template.require):
                return values
    except BadTemplate as error:
        raise _of_draw(error, seed, index) from error
    unmet = next(each for each in template.require if not each(values))
    what = f"not one of {MOST_REDRAWN} draws meets it; widen the parameters, or ask for less"
    raise template.fault(unmet.place, what)


def wordings(template: Template, phrasing: str) -> list[str]:
    """Names of phrasings that are asked for. Raises BadTemplate for an unknown one."""
    names = list(template.phrasings)
    if phrasing == ALL_PHRASINGS:
        return names
    if phrasing and phrasing not in names:
        raise template.fault(("phrasings",), f"there is none called {phrasing!r}; there are: {', '.join(names)}")
    return [phrasing or names[0]]


def build(
    template: Template,
    values: Mapping[str, Any],
    *,
    seed: int = 0,
    index: int = 0,
    phrasing: str = "",
    said_instead: Mapping[str, Any] | None = None,
) -> Instance:
    """The instance of drawn parameters. `said_instead`: what the phrasing says for an input or a parameter.

    Raises BadTemplate.
    """
    source = template.source
    (name,) = wordings(template, phrasing)
    inputs = {each: compiled(values, plain) for each, compiled in template.inputs.items()}
    instruction = str(template.phrasings[name]({**values, **inputs, **(said_instead or {})})).strip()
    if not instruction:
        raise template.fault(("phrasings", name), "is empty once it is rendered; it tells the agent what to do")
    files = {**template.copied, **_files(template, template.files_from, values), **_each(template.files, values)}
    reference = None
    if template.reference_script is None:
        made = _files(template, template.reference_from, values)
        reference = {**template.reference_copied, **made, **_each(template.reference_files, values)}
        if all(files.get(path) == content for path, content in reference.items()):
            raise template.fault(("reference",), "changes nothing of what the agent starts with")
    output = None
    if template.output is not None and source.output is not None:
        type_ = _type(template, ("output", "type"), source.output.type, values)
        output = {
            **source.output.model_dump(exclude_none=True),
            "type": type_,
            "value": template.output(values, plain),
        }
    kept = {each: found for each, value in values.items() if (found := small(value)) is not None}
    return Instance(
        template=template.name,
        family=template.family,
        instruction=instruction,
        grader=source.grader,
        grading=_grading(template, values),
        files=dict(sorted(files.items())),
        hidden=_files(template, template.hidden_from, values),
        services=tuple(
            ServiceData(
                each.name, each.program, each.data(values, as_bytes) if each.data else b"", each.port, each.ready
            )
            for each in template.services
        ),
        packages=tuple(source.environment.packages),
        limits=source.environment.limits,
        agent_timeout_sec=source.environment.agent_timeout_sec,
        verifier_timeout_sec=source.environment.verifier_timeout_sec,
        tools=tuple(source.tools),
        accepts=tuple(source.accepts),
        reference=reference,
        reference_script=template.reference_script(values) if template.reference_script else "",
        decoys=_decoys(template, values),
        description=source.description,
        license=source.license,
        tags=tuple(tag for each in template.tags if (tag := str(each(values)).strip())),
        seed=seed,
        index=index,
        phrasing=name,
        parameters=kept,
        leaves={each.name: values[each.name]["id"] for each in template.samplers if each.tree is not None},
        inputs={
            each: {"type": _type(template, ("inputs", each, "type"), source.inputs[each].type, values), "value": value}
            for each, value in inputs.items()
        },
        output=output,
        source_hash=template.hash,
    )


def _type(template: Template, place: Place, text: str, values: Mapping[str, Any]) -> str:
    """The type of an input or the output, which may be a Jinja text."""
    try:
        return compile_text(text, values)(values) if "{{" in text else text
    except Fault as fault:
        raise template.fault(place, fault.what) from fault


def _service(service: CompiledService, values: Mapping[str, Any]) -> ServiceData:
    data = service.data(values, as_bytes) if service.data is not None else b""
    return ServiceData(service.name, service.program, data, service.port, service.ready)


def _of_draw(error: BadTemplate, seed: int, index: int) -> BadTemplate:
    return BadTemplate(f"{error} (instance {index} of seed {seed})")


def _each(files: Mapping[str, Compiled], values: Mapping[str, Any]) -> dict[str, bytes]:
    return {path: compiled(values, as_bytes) for path, compiled in files.items()}


def _files(template: Template, compiled: Compiled | None, values: Mapping[str, Any]) -> dict[str, bytes]:
    return dict(sorted(compiled(values, as_files).items())) if compiled is not None else {}


def as_files(value: Any) -> Files:
    """{path: text, bytes or values} as files. Raises Fault."""
    if not isinstance(value, Mapping):
        raise Fault(f"must give a mapping of paths to contents, and gives a {type(value).__name__}")
    for path in value:
        try:
            check_path(path if isinstance(path, str) else "")
        except BadDiff as error:
            raise Fault(f"gives a file of the name {path!r}: {error}") from error
    return {path: as_bytes(content) for path, content in value.items()}


def _decoys(template: Template, values: Mapping[str, Any]) -> tuple[Files, ...]:
    if template.decoys is None:
        return ()

    def as_decoys(value: Any) -> tuple[Files, ...]:
        if isinstance(value, Mapping | str | bytes) or not isinstance(value, Sequence):
            raise Fault(f"must give a list of {{path: content}}, and gives a {type(value).__name__}")
        return tuple(as_files(each) for each in value)

    found: tuple[Files, ...] = template.decoys(values, as_decoys)
    return found


def _grading(template: Template, values: Mapping[str, Any]) -> dict[str, Any]:
    grading = dict(template.source.grading)
    place: Place = ("grading",) if grading else ("grader",)
    if template.grading_from is not None:
        place = template.grading_from.place

        def as_fields(value: Any) -> Mapping[str, Any]:
            if not isinstance(found := plain(value), dict):
                raise Fault(f"must give a mapping of the grader's fields, and gives a {type(value).__name__}")
            return found

        grading |= template.grading_from(values, as_fields)
    try:
        read_data(get_grader(template.source.grader), grading)
    except TaskFault as error:
        raise template.fault(place, str(error)) from error
    return grading


def sequence(template: Template, seed: int, *, phrasing: str = "", start: int = 0) -> Iterator[list[Instance]]:
    """Draws without end. Raises BadTemplate."""
    index = start
    while True:
        yield draw(template, seed, index, phrasing=phrasing)
        index += 1
