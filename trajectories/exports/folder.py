"""The folder that an export becomes: refused where it is in use, and there whole or not at all."""

import os
import shutil
import uuid
from pathlib import Path

from trajectories.errors import BadExport

MANIFEST = "manifest.json"


def refuse_occupied(out: Path, overwrite: bool) -> None:
    """Raises BadExport where something lies there that no export wrote, or an export that is to stay."""
    if not out.exists():
        return
    if not out.is_dir():
        raise BadExport(f"--out {out}: is a file; give a folder")
    if not any(out.iterdir()):
        return
    if not (out / MANIFEST).exists():
        raise BadExport(f"--out {out}: is a folder that no export wrote; give another one")
    if not overwrite:
        raise BadExport(f"--out {out}: an export is there; give another folder, or --overwrite")


def new_partial(out: Path) -> Path:
    """An empty folder beside it, which becomes it in the end."""
    partial = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.partial")
    partial.mkdir(parents=True)
    return partial


def remove_stale(out: Path) -> None:
    """What a killed export of the same folder left behind; a folder that it had only set aside comes back."""
    for stale in out.parent.glob(f".{out.name}.*.partial"):
        shutil.rmtree(stale)
    for replaced in out.parent.glob(f".{out.name}.*.replaced"):
        if out.exists():
            shutil.rmtree(replaced)
        else:
            replaced.rename(out)


def put_in_place(partial: Path, out: Path) -> None:
    """On disk first, then by a rename."""
    for path in partial.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    if out.exists():
        replaced = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.replaced")
        out.rename(replaced)
        partial.rename(out)
        shutil.rmtree(replaced)
    else:
        partial.rename(out)
