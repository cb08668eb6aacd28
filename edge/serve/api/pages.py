"""Pages: the one to look at, the one without scripts, the one to log in."""

from __future__ import annotations

import asyncio
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse, RedirectResponse

from edge.events.run_state import NOT_A_LABEL
from edge.frame import Decision
from edge.serve.web.body import check_type, read_body
from edge.serve.web.guard import address_of, check_try
from edge.serve.web.problem import Problem

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from edge.serve.site import Site

MESSAGE = "<!-- message -->"
"""In login.html: where it says what was wrong."""

LONGEST_FORM = 4096
WRONG_TOKEN_S = 0.3

PLAIN = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<meta name="viewport" content="width=device-width"><title>{answer}</title>
<link rel="stylesheet" href="/page.css"></head>
<body class="plain"><p role="status"><strong>{answer}</strong> {score}</p><p>{hint}</p></body></html>
"""


async def page(site: Site, request: Request) -> ASGIApp:
    """A file of the page."""
    return site.files.response(request, request.url.path)


async def plain(site: Site, _request: Request) -> ASGIApp:
    """The answer in words, again every two seconds, for browsers without scripts."""
    state = site.live.as_json()
    answer, camera = state["answer"], state["camera"]
    if answer is None:
        words, score, hint = f"camera: {camera['state']}", "", camera["message"] or ""
    else:
        decision = Decision(answer["decision"])
        words = NOT_A_LABEL.get(decision) or answer["label"] or ""
        score = f"{answer['score']:.0%}" if decision is Decision.GARMENT else ""
        hint = answer["hint"] or ""
    return HTMLResponse(PLAIN.format(answer=escape(words), score=score, hint=escape(hint)))


async def login_form(site: Site, request: Request) -> ASGIApp:
    """The form that asks for the token."""
    if site.access.is_open or site.access.has_cookie(request.headers):
        return RedirectResponse("/", 303)
    return HTMLResponse(site.files.text("/login"))


async def login(site: Site, request: Request) -> ASGIApp:
    """Take the token of the form, and give a cookie for it."""
    if site.access.is_open:
        return RedirectResponse("/", 303)
    check_type(request, {"application/x-www-form-urlencoded"}, "the form at /login sends it")
    address = address_of(request.scope)
    try:
        check_try(site.access, address)
    except Problem as problem:
        return _form_again(site, problem.detail, 429, problem.headers)
    content = await read_body(request, LONGEST_FORM)
    try:
        fields = parse_qs(content.decode("ascii"), max_num_fields=5, keep_blank_values=True)
    except ValueError:
        fields = {}
    if not site.access.is_token(fields.get("token", [""])[0].strip()):
        site.access.limit.wrong(address)
        await asyncio.sleep(WRONG_TOKEN_S)
        return _form_again(site, "That is not the token.", 403, {})
    site.access.limit.right(address)
    return RedirectResponse("/", 303, {"set-cookie": site.access.new_cookie()})


async def logout(site: Site, _request: Request) -> ASGIApp:
    """Take the cookie back."""
    return RedirectResponse("/login", 303, {"set-cookie": site.access.no_cookie()})


def _form_again(site: Site, message: str, status: int, headers: dict[str, str]) -> ASGIApp:
    said = f'<p class="problem" role="alert">{escape(message)}</p>'
    return HTMLResponse(site.files.text("/login").replace(MESSAGE, said), status, headers)
