"""Who may see and change what: dependencies for the pages' routes.

    @router.get("/things")
    def things(request: Request, store: Annotated[Store, Depends(store)]) -> Response: ...

    @router.post("/things", dependencies=[Depends(writable)])
    def change(request: Request) -> Response: ...

Every page needs a session (app.py asks for it, but for those of `OPEN`); `writable` is for everything that writes.
"""

from urllib.parse import quote, urlsplit

from fastapi import HTTPException, Request

from dashboard.config import DashboardConfig
from dashboard.signing import Session, Signer
from trajectories.store import Store

COOKIE = "gristmill_session"
FORM_FIELD = "csrf"
HEADER = "x-csrf-token"
OPEN = ("/login", "/health", "/static/")


class NotSignedIn(Exception):
    """No valid session; app.py answers with the login page. `back`: the path to come back to."""

    def __init__(self, back: str) -> None:
        super().__init__(back)
        self.back = back


def config(request: Request) -> DashboardConfig:
    found: DashboardConfig = request.app.state.config
    return found


def store(request: Request) -> Store:
    """The open store."""
    return config(request).store


def signer(request: Request) -> Signer:
    found: Signer = request.app.state.signer
    return found


def session(request: Request) -> Session | None:
    return signer(request).session(request.cookies.get(COOKIE, ""))


def person(request: Request) -> str:
    """The name that was given at the login; `somebody` where none was."""
    found = session(request)
    return (found.person if found else "") or "somebody"


def signed_in(request: Request) -> None:
    """Raises NotSignedIn. A program may send the token as `Authorization: Bearer TOKEN` to read."""
    if request.url.path.startswith(OPEN) or session(request) is not None:
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if request.method in ("GET", "HEAD") and scheme.lower() == "bearer" and signer(request).is_token(given.strip()):
        return
    raise NotSignedIn(request.url.path + (f"?{request.url.query}" if request.url.query else ""))


def form_token(request: Request) -> str:
    """For the field `csrf` of a form; empty without a session."""
    found = session(request)
    return signer(request).form_token(found) if found else ""


async def signed_in_form(request: Request) -> None:
    """Signed in, and the form is from one of our own pages. Raises NotSignedIn, HTTPException 403."""
    found = session(request)
    if found is None:
        raise NotSignedIn("/")
    given = request.headers.get(HEADER, "")
    if not given:
        given = str((await request.form()).get(FORM_FIELD, ""))
    if not signer(request).is_form_token(found, given):
        raise HTTPException(403, "This form is not from a page of this session: open the page anew and try again.")


async def writable(request: Request) -> None:
    """As `signed_in_form`, and not read-only."""
    await signed_in_form(request)
    if config(request).is_read_only:
        raise HTTPException(403, "This dashboard is read-only: start it without --read-only to change things.")


def login_url(back: str) -> str:
    return f"/login?back={quote(local(back), safe='')}"


def local(path: str) -> str:
    """The path if it leads to a page of ours, else `/`: a login leads nowhere else."""
    parts = urlsplit(path)
    is_ours = not parts.scheme and not parts.netloc and path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_ours and not path.startswith("/login") and path.isprintable() else "/"
