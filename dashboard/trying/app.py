"""The page itself. For one person on this machine: scripts that are sent here run in the sandbox, nowhere else."""

import secrets
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dashboard.trying.trial import Outcome, Trial, shown
from environments.errors import EnvironmentFault
from tasks.errors import TaskFault, VerifierFault

HERE = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
MOST_FILES = 3  # fields for files on the page; a script writes as many as it likes


def create_app(trial: Trial) -> FastAPI:
    """One page an instance, `/0`, `/1` …; a form that was not served by this process is refused."""
    app = FastAPI(title=trial.template.name, docs_url=None, redoc_url=None, openapi_url=None)
    pages = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
                        trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    token = secrets.token_urlsafe(32)

    def page(
        index: int, *, outcome: Outcome | None = None, phrasing: str = "", status: int = 200, **more: Any
    ) -> Response:
        try:
            instance = trial.instance(index, phrasing)
        except TaskFault as fault:
            return HTMLResponse(pages.get_template("fault.html").render(fault=str(fault)), 422, headers=HEADERS)
        given: dict[str, Any] = {"files": [("", "")] * MOST_FILES, "script": "", "reference": None, "fault": "", **more}
        if instance.accepts and not any(path for path, _ in given["files"]):
            plain = [path for path in instance.accepts if not set(path) & set("*?[")][:MOST_FILES]
            given["files"] = [(path, "") for path in plain] + [("", "")] * (MOST_FILES - len(plain))
        text = pages.get_template("try.html").render(
            template=trial.template, instance=instance, index=index, seed=trial.seed, token=token, outcome=outcome,
            given_files=shown(dict(instance.files)), agent=trial.agent, model=trial.model, **given,
        )  # fmt: skip
        return HTMLResponse(text, status, headers=HEADERS)

    @app.get("/", include_in_schema=False)
    def first() -> Response:
        return RedirectResponse("/0")

    @app.get("/style.css", include_in_schema=False)
    def style() -> Response:
        return FileResponse(HERE / "static" / "style.css", headers=HEADERS)

    @app.get("/{index}", include_in_schema=False)
    def look(index: int, phrasing: str = "", reference: bool = False) -> Response:
        if index < 0:
            raise HTTPException(404)
        seen = None
        if reference:
            instance = trial.instance(index)
            seen = shown(dict(instance.reference)) if instance.reference is not None else instance.reference_script
        return page(index, phrasing=phrasing, reference=seen)

    @app.post("/{index}", include_in_schema=False)
    async def try_it(
        request: Request, index: int, sent: Annotated[str, Form(alias="token")], who: Annotated[str, Form()] = "person",
        script: Annotated[str, Form()] = "",
    ) -> Response:  # fmt: skip
        if not secrets.compare_digest(sent.encode(), token.encode()):
            raise HTTPException(403, "this form is from another page: open the page anew")
        form = await request.form()
        paths = [str(each).strip() for each in form.getlist("path")]
        contents = [str(each).replace("\r\n", "\n") for each in form.getlist("content")]
        files = [(path, content) for path, content in zip(paths, contents, strict=False)]
        script = script.replace("\r\n", "\n")
        kept: dict[str, Any] = {"files": files or [("", "")] * MOST_FILES, "script": script}
        try:
            if who == "agent":
                if trial.agent is None:
                    raise HTTPException(400, "no agent was given")
                outcome = await trial.by_agent(index)
            else:
                laid = {path: content.encode() for path, content in files if path and content}
                outcome = await trial.by_hand(index, files=laid, script=script)
        except (TaskFault, VerifierFault, EnvironmentFault, ValueError) as fault:
            return page(index, status=422, fault=str(fault), **kept)
        return page(index, outcome=outcome, **kept)

    return app
