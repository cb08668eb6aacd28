"""Errors as RFC 9457 has them: application/problem+json, with the hints of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from edge.errors import FmnistEdgeError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

CONTENT_TYPE = "application/problem+json"

TYPES = "urn:fmnist-edge:problem:"
"""What a problem's `type` begins with; docs/serve.md lists them."""

TITLES = {
    "bad-request": (400, "The request is not understood"),
    "login-needed": (401, "A token is needed"),
    "cross-site": (403, "Another site sent this request"),
    "not-found": (404, "There is no such thing"),
    "method-not-allowed": (405, "This cannot be done there"),
    "too-slow": (408, "The request took too long"),
    "conflict": (409, "This cannot be done now"),
    "too-large": (413, "The request is too large"),
    "unsupported-type": (415, "This type of content is not taken"),
    "wrong-host": (421, "The request is for another host"),
    "unusable": (422, "The content cannot be used"),
    "too-many": (429, "Too many requests"),
    "bug": (500, "Something is wrong in fmnist-edge"),
    "not-alive": (503, "The run hangs"),
    "not-ready": (503, "There are no answers now"),
    "disk": (507, "The disk takes nothing"),
}
"""Each kind of problem: its status and its title."""


class Problem(Exception):
    """A request that cannot be answered as wanted: raised by a handler, sent as a response."""

    def __init__(self, kind: str, detail: str, hint: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.hint = hint
        self.headers = headers or {}

    @classmethod
    def of(cls, error: FmnistEdgeError, kind: str = "unusable") -> Problem:
        """What the command line would have said."""
        return cls(kind, error.message, error.hint)

    @property
    def status(self) -> int:
        """The response's status."""
        return TITLES[self.kind][0]

    def as_json(self) -> dict[str, Any]:
        """The response's content."""
        status, title = TITLES[self.kind]
        found = {"type": TYPES + self.kind, "title": title, "status": status, "detail": self.detail}
        return found | ({"hint": self.hint} if self.hint else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it: a problem is an ASGI response."""
        response = JSONResponse(self.as_json(), self.status, self.headers, CONTENT_TYPE)
        await response(scope, receive, send)
