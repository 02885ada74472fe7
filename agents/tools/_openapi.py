"""An OpenAPI document as flat operations: references resolved, each parameter with the place that it goes to."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import yaml

from agents.errors import AgentFault
from agents.tools.schema import tool_name

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
FORM = "application/x-www-form-urlencoded"
_DEEPEST = 40


@dataclass(frozen=True)
class Parameter:
    """`given_as`: its name in the flat schema, which differs from `name` where two places use one name."""

    name: str
    given_as: str
    place: str  # path, query, header, cookie, body (a property of it), whole-body
    style: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What goes over the wire; `path` with its query, below the base URL."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    path: str
    description: str
    schema: dict[str, Any]
    parameters: tuple[Parameter, ...]
    content_type: str = ""
    tags: tuple[str, ...] = ()

    def request(self, arguments: Mapping[str, Any]) -> Request:
        """Arguments that fit the schema, as a request."""
        path, headers, whole = self.path, {"Accept": "application/json, */*"}, None
        query: list[tuple[str, str]] = []
        cookies: list[str] = []
        body: dict[str, Any] = {}
        for each in self.parameters:
            if each.given_as not in arguments:
                continue
            value = arguments[each.given_as]
            if each.place == "path":
                path = path.replace("{" + each.name + "}", quote(_text(value), safe=""))
            elif each.place == "query":
                query += _query(each, value)
            elif each.place == "header":
                headers[each.name] = re.sub(r"[\r\n\0]", " ", _text(value))
            elif each.place == "cookie":
                cookies.append(f"{each.name}={quote(_text(value), safe='')}")
            elif each.place == "body":
                body[each.name] = value
            else:
                whole = value
        if cookies:
            headers["Cookie"] = "; ".join(cookies)
        data = b""
        if self.content_type and (body or whole is not None or any(each.place == "body" for each in self.parameters)):
            headers["Content-Type"] = self.content_type
            data = _body(self.content_type, body if whole is None else whole)
        return Request(self.method, path + ("?" + urlencode(query) if query else ""), headers, data)


def load_document(data: bytes, name: str) -> dict[str, Any]:
    """From JSON or YAML. Raises AgentFault."""
    try:
        document = json.loads(data) if data.lstrip()[:1] == b"{" else yaml.safe_load(data)
    except (ValueError, yaml.YAMLError) as error:
        raise AgentFault(f"{name} is neither JSON nor YAML: {str(error)[:200]}") from error
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise AgentFault(f"{name} is no OpenAPI document: it has no `paths`")
    return document


def base_url(document: Mapping[str, Any]) -> str:
    """The document's own; empty where it names none, or a relative one."""
    if "host" in document:  # Swagger 2.0
        scheme = (document.get("schemes") or ["http"])[0]
        return f"{scheme}://{document['host']}{document.get('basePath', '')}".rstrip("/")
    servers = document.get("servers") or [{}]
    url = str(servers[0].get("url", ""))
    for name, variable in (servers[0].get("variables") or {}).items():
        url = url.replace("{" + name + "}", str(variable.get("default", "")))
    return url.rstrip("/") if "://" in url else ""


def operations_of(document: Mapping[str, Any]) -> Iterator[Operation]:
    """All of them, in the document's order. Raises AgentFault for a reference that leads nowhere."""
    taken: set[str] = set()
    for path, item in document["paths"].items():
        item = _resolved(document, item)
        for method in METHODS:
            if not isinstance(item.get(method), dict):
                continue
            entry = _resolved(document, item[method])
            name = tool_name(str(entry.get("operationId") or f"{method}{path}"), taken)
            taken.add(name)
            parameters = {(one["name"], one["in"]): one for one in item.get("parameters", [])}
            parameters |= {(one["name"], one["in"]): one for one in entry.get("parameters", [])}
            yield _operation(name, method, path, entry, list(parameters.values()))


def _operation(name: str, method: str, path: str, entry: dict[str, Any], parameters: list[dict[str, Any]]) -> Operation:
    properties: dict[str, Any] = {}
    required: list[str] = []
    flat: list[Parameter] = []

    def add(its_name: str, place: str, schema: dict[str, Any], is_required: bool, style: dict[str, Any]) -> None:
        given_as = its_name if its_name not in properties else f"{place.replace('-', '_')}_{its_name}"
        properties[given_as] = schema
        flat.append(Parameter(its_name, given_as, place, style))
        if is_required:
            required.append(given_as)

    content_type = ""
    body: dict[str, Any] = entry.get("requestBody") or {}
    for one in parameters:
        if one["in"] == "body":  # Swagger 2.0
            body = {"required": one.get("required"), "content": {"application/json": {"schema": one.get("schema", {})}}}
            continue
        if one["in"] == "formData":
            content_type = FORM
        content: dict[str, Any] = next(iter((one.get("content") or {}).values()), {})
        schema = _plain({**(one.get("schema") or content.get("schema") or _of_swagger(one))})
        if one.get("description") and "description" not in schema:
            schema["description"] = one["description"]
        is_json = any("json" in kind for kind in one.get("content") or {})
        style = {key: one[key] for key in ("style", "explode", "collectionFormat") if key in one} | {"is_json": is_json}
        place = "body" if one["in"] == "formData" else one["in"]
        add(one["name"], place, schema, place == "path" or bool(one.get("required")), style)
    if body:
        content_type, schema = _body_schema(body)
        schema = _plain(schema)
        if _is_flat(schema):
            for key, value in schema["properties"].items():
                if not (isinstance(value, dict) and value.get("readOnly")):
                    add(key, "body", value, bool(body.get("required")) and key in schema.get("required", ()), {})
        else:
            if body.get("description") and "description" not in schema:
                schema["description"] = body["description"]
            add("body", "whole-body", schema, bool(body.get("required")), {})
    said = [str(entry.get(key, "")).strip() for key in ("summary", "description")]
    description = "\n".join(dict.fromkeys(text for text in said if text)) or f"{method.upper()} {path}"
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return Operation(
        name=name,
        method=method.upper(),
        path=path,
        description=description[:1000] + (" [deprecated]" if entry.get("deprecated") else ""),
        schema=schema,
        parameters=tuple(flat),
        content_type=content_type,
        tags=tuple(str(tag) for tag in entry.get("tags", ())),
    )


