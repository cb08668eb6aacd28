"""Pictures at http addresses: logging in, and servers that call things by other names."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from edge.errors import CameraNotFound
from edge.sources.pictures import decode_image
from edge.sources.snapshot import fetch_picture
from tests.edge.sources.http_camera import FRAMES, http_camera


@pytest.fixture(scope="module")
def camera() -> Iterator[str]:
    with http_camera() as address:
        yield address


def with_login(address: str, login: str) -> str:
    return address.replace("http://", f"http://{login}@")


@pytest.mark.parametrize("path", ["/snap.jpg", "/octets", "/untyped"])
def test_a_picture_is_told_by_its_content(camera: str, path: str) -> None:
    picture = fetch_picture(camera + path, "camera")
    np.testing.assert_array_equal(picture, decode_image(FRAMES[0], "camera"))


@pytest.mark.parametrize("path", ["/login.jpg", "/basic.jpg", "/digest.jpg"])
def test_it_logs_in_as_the_camera_wants(camera: str, path: str) -> None:
    assert fetch_picture(with_login(camera, "admin:p%40ss") + path, "camera") is not None


@pytest.mark.parametrize("path", ["/login.jpg", "/basic.jpg", "/digest.jpg"])
def test_a_wrong_password_is_said_and_not_shown(camera: str, path: str) -> None:
    with pytest.raises(CameraNotFound, match="refuses the user name or the password") as caught:
        fetch_picture(with_login(camera, "admin:secret") + path, "camera")
    assert "secret" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("path", ["/basic.jpg", "/digest.jpg"])
def test_that_a_password_is_asked_for_is_said(camera: str, path: str) -> None:
    with pytest.raises(CameraNotFound, match="asks for a user name and a password"):
        fetch_picture(camera + path, "camera")


@pytest.mark.parametrize("path", ["/page", "/page.jpg"])
def test_a_web_page_is_called_so(camera: str, path: str) -> None:
    with pytest.raises(CameraNotFound, match="is a web page, not a picture") as caught:
        fetch_picture(camera + path, "camera")
    assert caught.value.exit_code == 3
    assert "login page" in (caught.value.hint or "")


def test_a_stream_is_left_to_ffmpeg(camera: str) -> None:
    assert fetch_picture(f"{camera}/stream.mjpg", "camera") is None
