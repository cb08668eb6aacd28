"""Who is let through: hosts, sites, tokens."""

from __future__ import annotations

import pytest

from edge.serve.web.guard import is_own_host
from tests.edge.serve.conftest import TOKEN
from tests.edge.serve.sites import ORIGIN, Served, problem_of

BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8470", "127.0.0.1:1", "[::1]:8470", "192.168.1.7", "shelf.local."]
)
def test_our_names_and_addresses_are_ours(host: str) -> None:
    assert is_own_host(host, {"localhost", "shelf.local"})


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "evil.example:8470", "127.0.0.1.evil.example", "a@localhost",
     "localhost/x", "[::1", "localhost:99999", "[localhost]", "127.0.0.1 ", "localhost#", "shelf"],
)  # fmt: skip
def test_other_names_are_not(host: str) -> None:
    assert not is_own_host(host, {"localhost", "shelf.local"})


def test_a_name_that_dns_points_here_is_refused(served: Served) -> None:
    for path in ("/", "/api/state", "/login", "/healthz"):
        assert problem_of(served.client.get(path, headers={"host": "evil.example"})) == "wrong-host"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_gets_nothing_and_changes_nothing(served: Served, site: str) -> None:
    headers = {"sec-fetch-site": site}
    for path in ("/api/state", "/api/frame.jpg", "/page.css", "/api/label/archive.zip", "/metrics"):
        assert problem_of(served.client.get(path, headers=headers)) == "cross-site"
    for path in ("/api/label", "/api/label/undo", "/api/classify", "/login", "/logout", "/api/model"):
        assert problem_of(served.client.post(path, headers=headers, json={})) == "cross-site"
    assert problem_of(served.client.get("/api/state", headers=headers | {"sec-fetch-mode": "navigate"})) == "cross-site"


def test_a_link_from_another_site_opens_the_page(served: Served) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert served.client.get("/", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:1", "http://", "http://[", "file://"]
)
def test_changes_from_another_origin_are_refused(served: Served, origin: str) -> None:
    assert problem_of(served.client.post("/api/label/undo", json={}, headers={"origin": origin})) == "cross-site"


def test_changes_from_our_page_are_taken(served: Served) -> None:
    headers = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
    assert served.client.post("/api/label/undo", json={}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None]
)
def test_what_a_form_of_another_site_can_send_changes_nothing(served: Served, content_type: str | None) -> None:
    """Even in a browser that sends neither Origin nor Sec-Fetch-Site."""
    headers = {} if content_type is None else {"content-type": content_type}
    for path in ("/api/label", "/api/label/undo", "/api/model", "/api/classify"):
        assert problem_of(served.client.post(path, content=b"{}", headers=headers)) == "unsupported-type"


def test_every_response_has_the_headers(served: Served) -> None:
    for response in (served.client.get("/"), served.client.get("/nowhere"), served.client.get("/api/state")):
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cross-origin-resource-policy"] == "same-origin"
    assert served.client.get("/api/state").headers["cache-control"] == "no-store"


def test_without_the_token_only_the_probes_and_the_login_answer(guarded: Served) -> None:
    from edge.serve.api.routes import ENDPOINTS

    assert [one.path for one in ENDPOINTS if one.is_open] == ["/healthz", "/readyz", "/login", "/login"]
    for one in ENDPOINTS:
        if not one.is_open:
            response = guarded.client.request(one.method, one.path.replace("{id}", "1"))
            assert problem_of(response) == "login-needed", one.path
            assert response.headers["www-authenticate"].startswith("Bearer")
    assert problem_of(guarded.client.get("/api/openapi.json")) == "login-needed"
    for path in guarded.site.files.addresses:
        status = guarded.client.get(path).status_code
        assert status == (303 if path == "/" else 200 if path in {"/login", "/page.css", "/favicon.svg"} else 401), path
    assert guarded.client.get("/healthz").status_code == guarded.client.get("/readyz").status_code == 200


def test_a_header_lets_programs_in(guarded: Served) -> None:
    assert guarded.client.get("/api/state", headers=BEARER).status_code == 200
    assert guarded.client.get("/", headers=BEARER).status_code == 200
    for wrong in ("Bearer nonsense", "Basic " + TOKEN, "Bearer", TOKEN):
        assert problem_of(guarded.client.get("/api/state", headers={"authorization": wrong})) == "login-needed"


def test_a_login_by_form_gives_a_cookie_that_lets_in(guarded: Served) -> None:
    assert guarded.client.get("/").headers["location"] == "/login"
    assert 'type="password"' in guarded.client.get("/login").text
    wrong = guarded.client.post("/login", data={"token": "nonsense"})
    assert wrong.status_code == 403
    assert "not the token" in wrong.text
    right = guarded.client.post("/login", data={"token": TOKEN}, headers={"origin": ORIGIN})
    assert (right.status_code, right.headers["location"]) == (303, "/")
    assert guarded.client.get("/api/state").status_code == 200  # the client keeps the cookie
    assert guarded.client.get("/login").headers["location"] == "/"
    assert guarded.client.post("/logout").headers["location"] == "/login"
    assert problem_of(guarded.client.get("/api/state")) == "login-needed"


def test_guessing_is_slow_and_locks_out_nobody_who_is_logged_in(guarded: Served) -> None:
    guarded.client.post("/login", data={"token": TOKEN})
    cookies = dict(guarded.client.cookies)
    guarded.client.cookies.clear()
    for _ in range(5):
        guarded.client.get("/api/state", headers={"authorization": "Bearer guess"})
    limited = guarded.client.get("/api/state", headers=BEARER)
    assert problem_of(limited) == "too-many"
    assert 0 < int(limited.headers["retry-after"]) <= 10
    form = guarded.client.post("/login", data={"token": TOKEN})
    assert form.status_code == 429
    assert "wait" in form.text
    guarded.client.cookies.update(cookies)
    assert guarded.client.get("/api/state").status_code == 200


def test_guessing_by_the_form_is_slow_too(guarded: Served) -> None:
    for _ in range(5):
        assert guarded.client.post("/login", data={"token": "guess"}).status_code == 403
    assert guarded.client.post("/login", data={"token": TOKEN}).status_code == 429
    assert problem_of(guarded.client.get("/api/state", headers=BEARER)) == "too-many"


@pytest.mark.parametrize("body", [b"", b"token", b"token=%ff", b"\xff", b"a&b&c&d&e&f&g", b"token=" + b"x" * 4000])
def test_a_broken_form_is_a_wrong_token(guarded: Served, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert guarded.client.post("/login", content=body, headers=headers).status_code == 403
    assert problem_of(guarded.client.post("/login", content=b"x" * 5000, headers=headers)) == "too-large"
