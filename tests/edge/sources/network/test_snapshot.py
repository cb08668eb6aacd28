"""Pictures at http addresses: logging in, and servers that call things by other names."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from edge.errors import CameraLost, CameraNotFound
from edge.frame import Frame
from edge.sources.grammar import open_source, parse_sources
from edge.sources.network import snapshot
from edge.sources.network.http_content import open_http
from edge.sources.network.http_request import Connection
from edge.sources.network.network_mjpeg import NetworkMjpegSource
from edge.sources.network.snapshot import SnapshotSource
from edge.sources.pictures import decode_image
from edge.sources.settings import SourceSettings
from tests.edge.sources.http_camera import FRAMES, http_camera
from tests.edge.sources.scripted_camera import Send, answer, scripted_camera


@pytest.fixture(scope="module")
def camera() -> Iterator[str]:
    with http_camera() as address:
        yield address


def fetch_picture(url: str, name: str) -> np.ndarray | None:
    """The picture at an address; None for anything else."""
    found = open_http(url, name, Connection())
    if isinstance(found, NetworkMjpegSource):
        with found:
            return None
    return None if found is None else decode_image(found, name)


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


def test_an_address_with_one_picture_is_asked_again_every_interval(camera: str) -> None:
    began = time.monotonic()
    (source,) = parse_sources([f"{camera}/count/11111"])
    with open_source(source, SourceSettings(interval_s=0.2)) as frames:
        found = list(islice(frames, 5))
    assert [frame.index for frame in found] == [0, 1, 2, 3, 4]
    assert 0.8 <= time.monotonic() - began < 3
    for frame, jpeg in zip(found, FRAMES, strict=True):
        assert frame.is_live
        np.testing.assert_array_equal(frame.pixels, decode_image(jpeg, "jpeg"))


def test_without_an_interval_it_is_one_picture(camera: str) -> None:
    (source,) = parse_sources([f"{camera}/count/1111"])
    with open_source(source) as frames:
        assert len(list(frames)) == 1


def test_single_failures_are_said_and_a_lost_camera_ends(camera: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "RETRY_S", 0.05)
    monkeypatch.setattr(snapshot, "LOST_S", 0.5)
    monkeypatch.setattr(snapshot, "WARN_EVERY_S", 0.0)
    (source,) = parse_sources([f"{camera}/count/10011"])
    found = []
    with (
        pytest.warns(UserWarning, match="503 Service Unavailable; asking again") as said,
        pytest.raises(CameraLost, match="is gone"),
        open_source(source, SourceSettings(interval_s=0.05)) as frames,
    ):
        for frame in frames:
            found.append(frame.index)
    assert found == [0, 1, 2]
    assert len(said) > 3


def test_a_camera_that_fails_often_does_not_flood_the_journal(camera: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "RETRY_S", 0.01)
    (source,) = parse_sources([f"{camera}/count/10001010101"])
    with (
        pytest.warns(UserWarning, match="asking again") as said,
        open_source(source, SourceSettings(interval_s=0.01)) as frames,
    ):
        assert len(list(islice(frames, 5))) == 5
    assert len(said) == 1


@pytest.mark.parametrize("waits_for", ["the interval", "an answer"])
def test_another_thread_can_interrupt_the_asking(waits_for: str) -> None:
    def hang(send: Send) -> None:
        send(answer("image/jpeg", FRAMES[0][:1000]))
        time.sleep(10)

    with scripted_camera(answer("image/jpeg", FRAMES[0]), hang) as (address, requests):
        (source,) = parse_sources([address])
        with open_source(source, SourceSettings(interval_s=30 if waits_for == "the interval" else 0.01)) as opened:
            assert isinstance(opened, SnapshotSource)
            found: list[Frame] = []
            reader = threading.Thread(target=lambda: found.extend(opened), daemon=True)
            reader.start()
            deadline_s = time.monotonic() + 10
            while len(requests) < (1 if waits_for == "the interval" else 2) and time.monotonic() < deadline_s:
                time.sleep(0.01)
            time.sleep(0.1)
            opened.interrupt()
            reader.join(2)
            assert not reader.is_alive()
            assert len(found) == 1
