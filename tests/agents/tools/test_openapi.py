"""OpenAPI documents as tools: flat schemas, and calls of a real service from within a real sandbox."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from agents.agent import AgentLimits
from agents.errors import AgentFault
from agents.recorder import Recorder
from agents.session import RolloutSession
from agents.tools import Place, ToolsConfig
from agents.tools._openapi import Operation, base_url, load_document, operations_of
from agents.tools.openapi import OpenApi
from environments import Backend, SandboxSpec, Service, running
from tasks.families.api_calling import world as api
from tasks.families.api_calling.server import Engine

from .conftest import task_of

SERVICE = Path(api.__file__).with_name("server.py")
PETS = """\
openapi: 3.0.3
info: {title: Pets, version: "1"}
servers: [{url: "http://{host}:8000/v1", variables: {host: {default: pets.test}}}]
paths:
  /pets/{id}:
    parameters: [{$ref: "#/components/parameters/Id"}]
    put:
      operationId: pets.update
      summary: Change a pet.
      parameters:
        - {name: X-Trace, in: header, schema: {type: string}}
        - {name: tag, in: query, schema: {type: array, items: {type: string}}}
        - {name: near, in: query, explode: false, schema: {type: array, items: {type: number}}}
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}
    delete: {}
components:
  parameters:
    Id: {name: id, in: path, required: true, description: of the pet, schema: {type: integer}}
  schemas:
    Pet:
      type: object
      required: [name]
      properties:
        id: {type: integer, nullable: true}
        name: {type: string}
        age: {type: number, minimum: 0, exclusiveMinimum: true}
        made: {type: string, readOnly: true}
        parent: {$ref: "#/components/schemas/Pet"}
"""


@pytest.fixture(scope="module")
def pets() -> dict[str, Operation]:
    return {each.name: each for each in operations_of(load_document(PETS.encode(), "pets.yaml"))}


def test_all_parameters_are_one_flat_schema(pets: dict[str, Operation]) -> None:
    assert list(pets) == ["pets_update", "delete_pets_id"]
    schema = pets["pets_update"].schema
    assert list(schema["properties"]) == ["id", "X-Trace", "tag", "near", "body_id", "name", "age", "parent"]
    assert schema["required"] == ["id", "name"]
    assert schema["properties"]["id"] == {"type": "integer", "description": "of the pet"}
    assert schema["properties"]["body_id"] == {"type": ["integer", "null"]}
    assert schema["properties"]["age"] == {"type": "number", "exclusiveMinimum": 0}
    assert schema["properties"]["parent"] == {"description": "again a Pet"}
    assert base_url(load_document(PETS.encode(), "")) == "http://pets.test:8000/v1"


def test_arguments_go_to_their_places(pets: dict[str, Operation]) -> None:
    request = pets["pets_update"].request(
        {"id": 7, "X-Trace": "a\r\nEvil: 1", "tag": ["x y", "&"], "near": [1, 2], "body_id": None, "name": "Bo"}
    )
    assert (request.method, request.path) == ("PUT", "/pets/7?tag=x+y&tag=%26&near=1%2C2")
    assert request.headers["X-Trace"] == "a  Evil: 1" and request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body) == {"id": None, "name": "Bo"}


def test_swagger_2_and_broken_documents() -> None:
    old = {
        "swagger": "2.0",
        "host": "h",
        "basePath": "/b",
        "paths": {
            "/f": {"post": {"parameters": [{"name": "q", "in": "formData", "type": "string", "required": True}]}}
        },
    }
    (operation,) = operations_of(old)
    assert base_url(old) == "http://h/b" and operation.request({"q": "a b"}).body == b"q=a+b"
    with pytest.raises(AgentFault, match="no `paths`"):
        load_document(b"{}", "x")
    with pytest.raises(AgentFault, match="leads nowhere"):
        list(operations_of({"paths": {"/": {"get": {"parameters": [{"$ref": "#/nope"}]}}}}))


@pytest.fixture(scope="module")
def office() -> api.World:
    return api.make_world(Random("office"), 3)


async def test_a_task_with_a_service_is_solved_by_its_operations(
    office: api.World, bubblewrap: Backend, tmp_path: Path
) -> None:
    """The family's own service in a real sandbox; the calls of the reference leave the state that is wanted."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "openapi.json").write_text(json.dumps(office.openapi))
    (tmp_path / "data").write_text(json.dumps(office.service))
    service = Service(name="office", program=SERVICE, data=tmp_path / "data", port=8000, ready="/health")
    spec = SandboxSpec(layers=(tmp_path / "files",), services=(service,))
    task = task_of(spec, instruction=" ".join(office.points), tools=("bash", "openapi:openapi.json", "retrieved:4"))
    async with running(bubblewrap, spec) as sandbox:
        place = Place(sandbox, bubblewrap, task)
        session = RolloutSession(place, seed=1, limits=AgentLimits(), recorder=Recorder("s"), model=None)
        await session.open(ToolsConfig())
        names = [each["function"]["name"] for each in session.tool_definitions()]
        assert names[:3] == ["bash", "find_tools", "call_tool"] and len(names) == 7 < office.operation_count
        for call in office.reference["calls.json"]:
            answer = await session.call("call_tool", call)
            assert not answer.is_error, answer.text
        replay = office.grading["replay"]
        shown = await sandbox.run(
            [
                "python3",
                "-c",
                f"import urllib.request as r; print(r.urlopen('http://127.0.0.1:8000{replay['state_path']}').read().decode())",
            ],
            timeout_sec=10,
        )
        found = json.loads(shown.stdout)
        assert found in (replay["state"], {"changes": replay["state"]}) or replay["state"] in found.values()
        wrong = await session.call(
            "call_tool", {"name": office.reference["calls.json"][0]["name"], "arguments": {"x": 1}}
        )
        assert wrong.is_error and "wrong arguments of call_tool" in wrong.text and session.invalid_calls == 1
        told = await session.call("find_tools", {"request": office.points[0], "k": 8})
        assert told.text.count("- ") >= 8
        await session.close()
    assert Engine(office.service).changes() == {}


