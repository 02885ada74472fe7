"""`gristmill dashboard`: what a person looks at."""

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli import options
from flows.cli.output import print_line

if TYPE_CHECKING:
    from flows.place import Place

TOKEN_FILE = "dashboard.token"


def add_to(app: typer.Typer) -> None:
    app.command("dashboard")(dashboard)


def dashboard(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any that is free.")] = 8765,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; behind TLS if others can reach it.")
    ] = "127.0.0.1",
    read_only: Annotated[bool, typer.Option("--read-only", help="Nothing can be marked or exported.")] = False,
    token: Annotated[
        str, typer.Option("--token", help="To sign in by. Default: a random one, kept in the store's folder.")
    ] = "",
    suite: Annotated[
        list[Path] | None,
        typer.Option("--suite", help="Suite's folder, for instructions and diffs. Default: those in this folder."),
    ] = None,
    https: Annotated[
        bool, typer.Option("--https", help="It is served behind TLS: send the cookie over TLS only.")
    ] = False,
    store: options.Store = None,
) -> None:
    """Serve the dashboard of a store. Ends with Ctrl-C."""
    import socket

    import uvicorn

    from dashboard.app import create_app
    from dashboard.config import LEAST_TOKEN, DashboardConfig
    from flows.api import users_own_server
    from flows.errors import UsageError
    from flows.place import Place
    from flows.settings import load_settings

    if token and len(token) < LEAST_TOKEN:
        raise UsageError(f"--token: give {LEAST_TOKEN} characters or more: it is all that protects the pages")
    place = Place.from_settings(load_settings(store=store))
    given = users_own_server() or _of_up(place)
    with place.open_store() as opened, socket.socket(_family(host), socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise UsageError(f"--host {host} --port {port}: {error.strerror}; give another, or --port 0") from error
        config = DashboardConfig(
            store=opened,
            token=token or kept_token(place),
            is_read_only=read_only,
            suites=tuple(suite) if suite else suites_in(Path.cwd()),
            prefect_api=given,
            prefect_ui=given.removesuffix("/").removesuffix("/api"),
            cache=place.cache,
            store_name=place.store.rpartition("@")[2],
            is_https=https,
        )
        print_line(f"dashboard: http://{_shown(host)}:{listener.getsockname()[1]}")
        print_line(f"token:     {'as given' if token else config.token}")
        server = uvicorn.Server(
            uvicorn.Config(create_app(config), log_level="warning", access_log=False, server_header=False,
                           timeout_graceful_shutdown=2)
        )  # fmt: skip
        server.run(sockets=[listener])


def kept_token(place: "Place") -> str:
    """The store's token, made at the first start; only this user can read its file. Raises UsageError."""
    from flows.errors import UsageError

    folder = Path(place.store) if "://" not in place.store else Path(".gristmill")
    file = folder / TOKEN_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)
            if kept := file.read_text().strip():
                return kept
            handle = os.open(file, os.O_WRONLY)
        made = secrets.token_urlsafe(32)
        with os.fdopen(handle, "w") as output:
            output.write(made + "\n")
        return made
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; give --token, or another --store") from error


def suites_in(folder: Path) -> tuple[Path, ...]:
    """Folders of suites here, and one and two levels down."""
    found = {
        file.parent for pattern in ("suite.json", "*/suite.json", "*/*/suite.json") for file in folder.glob(pattern)
    }
    return tuple(sorted(found))


def _of_up(place: "Place") -> str:
    """URL of the API that `gristmill up` has started for this store; empty where none runs."""
    from flows.deployments.processes import read_state
    from flows.deployments.up import SERVER, folder_of

    state = read_state(folder_of(place))
    return state.url if state is not None and (not state.is_own or state.alive(SERVER)) else ""


def _family(host: str) -> int:
    import socket

    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
