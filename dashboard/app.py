"""The dashboard as an application: pages, login, headers, files. Made by `create_app`, served by the command."""

from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from dashboard import access
from dashboard.config import DashboardConfig
from dashboard.headers import SafeHeaders
from dashboard.pages import PAGES
from dashboard.prefect_runs import Prefect
from dashboard.rendering import page
from dashboard.signing import Signer
from dashboard.suites import Suites
from dashboard.totals import Totals
from trajectories.errors import BadFilter, NotInStore, StoreFault

STATIC = Path(__file__).parent / "static"


def create_app(config: DashboardConfig) -> FastAPI:
    """Every route needs a session but for those of `access.OPEN`; the caller opens and closes the store."""
    app = FastAPI(
        title="Gristmill", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(access.signed_in)]
    )
    app.state.config = config
    app.state.signer = Signer(config.token)
    app.state.totals = Totals(config.store)
    app.state.prefect = Prefect(config.prefect_api)
    app.state.suites = Suites(config.suites, config.cache)
    app.state.menu = tuple(module.MENU for module in PAGES if hasattr(module, "MENU"))
    for module in PAGES:
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(SafeHeaders)
    app.add_exception_handler(access.NotSignedIn, _to_login)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(StoreFault, _store_fault)
    return app


def _to_login(request: Request, error: Exception) -> Response:
    assert isinstance(error, access.NotSignedIn)
    where = access.login_url(error.back if request.method == "GET" else "/")
    if request.headers.get("hx-request"):  # htmx would put the login page into the part that it asked for
        return Response(status_code=401, headers={"HX-Redirect": where})
    if request.headers.get("authorization"):
        return Response("wrong token", 401, headers={"WWW-Authenticate": "Bearer"})
    return RedirectResponse(where, 303)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = "There is no such page." if error.status_code == 404 and error.detail == "Not Found" else str(error.detail)
    return fault_page(request, told, error.status_code)


def _unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    told = "; ".join(f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in error.errors())
    return fault_page(request, told, 422)


def _store_fault(request: Request, error: Exception) -> Response:
    status = 404 if isinstance(error, NotInStore) else 400 if isinstance(error, BadFilter) else 503
    return fault_page(request, str(error), status)


def fault_page(request: Request, told: str, status: int) -> Response:
    """What is wrong and what to do, as a page."""
    return page(request, "fault.html", status=status, told=told, code=status)