async def test_an_answer_of_the_service_that_says_no_is_an_error(
    office: api.World, bubblewrap: Backend, tmp_path: Path
) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(office.openapi))
    spec = SandboxSpec(layers=(tmp_path,))
    async with running(bubblewrap, spec) as sandbox:
        place = Place(sandbox, bubblewrap, task_of(spec))
        tools = await OpenApi(document="openapi.json").tools(place)
        gone = next(tool for tool in tools if tool.name.startswith("get_"))
        answer = await gone.call(place, gone.arguments.model_validate({"id": "none"}))
        assert answer.is_error and "the service did not answer: ConnectionRefusedError" in answer.text
        with pytest.raises(AgentFault, match=r"nowhere.json is not in the sandbox"):
            await OpenApi(document="nowhere.json").tools(place)


class Outside(BaseHTTPRequestHandler):
    seen: ClassVar[list[tuple[str, str, bytes]]] = []

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.path, self.headers.get("Authorization", ""), body))
        status = 200 if b"Bo" in body else 422
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"status": %d}' % status)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def outside() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Outside)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/allowed"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_service_outside_is_called_from_the_host_below_the_allowed_url(
    place: Place, outside: str, tmp_path: Path
) -> None:
    (tmp_path / "pets.yaml").write_text(PETS)
    source = OpenApi.model_validate(
        {
            "document": str(tmp_path / "pets.yaml"),
            "base_url": outside,
            "headers": {"Authorization": "key"},
            "prefix": "p_",
        }
    )
    put = next(tool for tool in await source.tools(place) if tool.name == "p_pets_update")
    answer = await put.call(place, put.arguments.model_validate({"id": 1, "name": "Bo"}))
    assert json.loads(answer.text) == {"status": 200}
    assert Outside.seen[-1][:2] == ("/allowed/pets/1", "key")
    answer = await put.call(place, put.arguments.model_validate({"id": 1, "name": "Al"}))
    assert answer.is_error and answer.text.startswith("[HTTP 422]")
    with pytest.raises(ValidationError, match="'one' is not of type 'integer'"):
        put.arguments.model_validate({"id": "one", "name": "Al"})
    assert "key" not in source.model_dump_json()
