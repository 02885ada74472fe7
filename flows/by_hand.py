"""The limits on models, for runs that a person starts: they take part in those that scheduled runs hold.

Where the server of `gristmill up` (or the user's own) has a limit on a model, `gristmill-model-NAME`, the run occupies
its share of it as a scheduled run does (flows/deployments/entry.py), and asks no more at a time than that. The server
is asked beside the run, whose own API may be another one: `down` may end that server, and not the run.
"""

import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

import httpx
from pydantic import BaseModel

from flows.api import users_own_server
from flows.errors import ApiUnavailable
from flows.place import Place

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

LEASE_SEC = 300.0  # as of scheduled runs: what a killed run holds is free after that time
RENEW_SEC = 60.0
ASK_AGAIN_SEC = 5.0  # the server would have us wait up to half a minute; a person looks on

log = logging.getLogger("gristmill")


@contextmanager
def model_limits_held(request: BaseModel, place: Place, *, at_most: int | None = None) -> Iterator[Place]:
    """For the block the run's share of the limits on the models of `request`; yields the place with it.

    `at_most`: requests that this run has on their way to each of its models, whatever any server says. Waits, and says
    so, until others have given enough back. Raises ApiUnavailable where the server is up and does not answer.
    """
    from flows.deployments.plan import MODEL, Plan, model_shares, models_asked

    asked = models_asked(request)
    own = dict.fromkeys(asked, at_most) if at_most else {}
    with ExitStack() as stack:
        shares: dict[str, int] = {}
        if asked and (url := _server_of(place)):
            held = stack.enter_context(_Held.on(url))
            limits = {name: limit for name in asked if (limit := held.limits.get(f"{MODEL}{name}"))}
            allowed = {name: min(limit, at_most or limit) for name, limit in limits.items()}
            shares = model_shares(Plan(models=allowed), request, place)
            for name, share in sorted(shares.items(), reverse=True):  # in the order of scheduled runs: no deadlock
                held.occupy(f"{MODEL}{name}", share)
        yield place.model_copy(update={"model_limits": {**own, **shares}})


def _server_of(place: Place) -> str | None:
    """Of the run itself where that is shared (`batch_limit` says so), else what `up` has started for the store."""
    if place.batch_limit:
        return users_own_server()
    from flows.deployments.processes import read_state
    from flows.deployments.up import SERVER, folder_of

    state = read_state(folder_of(place))
    return state.url if state and state.daemons and (not state.is_own or state.alive(SERVER)) else None


class _Held:
    """What a run occupies on one server, given back at the end of the block."""

    def __init__(self, url: str, client: "SyncPrefectClient", limits: dict[str, int]) -> None:
        self.url, self.limits = url, limits
        self._client = client
        self._leases: list[UUID] = []
        self._is_left = threading.Event()

    @classmethod
    @contextmanager
    def on(cls, url: str) -> Iterator["_Held"]:
        from prefect.client.orchestration import get_client
        from prefect.settings import PREFECT_API_URL, temporary_settings

        with temporary_settings({PREFECT_API_URL: url}):  # only for the client: the run's own API stays what it is
            made = get_client(sync_client=True)
        with made as client:
            try:
                there = client.read_global_concurrency_limits(limit=200)
            except httpx.HTTPError as error:
                raise _away(url, error) from error
            held = cls(url, client, {each.name: each.limit for each in there if each.active})
            renewing = threading.Thread(target=held._renew, name="model limits", daemon=True)
            renewing.start()
            try:
                yield held
            finally:
                held._is_left.set()
                renewing.join(timeout=2.0)
                held._give_back()

    def occupy(self, limit: str, slots: int) -> None:
        """Wait for so many slots of the limit."""
        is_told = False
        while (lease := self._try(limit, slots)) is None:
            if not is_told:
                sys.stderr.write(
                    f"gristmill: waiting for {slots} of the {self.limits[limit]} slots of {limit}, which other runs "
                    f"hold on {self.url}\n"
                )
                is_told = True
            time.sleep(ASK_AGAIN_SEC)
        self._leases.append(lease)

    def _try(self, limit: str, slots: int) -> UUID | None:
        try:
            answer = self._client.increment_concurrency_slots_with_lease([limit], slots, "concurrency", LEASE_SEC)
        except httpx.HTTPStatusError as error:
            if error.response.status_code == httpx.codes.LOCKED:
                return None
            raise _away(self.url, error) from error
        except httpx.HTTPError as error:
            raise _away(self.url, error) from error
        return UUID(answer.json()["lease_id"])

    def _renew(self) -> None:
        """Until the block is left. A server that is gone gives the slots to others; the run keeps to its share."""
        is_told = False
        while not self._is_left.wait(RENEW_SEC):
            for lease in tuple(self._leases):
                try:
                    with _asked_once():
                        self._client.renew_concurrency_lease(lease, LEASE_SEC)
                except httpx.HTTPError as error:
                    if not is_told:
                        log.warning("%s does not keep this run's slots of its limits on models: %s", self.url, error)
                    is_told = True

    def _give_back(self) -> None:
        for lease in self._leases:
            try:
                with _asked_once():
                    self._client.release_concurrency_slots_with_lease(lease)
            except httpx.HTTPError as error:
                log.debug("%s: not given back, and free after %g s: %s", self.url, LEASE_SEC, error)


@contextmanager
def _asked_once() -> Iterator[None]:
    """Prefect's client would ask a server that is gone for a minute and more."""
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
        yield


def _away(url: str, error: Exception) -> ApiUnavailable:
    return ApiUnavailable(
        f"Prefect's server at {url}, which holds the limits on models, does not answer: {error}; "
        "`gristmill up` starts what is down, `gristmill down` ends what is left"
    )
