"""Logging in: the strongest proof that a camera asks for, and to nobody else."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import pytest

from edge.errors import CameraNotFound
from edge.sources.grammar import open_source, parse_sources
from edge.sources.network.http_login import Login, prove, split_login
from tests.edge.sources.http_camera import FRAMES
from tests.edge.sources.scripted_camera import answer, scripted_camera

PICTURE = answer("image/jpeg", FRAMES[0])


def asks(*challenges: str) -> bytes:
    return answer(None, b"", *(f"WWW-Authenticate: {one}" for one in challenges), status="401 Unauthorized")


def moved(to: str) -> bytes:
    return answer(None, b"", f"Location: {to}", status="302 Found")


def read(url: str, login: str = "admin:secret@") -> None:
    (source,) = parse_sources([url.replace("://", f"://{login}")])
    with open_source(source) as frames:
        assert len(list(frames)) == 1


def fields_of(header: str) -> dict[str, str]:
    scheme, _, rest = header.partition(" ")
    assert scheme == "Digest"
    return urllib.request.parse_keqv_list(urllib.request.parse_http_list(rest))


def expected(hashed: Callable[[bytes], hashlib._Hash], fields: dict[str, str], user: str, password: str) -> str:
    """RFC 7616, 3.4.1, written down anew."""

    def h(text: str) -> str:
        return hashed(text.encode()).hexdigest()

    secret = h(f"{user}:{fields['realm']}:{password}")
    if fields.get("algorithm", "").lower().endswith("-sess"):
        secret = h(f"{secret}:{fields['nonce']}:{fields['cnonce']}")
    request = h(f"GET:{fields['uri']}")
    if "qop" not in fields:
        return h(f"{secret}:{fields['nonce']}:{request}")
    return h(f"{secret}:{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:{fields['qop']}:{request}")


@pytest.mark.parametrize(
    ("challenges", "hashed"),
    [
        (['Digest realm="cam", nonce="abc", qop="auth"'], hashlib.md5),
        (['Digest realm="cam", nonce="abc"'], hashlib.md5),
        (['Digest realm="cam", nonce="abc", qop="auth,auth-int", algorithm=MD5-sess, opaque="x=\\"y\\""'], hashlib.md5),
        (['Digest realm="cam", nonce="abc", qop="auth", algorithm=SHA-256'], hashlib.sha256),
        (['Digest realm="cam", nonce="abc", algorithm=SHA-256-sess, qop=auth'], hashlib.sha256),
        (['Basic realm="cam"', 'Digest realm="cam", nonce="abc", qop="auth"'], hashlib.md5),
        (['Digest realm="cam", nonce="a,b=c", qop="auth", Basic realm="other, cam"'], hashlib.md5),
        (
            [
                'Digest realm="cam", nonce="abc", qop="auth", algorithm=MD5',
                'Digest realm="cam", nonce="abc", qop="auth", algorithm=SHA-256',
            ],
            hashlib.sha256,
        ),
    ],
)
def test_digests_are_proved_as_the_standard_has_it(
    challenges: Sequence[str], hashed: Callable[[bytes], object]
) -> None:
    login = Login("http://cam/", "bär", 'p"ä:ss')
    header = prove(login, challenges, "GET", "/snap.jpg?a=1,2")
    assert header is not None
    fields = fields_of(header.encode("latin-1").decode())
    assert fields["username"] == "bär"
    assert fields["uri"] == "/snap.jpg?a=1,2"
    assert fields["response"] == expected(hashed, fields, "bär", 'p"ä:ss')  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "challenges",
    [
        [],
        ["Negotiate", "NTLM"],
        ['Digest realm="cam"'],
        ['Digest realm="cam", nonce="abc", algorithm=SHA-999'],
        ['Digest realm="cam", nonce="abc", qop="auth-int"'],
        ["=,,==", '"', "Digest"],
    ],
)
def test_what_cannot_be_answered_is_not(challenges: list[str]) -> None:
    assert prove(Login("http://cam/", "admin", "secret"), challenges, "GET", "/") is None


def test_basic_is_found_among_what_is_not_known() -> None:
    assert prove(Login("http://cam/", "a", "b"), ['Negotiate, Basic realm="x"'], "GET", "/") == "Basic YTpi"


def test_the_password_is_not_sent_to_a_camera_that_asks_for_a_digest() -> None:
    with scripted_camera(asks('Digest realm="cam", nonce="abc", qop="auth"'), PICTURE) as (address, requests):
        read(f"{address}/snap.jpg")
    assert "Authorization" not in requests[0]
    assert "Authorization: Digest" in requests[1]
    assert not any("Basic" in request for request in requests)


def test_a_refusal_ends_after_one_proof() -> None:
    with scripted_camera(asks('Digest realm="cam", nonce="abc"')) as (address, requests):
        with pytest.raises(CameraNotFound, match="refuses the user name or the password"):
            read(f"{address}/snap.jpg")
        assert len(requests) == 2


def test_a_redirect_on_the_same_server_takes_the_login_along() -> None:
    basic = asks('Basic realm="cam"')
    with scripted_camera(basic, moved("/there.jpg"), basic, PICTURE) as (address, requests):
        read(f"{address}/snap.jpg")
    assert requests[3].startswith("GET /there.jpg")
    assert "Authorization: Basic" in requests[3]


def test_a_redirect_to_another_server_does_not() -> None:
    basic = asks('Basic realm="cam"')
    with ExitStack() as cameras:
        other, asked = cameras.enter_context(scripted_camera(basic, PICTURE))
        address, _ = cameras.enter_context(scripted_camera(basic, moved(f"{other}/snap.jpg")))
        with pytest.raises(CameraNotFound, match="401"):
            read(f"{address}/snap.jpg")
    assert len(asked) == 1
    assert "Authorization" not in asked[0]


def test_nor_does_a_login_that_is_given_unasked() -> None:
    forbidden = answer(None, b"", status="403 Forbidden")
    with ExitStack() as cameras:
        other, asked = cameras.enter_context(scripted_camera(PICTURE))
        address, requests = cameras.enter_context(scripted_camera(forbidden, moved(f"{other}/snap.jpg")))
        read(f"{address}/snap.jpg")
    assert "Authorization: Basic" in requests[1]
    assert "Authorization" not in asked[0]


@pytest.mark.parametrize("to", ["file:///etc/passwd", "ftp://127.0.0.1/snap.jpg", "data:image/jpeg;base64,AAAA", "x:y"])
def test_a_redirect_to_anything_but_http_is_refused(to: str) -> None:
    with scripted_camera(moved(to)) as (address, _), pytest.raises(CameraNotFound, match="302"):
        read(f"{address}/snap.jpg", "")


def test_a_circle_of_redirects_is_an_error() -> None:
    with scripted_camera(moved("/snap.jpg")) as (address, requests):
        with pytest.raises(CameraNotFound, match="302") as caught:
            read(f"{address}/snap.jpg", "")
        assert "\n" not in caught.value.message
        assert len(requests) < 20


def test_a_login_is_for_its_server_only() -> None:
    plain, login = split_login("http://admin:p%40ss@cam:8080/x")
    assert plain == "http://cam:8080/x"
    assert login is not None
    assert (login.user, login.password) == ("admin", "p@ss")
    for url, mine in (
        ("http://cam:8080/other", True),
        ("https://cam/x", True),
        ("http://cam/x", False),
        ("http://cam2:8080/x", False),
    ):
        assert login.is_for(url) == mine
    _, encrypted = split_login("https://admin:secret@cam/x")
    assert encrypted is not None
    assert not encrypted.is_for("http://cam/x")
    assert not encrypted.is_for("http://cam:443/x")
    assert split_login("http://cam/x") == ("http://cam/x", None)


@pytest.mark.parametrize(
    "url", ["http://cam:99999/x", "http://[::1/x", "http://cam:port/x", "http://a:b@/x", "http://"]
)
def test_an_address_that_is_none_is_said(url: str) -> None:
    with pytest.raises(CameraNotFound) as caught:
        read(url, "")
    assert "a:b" not in str(caught.value)
