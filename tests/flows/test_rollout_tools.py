"""`gristmill rollout --tools FILE`: the file's tools reach the agent, and its hash tells the rollouts apart."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from typer.testing import CliRunner

from agents.agent import Session
from agents.registry import AGENTS
from agents.tools import read_tools_config, short_hash
from environments import Backend
from flows.batches import keys_of, run_batch
from flows.errors import UsageError
from flows.place import Place
from flows.requests import AgentRequest, RolloutRequest
from flows.rollout import register
from flows.templates import KnownTools
from tasks.suite import open_suite
from tasks.task import Task
from trajectories.rollout import Rollout

DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "Shop", "version": "1"},
    "paths": {
        "/stock/{thing}": {
            "get": {
                "operationId": "stock",
                "summary": "How many there are.",
                "parameters": [{"name": "thing", "in": "path", "required": True, "schema": {"type": "string"}}],
            }
        }
    },
}
MONEY = '''
def convert(amount: float) -> str:
    """Convert an amount of pounds."""
    return f"{amount * 2:g} EUR"
'''
KEY = "a-key-that-nobody-may-read"


class Shopper:
    """Calls both tools, and ends."""

    name: ClassVar[str] = "shopper"
    version: ClassVar[str] = "1"

    async def act(self, session: Session) -> None:
        await session.call("convert", {"amount": 4})
        await session.call("stock", {"thing": "tea"})
        await session.call("submit", {})


class Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        is_allowed = self.headers["Authorization"] == KEY
        self.send_response(200 if is_allowed else 401)
        self.end_headers()
        self.wfile.write(f"7 of {self.path}".encode())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def tools_file(tmp_path: Path) -> Iterator[Path]:
    """One function, and one document whose service runs on this machine."""
    server = HTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "money.py").write_text(MONEY)
    (tmp_path / "shop.json").write_text(json.dumps(DOCUMENT))
    file = tmp_path / "tools.yaml"
    url = f"http://127.0.0.1:{server.server_port}"
    file.write_text(
        "use: [submit]\n"
        "functions: ['money.py:convert']\n"
        f"openapi: [{{document: shop.json, base_url: '{url}', headers: {{Authorization: {KEY}}}}}]\n"
    )
    yield file
    server.shutdown()
    server.server_close()


async def test_tools_of_the_file_are_called_and_recorded(
    tools_file: Path,
    tiny_task: Task,
    bubblewrap: Backend,
    session_cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(AGENTS._ours, "shopper", f"{__name__}:Shopper")
    suite = open_suite(tiny_task.folder.parent, cache=session_cache)
    request = RolloutRequest(
        suite=suite.folder, agents=(AgentRequest(agent="shopper"),), tasks=(tiny_task.id,), tools=tools_file
    )
    assert KEY not in request.model_dump_json()
    place = Place(store=str(tmp_path / "store"), cache=session_cache)
    work = keys_of(request, suite, "bubblewrap")
    plain = keys_of(request.model_copy(update={"tools": None}), suite, "bubblewrap")
    found = short_hash(read_tools_config(tools_file))
    assert [key.agent for key, _ in work] == [f"shopper+tools:{found}"]
    assert {key.id for key, _ in work}.isdisjoint(key.id for key, _ in plain)

    done: list[Rollout] = []
    with place.open_store() as store:
        register(suite, store)
    await run_batch(work, suite=suite, place=place, models={}, jobs=1, on_done=done.append, tools_file=tools_file)
    trajectory = done[0].trajectory
    answers = [result.content for step in trajectory.steps if step.observation for result in step.observation.results]
    assert answers[:2] == ["8 EUR", "7 of /stock/tea"]
    assert (trajectory.extra or {})["tools"] == found
    assert KEY not in done[0].model_dump_json()

    tools_file.write_text(tools_file.read_text().replace("[submit]", "[submit, bash]"))
    with pytest.raises(UsageError, match="the tools changed while rollouts ran"):
        await run_batch(work, suite=suite, place=place, models={}, jobs=1, on_done=done.append, tools_file=tools_file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("use: [bash]\nfuncions: [a:b]\n", "tools.yaml:2: funcions"),
        ("functions: [no_such_module:f]\n", "tools.yaml: functions: 'no_such_module:f' cannot be imported"),
    ],
)
def test_a_wrong_file_is_told_before_anything_starts(tmp_path: Path, text: str, message: str) -> None:
    from flows.cli import app

    (tmp_path / "tools.yaml").write_text(text)
    done = CliRunner().invoke(app, ["rollout", "suite", "--agent", "nop", "--tools", str(tmp_path / "tools.yaml")])
    assert isinstance(done.exception, UsageError)  # which the command ends with exit code 2 for
    assert message in str(done.exception)


def test_templates_may_name_documents_and_retrieval() -> None:
    known = KnownTools()
    assert "openapi:openapi.json" in known and "retrieved:4" in known and "bash" in known
    assert "hammer" not in known and "bash" in list(known)