def _body_schema(body: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """JSON where it can be, else a form, else what there is."""
    content: dict[str, Any] = body.get("content") or {}
    kinds = sorted(content, key=lambda kind: (not kind.endswith("json"), kind != FORM, "json" not in kind))
    if not kinds:
        return "application/json", {}
    chosen = kinds[0]
    schema = (content[chosen] or {}).get("schema") or {}
    if "json" not in chosen and chosen != FORM:
        return chosen, {"type": "string", "description": f"the body, as {chosen}"}
    return ("application/json" if chosen == "*/*" else chosen), dict(schema)


def _is_flat(schema: Mapping[str, Any]) -> bool:
    has_others = any(key in schema for key in ("oneOf", "anyOf", "allOf", "patternProperties"))
    is_open = isinstance(schema.get("additionalProperties"), dict) or schema.get("additionalProperties") is True
    return schema.get("type") == "object" and bool(schema.get("properties")) and not has_others and not is_open


def _of_swagger(parameter: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("type", "format", "enum", "items", "default", "minimum", "maximum", "pattern", "minLength", "maxLength")
    return {key: parameter[key] for key in keys if key in parameter}


def _resolved(document: Mapping[str, Any], value: Any, seen: tuple[str, ...] = (), depth: int = 0) -> Any:
    """References replaced by what they stand for; one within itself by any value, since it has no end."""
    if depth > _DEEPEST:
        return {}
    if isinstance(value, list):
        return [_resolved(document, each, seen, depth + 1) for each in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if not isinstance(reference, str):
        return {key: _resolved(document, each, seen, depth + 1) for key, each in value.items()}
    if reference in seen:
        return {"description": f"again a {reference.rpartition('/')[2]}"}
    target = _resolved(document, _at(document, reference), (*seen, reference), depth + 1)
    beside = {key: _resolved(document, each, seen, depth + 1) for key, each in value.items() if key != "$ref"}
    return {**target, **beside} if isinstance(target, dict) else target


def _at(document: Mapping[str, Any], reference: str) -> Any:
    if not reference.startswith("#"):
        raise AgentFault(f"the reference {reference!r} leads out of the document: bundle it into one file")
    found: Any = document
    for part in filter(None, reference[1:].split("/")):
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(key)] if isinstance(found, list) else found[key]
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise AgentFault(f"the reference {reference!r} leads nowhere in the document") from error
    return found


def _plain(schema: Any) -> Any:
    """OpenAPI 3.0's own words in those of JSON Schema; examples and the like are left out."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    left_out = ("example", "examples", "xml", "externalDocs", "discriminator", "nullable")
    # What stands below `properties` are names, not words of the schema.
    found = {
        key: {name: _plain(each) for name, each in value.items()}
        if key == "properties" and isinstance(value, dict)
        else _plain(value)
        for key, value in schema.items()
        if key not in left_out and not key.startswith("x-")
    }
    for limit, word in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(found.get(word), bool) and found.pop(word) and limit in found:
            found[word] = found.pop(limit)
    if schema.get("nullable") is True:
        if isinstance(found.get("type"), str):
            found["type"] = [found["type"], "null"]
        if "enum" in found and None not in found["enum"]:
            found["enum"] = [*found["enum"], None]
    if found.get("type") == "file":
        found["type"] = "string"
    return found


def _query(parameter: Parameter, value: Any) -> list[tuple[str, str]]:
    """Form style with explode, OpenAPI's default, unless the document says otherwise."""
    style = parameter.style
    if style.get("is_json"):
        return [(parameter.name, json.dumps(value))]
    if isinstance(value, list):
        if style.get("explode", style.get("collectionFormat", "multi") == "multi"):
            return [(parameter.name, _text(each)) for each in value]
        marks = {"pipeDelimited": "|", "pipes": "|", "spaceDelimited": " ", "ssv": " ", "tsv": "\t"}
        mark = marks.get(style.get("style") or style.get("collectionFormat", ""), ",")
        return [(parameter.name, mark.join(map(_text, value)))]
    if isinstance(value, dict):
        if style.get("style") == "deepObject":
            return [(f"{parameter.name}[{key}]", _text(each)) for key, each in value.items()]
        return [(key, _text(each)) for key, each in value.items()]
    return [(parameter.name, _text(value))]


def _body(content_type: str, value: Any) -> bytes:
    if content_type == FORM and isinstance(value, dict):
        return urlencode({key: _text(each) for key, each in value.items()}).encode()
    if "json" in content_type:
        return json.dumps(value, ensure_ascii=False).encode()
    return _text(value).encode()


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return json.dumps(value) if isinstance(value, dict) else str(value)
