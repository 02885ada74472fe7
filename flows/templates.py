"""Which templates a request asks for; no Prefect here, so that a broken one is told before anything starts."""

from collections.abc import Collection, Iterator

from agents.tools import is_known, known_tools
from flows.requests import GenerateRequest
from tasks.templates import Template, family_templates, load_template
from tasks.templates.drawing import wordings


class KnownTools(Collection[str]):
    """What a template may name: single tools by name, `openapi:PATH`, `retrieved` and `retrieved:K`."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and is_known(name)

    def __iter__(self) -> Iterator[str]:
        return iter(known_tools())

    def __len__(self) -> int:
        return len(known_tools())


def load_groups(request: GenerateRequest) -> dict[str, list[Template]]:
    """Templates by family. Raises BadTemplate."""
    tools = KnownTools()
    if request.template is not None:
        template = load_template(request.template, tools=tools)
        groups = {template.family: [template]}
    else:
        found = family_templates(request.family)
        groups = {name: [load_template(file, tools=tools) for file in files] for name, files in found.items()}
    for template in (each for group in groups.values() for each in group):
        wordings(template, request.phrasing)
    return groups
