"""Which templates a request asks for; no Prefect here, so that a broken one is told before anything starts."""

from importlib.metadata import entry_points

from agents.tools import get_tools
from flows.requests import GenerateRequest
from tasks.templates import Template, family_templates, load_template
from tasks.templates.drawing import wordings


def load_groups(request: GenerateRequest) -> dict[str, list[Template]]:
    """Templates by family. Raises BadTemplate."""
    tools = {*get_tools(), *(entry.name for entry in entry_points(group="gristmill.tools"))}
    if request.template is not None:
        template = load_template(request.template, tools=tools)
        groups = {template.family: [template]}
    else:
        found = family_templates(request.family)
        groups = {name: [load_template(file, tools=tools) for file in files] for name, files in found.items()}
    for template in (each for group in groups.values() for each in group):
        wordings(template, request.phrasing)
    return groups
