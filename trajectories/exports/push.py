"""An export on the Hugging Face hub: its folder as one commit of a data set."""

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from trajectories.errors import BadExport, PushFailed
from trajectories.exports.folder import MANIFEST

REPOSITORY = r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}"

OURS = ["train*", "test*", "README.md", MANIFEST, "*.yaml", "dataset_info.json"]
"""What an earlier export may have left there: with a shard too many, rows would be there twice."""


def hub_token(repository: str) -> str:
    """The token that will be used, found before anything is written. Raises BadExport without one, or for a name."""
    if not re.fullmatch(REPOSITORY, repository):
        raise BadExport(f"--push {repository!r}: give OWNER/NAME, as the hub writes a data set")
    found = _hub().get_token()
    if not found:
        raise BadExport(
            "--push needs a token of the Hugging Face hub that may write: set HF_TOKEN, or run `hf auth login` once"
        )
    return str(found)


def push(folder: Path, repository: str, *, token: str, is_public: bool = False, endpoint: str | None = None) -> str:
    """Upload an export to the data set OWNER/NAME, which is made (private, unless `is_public`) where it is not there.

    One commit: it holds the whole export, and files of an earlier one are gone. Returns the commit's address.
    endpoint: None is the hub, or what HF_ENDPOINT says. Raises BadExport where there is no export, PushFailed with
    what the hub answered; the folder is as it was, so that it can be pushed again.
    """
    if not (folder / MANIFEST).is_file():
        raise BadExport(f"{folder}: is no export; there is no {MANIFEST}")
    hub = _hub()
    api = hub.HfApi(endpoint=endpoint, token=token, library_name="gristmill")
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    try:
        api.create_repo(repository, repo_type="dataset", private=not is_public, exist_ok=True)
        there = api.list_repo_files(repository, repo_type="dataset")
        stale = [name for name in there if name not in files and any(fnmatch(name, each) for each in OURS)]
        done = api.create_commit(
            repository,
            repo_type="dataset",
            operations=[
                *(hub.CommitOperationDelete(path_in_repo=name) for name in stale),
                *(hub.CommitOperationAdd(path_in_repo=name, path_or_fileobj=path) for name, path in files.items()),
            ],
            commit_message="Export of trajectories by Gristmill",
        )
    except Exception as error:
        if not isinstance(error, (*_transport_errors(hub), OSError, ValueError, RuntimeError)):
            raise
        raise PushFailed(
            f"--push {repository}: {_reason(error)}. The export is whole in {folder}; push it again with "
            f"`hf upload {repository} {folder} --repo-type dataset`"
        ) from error
    return str(done.commit_url)


def _reason(error: Exception) -> str:
    return next((line.strip().rstrip(".") for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _transport_errors(hub: Any) -> list[type[Exception]]:
    """What the hub's client raises where no answer came. Its HTTP library has changed twice, so it is asked for it."""
    return [kind for kind in hub.errors.HfHubHTTPError.__mro__ if kind.__name__ == "HTTPError"]


def _hub() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError as error:
        raise BadExport("--push needs huggingface_hub: pip install 'gristmill[train]'") from error
    return huggingface_hub
