"""Templates: one YAML file describes a kind of task, and gives as many verified instances as are asked for.

    template = load_template(Path("shop_revenue.yaml"))     # BadTemplate names file, line and field
    instances = draw(template, seed=7, index=0)             # plain data, the same anywhere
    result = await generate_templates([[template]], backend, out=out, n=500, seed=7, cache=cache, jobs=2)

The language is in docs/templates.md.
"""

from tasks.templates.drawing import build, draw, draw_values
from tasks.templates.families import families, family_templates
from tasks.templates.instance import Instance, ServiceData
from tasks.templates.loading import load_template
from tasks.templates.template import Template

__all__ = [
    "Instance",
    "ServiceData",
    "Template",
    "build",
    "draw",
    "draw_values",
    "families",
    "family_templates",
    "load_template",
]
