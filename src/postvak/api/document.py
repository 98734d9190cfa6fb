"""The OpenAPI 3.1 document: what django-ninja makes of the operations, and what the door adds to each of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from ninja import NinjaAPI
from ninja.operation import Operation

from postvak.api.frame import Token
from postvak.api.problems import CONTENT_TYPE
from postvak.tickets.programs.scopes import SCOPES

PREFIX = "/api/v1"
BODY = frozenset({"post", "put", "patch"})
UNSAFE = BODY | {"delete"}
PROBLEMS: Mapping[str, str] = {
    "400": "The request can't be read.",
    "401": "No token, or one that is unknown, expired or withdrawn.",
    "403": "The token lacks the scope, or its agent the right.",
    "404": "There is nothing here, or nothing that the agent may see.",
    "409": "It can't be done as things stand; or the first request with this Idempotency-Key is still running.",
    "412": "It was changed meanwhile (If-Match).",
    "413": "The request is too large.",
    "415": "The body is not application/json.",
    "422": "Something in the request doesn't fit: see errors.",
    "429": "Too many requests in this minute: see Retry-After.",
    "500": "Something went wrong on our side.",
    "503": "Not at the moment: see Retry-After.",
}
PROBLEM: Mapping[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail", "errors"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "For programs; it stays the same."},
        "detail": {"type": "string", "description": "A sentence for people."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}
WORDS: Mapping[str, str] = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "object": "object", "null": "null",
    "date-time": "time", "date": "day",
}  # fmt: skip
EXAMPLE = """curl -H "Authorization: Bearer pv_…" \\
  "https://desk.example.org/api/v1/tickets?state=active&mark=unanswered"

curl -X POST -H "Authorization: Bearer pv_…" -H "Content-Type: application/json" \\
  -H "Idempotency-Key: order-4711-paid" \\
  -d '{"text": "Your payment arrived.", "status": "closed"}' \\
  https://desk.example.org/api/v1/tickets/20261122000017/answers"""
KEY_HEADER: Mapping[str, Any] = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "The same request with the same key is done once and answered the same, for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}


def document(api: NinjaAPI) -> dict[str, Any]:
    made = dict(api.get_openapi_schema(path_prefix=f"{PREFIX.lstrip('/')}/"))
    made["components"]["schemas"]["Problem"] = dict(PROBLEM)
    made["components"]["securitySchemes"] = {"token": Token.openapi_security_schema}
    scopes = dict(scope_of_operations(api))
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            complete(operation, path, method, scopes[operation["operationId"]])
    return made


def scope_of_operations(api: NinjaAPI) -> Iterator[tuple[str, Token]]:
    for operation in operations(api):
        token = next((one for one in operation.auth_callbacks if isinstance(one, Token)), None)
        if token is None:
            raise ValueError(f"{operation.path} needs auth=Token(…)")
        yield operation.operation_id or api.get_openapi_operation_id(operation), token


def operations(api: NinjaAPI) -> Iterator[Operation]:
    for router in api._get_bound_routers():
        for paths in router.path_operations.values():
            yield from paths.operations


def complete(operation: dict[str, Any], path: str, method: str, token: Token) -> None:
    """Scope, problems and the header for repeating."""
    operation["security"] = [{"token": [token.scope] if token.scope else []}]
    who = " For administrators." if token.admin else ""
    scope = f"Scope: `{token.scope}`." if token.scope else "Any token will do."
    operation["description"] = "\n\n".join(part for part in (operation.get("description", ""), scope + who) if part)
    statuses = {"401", "403", "422", "429", "500", "503"} | ({"404"} if "{" in path else set())
    if method in UNSAFE:
        statuses |= {"400", "404", "409"}
        operation.setdefault("parameters", []).append(dict(KEY_HEADER))
    if "requestBody" in operation:
        statuses |= {"413", "415"}
    if any(one.get("name") == "If-Match" for one in operation["parameters"]):
        statuses.add("412")
    answers = {str(status): answer for status, answer in operation["responses"].items()}
    for status in sorted(statuses):
        content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        answers[status] = {"description": PROBLEMS[status], "content": content}
    operation["responses"] = answers


# -- for people ----------------------------------------------------------------------------


def pages_of(written: Mapping[str, Any]) -> dict[str, Any]:
    """What the page shows: operations by their tag, in the order of the document; and the scopes."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in written["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append(shown(path, method, operation, written))
    scopes = [(name, str(meaning)) for name, meaning in SCOPES.items()]
    return {"groups": groups, "scopes": scopes, "version": written["info"]["version"], "example": EXAMPLE}


def shown(path: str, method: str, operation: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answer = next(iter(operation["responses"].values()))
    made = answer.get("content", {})
    return {
        "id": operation["operationId"],
        "path": path,
        "method": method.upper(),
        "words": operation["description"].split("\n\nScope:")[0].partition("\n\nAny token")[0],
        "scope": operation["security"][0]["token"],
        "is_for_administrators": "For administrators." in operation["description"],
        "parameters": [one for one in operation["parameters"] if one["name"] != KEY_HEADER["name"]],
        "body": fields_of(body, written) if body else [],
        "status": next(iter(operation["responses"])),
        "media": next(iter(made), ""),
        "answer": fields_of(made.get("application/json", {}).get("schema"), written),
    }


def fields_of(schema: Mapping[str, Any] | None, written: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Name, type and words of each field; of a list, of its rows."""
    found = resolved(schema or {}, written)
    if found.get("type") == "array":
        found = resolved(found["items"], written)
    required = found.get("required", [])
    return [
        {
            "name": name,
            "type": type_of(one, written),
            "words": one.get("description", ""),
            "is_required": name in required,
        }
        for name, one in found.get("properties", {}).items()
    ]


def resolved(schema: Mapping[str, Any], written: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return written["components"]["schemas"][name] if name else schema


def type_of(schema: Mapping[str, Any], written: Mapping[str, Any]) -> str:
    """As one says it: "text or null", "list of whole numbers"."""
    if "anyOf" in schema:
        return " or ".join(type_of(one, written) for one in schema["anyOf"])
    if "$ref" in schema:
        inner = resolved(schema, written).get("properties", {})
        return "{" + ", ".join(inner) + "}"
    if "enum" in schema or "const" in schema:
        return ", ".join(str(one) for one in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}), written)}"
    return WORDS.get(schema.get("format", ""), WORDS.get(schema.get("type", ""), "anything"))
