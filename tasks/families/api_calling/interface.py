"""The operations of a service as its engine reads them, and as an OpenAPI 3.1 document."""

from typing import Any

from tasks.families.api_calling.model import Domain, Field, Operation, Resource

_TYPES = {"money": "number", "count": "integer"}


def operations_of(domain: Domain) -> list[dict[str, Any]]:
    """Three ways to look at each resource, then all that changes something."""
    resources = {resource.name: resource for resource in domain.resources}
    found = [each for resource in domain.resources for each in _look_ups(resource, domain)]
    return found + [_changing(operation, resources[operation.resource], domain) for operation in domain.operations]


def _look_ups(resource: Resource, domain: Domain) -> list[dict[str, Any]]:
    noun, path = resource.name.replace("_", " "), f"/{domain.name}/{resource.plural}"
    shows = ["id", *resource.shows]
    page = _parameter("page", Field("count", (1, 1)), "query", required=False)
    common = {"method": "GET", "resource": resource.name, "shows": shows, "domain": domain.title}
    filters = [_parameter(name, resource.fields.get(name, Field("word")), "query", required=False)
               for name in resource.filters]  # fmt: skip
    found = [
        {
            "name": f"list_{resource.plural}",
            "path": path,
            "does": "list",
            "summary": f"List {resource.plural}, ten a page, with these fields: {', '.join(shows)}.",
            "parameters": [*filters, page],
            **common,
        }
    ]
    if resource.searches:
        part = {"name": "q", "in": "query", "type": "string", "required": True}
        found.append(
            {
                "name": f"search_{resource.plural}",
                "path": f"{path}/search",
                "does": "list",
                "summary": f"Find {resource.plural} by a part of their {resource.searches}, ten a page.",
                "parameters": [part, page],
                "searches": resource.searches,
                **common,
            }
        )
    found.append(
        {
            "name": f"get_{resource.name}",
            "path": f"{path}/{{id}}",
            "does": "get",
            "summary": f"All fields of one {noun}.",
            "parameters": [_key(resource.name)],
            "key": "id",
            **common,
        }
    )
    return found


def _changing(operation: Operation, resource: Resource, domain: Domain) -> dict[str, Any]:
    has_key = "{id}" in operation.path
    parameters = [_key(resource.name)] if has_key else []
    parameters += [
        {"name": end, "in": "body", "type": "string", "required": True, "refers": resource.name}
        for end in operation.ends
        if end
    ]
    parameters += [_parameter(name, field, "body") for name, field in operation.takes.items()]
    found: dict[str, Any] = {
        "name": operation.name,
        "method": operation.method,
        "path": f"/{domain.name}{operation.path}",
        "does": operation.does,
        "resource": resource.name,
        "summary": operation.summary,
        "parameters": parameters,
        "domain": domain.title,
        "key": "id",
    }
    if operation.does in ("create", "preview"):
        found |= {"prefix": resource.prefix, "sets": operation.sets, "blank": resource.own}
    elif operation.does == "change":
        found |= {"sets": operation.sets, "when": operation.when}
    elif operation.does in ("add", "move"):
        found |= {"amount": operation.amount, "field": operation.field, "sign": operation.sign}
        found["ends"] = list(operation.ends)
    return found


def _key(resource: str) -> dict[str, Any]:
    return {"name": "id", "in": "path", "type": "string", "required": True, "refers": resource}


def _parameter(name: str, field: Field, where: str, *, required: bool = True) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": name,
        "in": where,
        "type": _TYPES.get(field.kind, "string"),
        "required": required,
    }
    if field.kind in ("date", "time", "email"):
        found["format"] = field.kind
    if where == "body" and field.kind == "word":
        found["enum"] = list(field.of)
    if where == "body" and field.kind in ("money", "count"):
        found["minimum"] = 0
    if where == "body" and field.kind == "ref":
        found["refers"] = field.of
    return found


def openapi(title: str, operations: list[dict[str, Any]]) -> dict[str, Any]:
    """The document that the agent gets."""
    paths: dict[str, Any] = {}
    for operation in operations:
        outside = [each for each in operation["parameters"] if each["in"] != "body"]
        inside = [each for each in operation["parameters"] if each["in"] == "body"]
        entry: dict[str, Any] = {
            "operationId": operation["name"],
            "summary": operation["summary"],
            "tags": [operation["domain"]],
            "parameters": [
                {"name": each["name"], "in": each["in"], "required": each["required"], "schema": _schema(each)}
                for each in outside
            ],
            "responses": {"201" if operation["does"] == "create" else "200": {"description": "Done, as JSON"}},
        }
        if inside:
            schema = {
                "type": "object",
                "properties": {each["name"]: _schema(each) for each in inside},
                "required": [each["name"] for each in inside if each["required"]],
                "additionalProperties": False,
            }
            entry["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
        paths.setdefault(operation["path"], {})[operation["method"].lower()] = entry
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1.0.0"},
        "servers": [{"url": "http://127.0.0.1:8000"}],
        "paths": paths,
    }


def _schema(parameter: dict[str, Any]) -> dict[str, Any]:
    found = {"type": parameter["type"]}
    found |= {name: parameter[name] for name in ("format", "enum", "minimum") if name in parameter}
    if "refers" in parameter:
        found["description"] = f"id of a {parameter['refers'].replace('_', ' ')}"
    return found
