"""Templates to answers. Every value is escaped; what is missing is an error, not an empty place."""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dashboard import access, wording

HERE = Path(__file__).parent


def page(
    request: Request, name: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: Any
) -> HTMLResponse:
    """The template with `context`, and what the layout needs: menu, form token, what the dashboard may do.

    A part for htmx is a template that does not extend `base.html`; it is rendered the same way.
    """
    config = access.config(request)
    text = templates().get_template(name).render(
        menu=request.app.state.menu,
        here=request.url.path,
        csrf=access.form_token(request),
        person=access.person(request),
        is_read_only=config.is_read_only,
        prefect_ui=config.prefect_ui,
        store_name=config.store_name,
        **context,
    )  # fmt: skip
    return HTMLResponse(text, status, headers=dict(headers or {}))


@cache
def templates() -> Environment:
    """Jinja's environment with our filters; made once."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(wording.FILTERS)
    made.globals.update(static=static, task_url=wording.task_url, rollout_url=wording.rollout_url)
    return made


@cache
def static(name: str) -> str:
    """URL of a file of `static/`, which changes with its contents, so that browsers may keep it for ever."""
    return f"/static/{name}?v={sha256((HERE / 'static' / name).read_bytes()).hexdigest()[:12]}"
