"""Certificates are checked, by us and by OpenCV's FFmpeg, and each refusal says what is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import pytest

from edge.errors import BadOption, CameraNotFound, SourceError
from edge.frame import Frame
from edge.opencv import cv2
from edge.sources import video
from edge.sources.grammar import open_source, parse_sources
from edge.sources.network import tls
from edge.sources.settings import SourceSettings
from edge.testing import FakeSource
from tests.edge.sources.certificates import Certificates, make_certificates
from tests.edge.sources.http_camera import FRAMES, http_camera
from tests.edge.sources.rtsp_camera import rtsp_camera
from tests.edge.sources.scripted_camera import answer, scripted_camera

INSECURE = SourceSettings(insecure=True)
checks_https = pytest.mark.skipif(not tls.ffmpeg_can_check("https"), reason="this OpenCV checks no certificates")
checks_rtsps = pytest.mark.skipif(not tls.ffmpeg_can_check("rtsps"), reason="this OpenCV checks none of rtsps")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(autouse=True)
def no_options_of_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", "")
    monkeypatch.setattr(tls, "_of_user", [])


def first_frames(url: str, settings: SourceSettings, count: int = 3) -> list[Frame]:
    (source,) = parse_sources([url])
    with open_source(source, settings) as frames:
        return list(islice(frames, count))


def refusal(url: str, settings: SourceSettings) -> SourceError:
    with pytest.raises(CameraNotFound) as caught:
        first_frames(url, settings)
    return caught.value


@pytest.mark.parametrize(
    ("path", "count"), [("/snap.jpg", 1), ("/basic.jpg", 1), ("/digest.jpg", 1), ("/login.jpg", 1), ("/stream.mjpg", 3)]
)
def test_a_camera_is_read_whose_authority_is_trusted(certificates: Certificates, path: str, count: int) -> None:
    with http_camera(certificates.server("good")) as address:
        login = address.replace("https://", "https://admin:p%40ss@")
        assert len(first_frames(login + path, SourceSettings(ca_file=certificates.authority))) == count


@pytest.mark.parametrize("name", ["self", "wrong", "expired", "good"])
def test_insecure_reads_any(certificates: Certificates, name: str) -> None:
    with http_camera(certificates.server(name)) as address:
        assert len(first_frames(f"{address}/stream.mjpg", INSECURE)) == 3


def test_a_cameras_own_certificate_can_be_trusted(certificates: Certificates) -> None:
    """Also one that an authority signed, without that authority."""
    for name in ("self", "good"):
        with http_camera(certificates.server(name)) as address:
            assert first_frames(f"{address}/snap.jpg", SourceSettings(ca_file=certificates.certificate(name)))


REFUSALS = [
    ("self", False, "signed itself"),
    ("good", False, "an authority that this machine does not know"),
    ("expired", True, "has expired"),
    ("wrong", True, "for another name"),
]


@pytest.mark.parametrize(("name", "trusted", "told"), REFUSALS)
@pytest.mark.parametrize("protocol", ["https", pytest.param("rtsps", marks=checks_rtsps)])
def test_each_refusal_says_what_is_wrong(
    certificates: Certificates, protocol: str, name: str, trusted: bool, told: str
) -> None:
    settings = SourceSettings(ca_file=certificates.authority) if trusted else SourceSettings()
    open_camera = http_camera if protocol == "https" else rtsp_camera
    with open_camera(certificates.server(name)) as address:
        error = refusal(address.replace("://", "://admin:secret@") + "/snap.jpg", settings)
    assert told in error.message
    assert "--ca-file FILE" in error.hint
    assert "--insecure" in error.hint
    assert "secret" not in error.message + error.hint


def test_a_camera_without_tls_is_called_so() -> None:
    with http_camera() as address:
        assert "speaks no TLS" in refusal(address.replace("http://", "https://") + "/snap.jpg", INSECURE).message


@pytest.fixture
def clip(tmp_path: Path) -> Iterator[bytes]:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (640, 480))
    for number in range(7):
        writer.write(FakeSource.draw(number))
    writer.release()
    return path.read_bytes()


@checks_https
def test_ffmpeg_checks_the_certificate_of_a_video(certificates: Certificates, clip: bytes) -> None:
    """Without our own check before it."""
    script = answer("video/x-msvideo", clip, f"Content-Length: {len(clip)}")
    with scripted_camera(script, tls=certificates.server("good")) as (address, _):
        with pytest.raises(CameraNotFound):
            video.open_stream(address, SourceSettings())
        with video.open_stream(address, SourceSettings(ca_file=certificates.authority)) as frames:
            assert len(list(islice(frames, 7))) == 7


def test_ffmpeg_reads_the_video_of_an_insecure_camera(certificates: Certificates, clip: bytes) -> None:
    script = answer("video/x-msvideo", clip, f"Content-Length: {len(clip)}")
    with scripted_camera(script, tls=certificates.server("self")) as (address, _):
        assert len(first_frames(address, INSECURE)) == 3


@checks_rtsps
def test_ffmpeg_checks_the_certificate_of_an_rtsps_camera(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    with rtsp_camera(certificates.server("good")) as address:
        assert len(first_frames(address, SourceSettings(ca_file=certificates.authority))) == 3
        monkeypatch.setattr(tls, "_shake_hands", lambda *_: None)  # our own check
        with pytest.raises(CameraNotFound):
            first_frames(address, SourceSettings())


def test_an_insecure_rtsps_camera_is_read(certificates: Certificates) -> None:
    with rtsp_camera(certificates.server("self")) as address:
        assert len(first_frames(address, INSECURE)) == 3


@pytest.mark.parametrize("attribute", ["__version__", "getBuildInformation"])
def test_an_opencv_that_cannot_check_is_not_trusted_to(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch, attribute: str
) -> None:
    old = "4.11.0" if attribute == "__version__" else lambda: "    avformat:     YES (59.27.100)\n"
    monkeypatch.setattr(cv2, attribute, old)
    with rtsp_camera(certificates.server("good")) as address:
        error = refusal(address, SourceSettings(ca_file=certificates.authority))
        assert "cannot check the certificate" in error.message
        assert "--insecure" in error.hint
        assert len(first_frames(address, INSECURE)) == 3


def test_what_the_user_tells_ffmpeg_stays(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
    monkeypatch.setenv(variable, "rtsp_transport;udp|tls_verify;0")
    for settings in (INSECURE, SourceSettings(ca_file=certificates.authority)):
        tls._set_ffmpeg_options(tls._ffmpeg_options(settings))
        assert os.environ[variable].startswith("rtsp_transport;udp|tls_verify;0|rtsp_flags;prefer_tcp")
        assert "tls_verify;1" not in os.environ[variable]
    (bundle,) = re.findall(r"ca_file;([^|]+)", os.environ[variable])
    assert certificates.authority.read_text().strip() in Path(bundle).read_text()


def test_options_that_cannot_be_used_are_errors_at_the_start(certificates: Certificates, tmp_path: Path) -> None:
    key = certificates.folder / "good.key"
    damaged = tmp_path / "damaged.pem"
    damaged.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    for settings, told in (
        (SourceSettings(ca_file=tmp_path / "nowhere.pem"), "No such file"),
        (SourceSettings(ca_file=tmp_path), "Is a directory"),
        (SourceSettings(ca_file=key), "no certificate in PEM form"),
        (SourceSettings(ca_file=damaged), "damaged"),
        (SourceSettings(ca_file=certificates.authority, insecure=True), "exclude each other"),
    ):
        with pytest.raises(BadOption, match=told):
            tls.check_options(settings)


def test_other_things_in_the_file_do_no_harm(certificates: Certificates, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes("Straße 7\r\n".encode("latin-1") + certificates.authority.read_bytes().replace(b"\n", b"\r\n"))
    tls.check_options(SourceSettings(ca_file=both))
    with http_camera(certificates.server("good")) as address:
        assert first_frames(f"{address}/snap.jpg", SourceSettings(ca_file=both))


def test_a_redirect_takes_no_password_from_https_to_http(certificates: Certificates) -> None:
    picture = answer("image/jpeg", FRAMES[0])
    asks = answer(None, b"", 'WWW-Authenticate: Basic realm="camera"', status="401 Unauthorized")
    with ExitStack() as cameras:
        plain, asked = cameras.enter_context(scripted_camera(asks, picture))
        moved = answer(None, b"", f"Location: {plain}/snap.jpg", status="302 Found")
        address, asked_first = cameras.enter_context(scripted_camera(asks, moved, tls=certificates.server("good")))
        url = address.replace("://", "://admin:secret@")
        error = refusal(url, SourceSettings(ca_file=certificates.authority))
    assert "401" in error.message
    assert "Authorization: Basic" in asked_first[1]
    assert len(asked) == 1
    assert "Authorization" not in asked[0]
