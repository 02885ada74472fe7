"""Options that several commands share, so that they are spelled and explained the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

Suite = Annotated[Path, typer.Argument(help="Suite: a folder of task folders.", show_default=False)]
Store = Annotated[
    str | None,
    typer.Option("--store", help="Folder or database URL. Default: .gristmill, or GRISTMILL_STORE."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout instead of tables.")]
Backend = Annotated[str | None, typer.Option("--backend", help="bubblewrap or docker. Default: bubblewrap.")]
Jobs = Annotated[int | None, typer.Option("-j", "--jobs", min=1, help="Sandboxes at the same time.")]
Engine = Annotated[
    str | None,
    typer.Option("--engine", help="local, ray, dask or a cluster's address (docs/many-machines.md). Default: local."),
]
ModelLimit = Annotated[
    int | None,
    typer.Option(
        "--model-limit", min=1, help="Requests at a time to each model (docs/schedules.md). Default: a server's."
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes.")]
