"""The OpenAPI 3.1 document, made from the table of routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge.serve.api import schemas
from edge.serve.web.problem import CONTENT_TYPE, TITLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.serve.web.endpoint import Endpoint

PATH = "/api/openapi.json"
SEE_OTHER = frozenset({"/login", "/logout"})
"""What answers 303, to a page that is there now."""


def document(endpoints: Iterable[Endpoint], version: str) -> dict[str, Any]:
    """The document as JSON."""
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "fmnist-edge serve", "version": version, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": {"Problem": schemas.PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}, {}],
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    kinds = {"cross-site", "wrong-host", *endpoint.problems} | (set() if endpoint.is_open else {"login-needed"})
    kinds |= set() if endpoint.is_open else {"too-many"}
    answers: dict[str, Any] = {
        "200": {
            "description": endpoint.summary,
            "content": {kind: {"schema": schema} if schema else {} for kind, schema in endpoint.answers.items()},
        }
    }
    if endpoint.path in SEE_OTHER:
        answers["303"] = {"description": "Where to go on."}
    for status in sorted({TITLES[kind][0] for kind in kinds}):
        titles = [title for kind, (its, title) in TITLES.items() if its == status and kind in kinds]
        content: dict[str, Any] = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        if endpoint.path == "/login":
            content["text/html"] = {}
        answers[str(status)] = {"description": ", or ".join(titles), "content": content}
    operation: dict[str, Any] = {
        "operationId": f"{endpoint.method.lower()}_{endpoint.handler.__name__}",
        "summary": endpoint.summary,
        "responses": answers,
    }
    if endpoint.parameters:
        operation["parameters"] = [
            {
                "name": one.name,
                "in": one.where,
                "required": one.where == "path",
                "schema": one.schema,
                "description": one.text,
            }
            for one in endpoint.parameters
        ]
    if endpoint.body:
        content = {kind: {"schema": schema} if schema else {} for kind, schema in endpoint.body.items()}
        operation["requestBody"] = {"required": True, "content": content}
    if endpoint.is_open:
        operation["security"] = [{}]
    return operation
