"""What the dashboard is told when it starts. Plain data: it reads no settings of its own."""

from dataclasses import dataclass, field
from pathlib import Path

from trajectories.store import Store

LEAST_TOKEN = 16  # characters


@dataclass(frozen=True)
class DashboardConfig:
    """An open store, who may look at it, and what is known of the rest.

    token: whoever has it may sign in; cookies are signed with a key that derives from it.
    suites: folders of suites, from which tasks' instructions, diffs and tests are shown.
    prefect_api, prefect_ui: URLs of Prefect's API (`…/api`) and of its pages; empty: runs are not shown.
    cache: where reading a task folder may keep what it unpacks.
    is_https: served behind TLS: the cookie is then sent over TLS only.
    """

    store: Store
    token: str = field(repr=False)
    is_read_only: bool = False
    suites: tuple[Path, ...] = ()
    prefect_api: str = ""
    prefect_ui: str = ""
    cache: Path = Path("~/.cache/gristmill")
    store_name: str = ""
    is_https: bool = False

    def __post_init__(self) -> None:
        if len(self.token) < LEAST_TOKEN:
            raise ValueError(f"the token must have {LEAST_TOKEN} characters or more: it is all that protects the pages")
