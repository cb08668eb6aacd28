"""The command as its user meets it: addresses, tokens, TLS, the end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import ssl
import stat
from pathlib import Path

import pytest

from tests.conftest import ROOT, Run
from tests.edge.serve.processes import response_of, serve
from tests.edge.sources.certificates import Certificates
from tests.processes import is_running

pytestmark = pytest.mark.subprocess

BOOT = (ROOT / "edge" / "samples" / "ankle-boot.png").read_bytes()
FEW = ("fake:3", "--port", "0")


def test_the_page_is_served_while_frames_are_classified(tmp_path: Path) -> None:
    with serve(tmp_path, "--keep", str(tmp_path / "keep")) as server:
        assert server.address.startswith("http://127.0.0.1:")
        assert server.request("GET", "/")[0] == 200
        state = json.loads(server.request("GET", "/api/state")[2])
        assert state["answer"]["label"] == "T-shirt/top"
        status, headers, body = server.request("POST", "/api/classify", BOOT, {"Content-Type": "image/png"})
        assert (status, json.loads(body)["label"]) == (200, "Ankle boot")
        assert "token" not in server.said
        with server.connect() as viewer, server.connect() as reader:
            viewer.sendall(b"GET /api/stream.mjpg?view=outline HTTP/1.1\r\nHost: localhost\r\n\r\n")
            reader.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            seen = b""
            while seen.count(b"\xff\xd8\xff") < 5:
                seen += viewer.recv(65536)
            server.stop()
            status, headers, body = response_of(reader)
            assert headers["content-type"].startswith("text/event-stream")
            assert b"event: prediction" in body
            assert b"event: stopped" in body
        assert [one["event"] for one in server.lines if "event" in one][-1:] in ([], ["stopped"])


def test_the_camera_s_process_outlives_its_worker(tmp_path: Path) -> None:
    with serve(tmp_path) as server:
        server.request("POST", "/api/classify", BOOT, {"Content-Type": "image/png"})
        child = server.worker
        os.kill(child, 9)
        status, _, body = server.request("POST", "/api/classify", BOOT, {"Content-Type": "image/png"})
        assert (status, json.loads(body)["label"]) == (200, "Ankle boot")
        child = server.worker
        server.stop()
        assert not is_running(child)


def test_a_token_is_made_once_and_shown_once(tmp_path: Path) -> None:
    kept = tmp_path / "state" / "fmnist-edge" / "token"
    with serve(tmp_path, "--host", "0.0.0.0") as server:
        token = kept.read_text().strip()
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert server.said.count(token) == 1
        assert len(token) >= 32
        assert server.request("GET", "/api/state")[0] == 401
        assert server.request("GET", "/api/state", headers={"Authorization": f"Bearer {token}"})[0] == 200
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        _, headers, _ = server.request("POST", "/login", f"token={token}".encode(), form)
        cookie = {"Cookie": headers["set-cookie"].partition(";")[0]}
        assert server.request("GET", "/api/state", headers=cookie)[0] == 200
        port = str(server.port)
        server.stop()
    with serve(tmp_path, "--host", "0.0.0.0", "--port", port) as server:
        assert token not in server.said
        assert server.request("GET", "/api/state", headers=cookie)[0] == 200  # over a restart
        server.stop()
    with serve(tmp_path, "--host", "0.0.0.0", "--port", port, "--new-token") as server:
        assert kept.read_text().strip() in server.said
        assert server.request("GET", "/api/state", headers=cookie)[0] == 401
        server.stop()


def test_a_systemd_service_keeps_its_token_in_its_state_directory(tmp_path: Path) -> None:
    with serve(tmp_path, "--host", "0.0.0.0", STATE_DIRECTORY=str(tmp_path / "service")):
        assert (tmp_path / "service" / "token").is_file()


def test_only_typed_out_does_it_open_to_all_without_a_token(tmp_path: Path) -> None:
    with serve(tmp_path, "--host", "0.0.0.0", "--no-token") as server:
        assert server.request("GET", "/api/state")[0] == 200
        assert not (tmp_path / "state").exists()


def test_a_token_file_asks_for_it_at_loopback_too(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("the-token-of-the-proxy\n")
    file.chmod(0o600)
    with serve(tmp_path, "--token-file", str(file)) as server:
        assert server.request("GET", "/api/state")[0] == 401
        bearer = {"Authorization": "Bearer the-token-of-the-proxy"}
        assert server.request("GET", "/api/state", headers=bearer)[0] == 200


def test_tls(tmp_path: Path, certificates: Certificates) -> None:
    names = ("--tls-cert", str(certificates.certificate("good")), "--tls-key", str(certificates.folder / "good.key"))
    with serve(tmp_path, "--host", "0.0.0.0", *names) as server:
        assert server.address.startswith("https://")
        context = ssl.create_default_context(cafile=str(certificates.authority))
        token = (tmp_path / "state" / "fmnist-edge" / "token").read_text().strip()
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        status, headers, _ = server.request("POST", "/login", f"token={token}".encode(), form, context)
        assert status == 303
        assert "; Secure" in headers["set-cookie"]
        with pytest.raises(ssl.SSLCertVerificationError):
            server.request("GET", "/", context=ssl.create_default_context())
        assert server.request("GET", "/")[0] == 0  # HTTP is not spoken there
        server.stop()


def test_silent_tls_clients_make_room_for_others(tmp_path: Path, certificates: Certificates, many_files: None) -> None:
    names = ("--tls-cert", str(certificates.certificate("good")), "--tls-key", str(certificates.folder / "good.key"))
    context = ssl.create_default_context(cafile=str(certificates.authority))
    with serve(tmp_path, *names) as server, contextlib.ExitStack() as stack:
        for _ in range(600):
            stack.enter_context(server.connect())
        assert server.files < 300
        assert server.request("GET", "/healthz", context=context)[0] == 200
        server.stop()


def test_what_cannot_be_is_said_with_a_hint(fmnist_edge: Run, tmp_path: Path, certificates: Certificates) -> None:
    def refused(*arguments: object) -> tuple[int, str]:
        done = fmnist_edge("serve", *FEW, *arguments, env={"XDG_STATE_HOME": str(tmp_path)})
        assert "Traceback" not in done.stderr
        assert "hint: " in done.stderr
        return done.returncode, done.stderr

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = refused("--port", port)
        assert code == 6
        assert f"127.0.0.1:{port}: Address already in use" in said
        assert "--port 0" in said
    assert refused("--host", "203.0.113.7", "--no-token")[0] == 6
    assert refused("--host", "no such host", "--no-token")[0] == 6
    (tmp_path / "file").write_text("")
    code, said = refused("--host", "0.0.0.0", "--token-file", tmp_path / "file" / "token")
    assert code == 6
    assert "no token can be kept" in said
    (tmp_path / "short").write_text("1234")
    (tmp_path / "short").chmod(0o600)
    assert refused("--token-file", tmp_path / "short")[0] == 2
    (tmp_path / "short").chmod(0o644)
    code, said = refused("--token-file", tmp_path / "short")
    assert code == 2
    assert "others may read" in said
    assert refused("--no-token", "--new-token")[0] == 2
    good, self_signed = certificates.certificate("good"), certificates.folder / "self.key"
    assert refused("--tls-cert", good)[0] == 2
    assert refused("--tls-cert", good, "--tls-key", self_signed)[0] == 2
    assert refused("--tls-cert", good, "--tls-key", tmp_path / "nothing")[0] == 2
    assert refused("--tls-cert", BOOT and ROOT / "edge" / "samples" / "ankle-boot.png", "--tls-key", good)[0] == 2


def test_the_input_s_end_is_the_server_s(fmnist_edge: Run) -> None:
    done = fmnist_edge("serve", *FEW, "-f", "csv")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 4
    assert re.fullmatch(r"page: http://127.0.0.1:\d+/\n", done.stderr)


def test_pictures_are_served_too_while_they_are_classified(fmnist_edge: Run) -> None:
    done = fmnist_edge("serve", ROOT / "edge" / "samples" / "ankle-boot.png", "--port", "0", "-f", "csv")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2)


WITHOUT_STARLETTE = """
from importlib.machinery import PathFinder
find_spec = PathFinder.find_spec
def found(name, *more):
    return None if name == "starlette" else find_spec(name, *more)
PathFinder.find_spec = found
"""


def test_without_the_extra_it_says_what_to_install(fmnist_edge: Run, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_STARLETTE)
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = fmnist_edge("serve", *FEW, env={"PYTHONPATH": path})
    assert done.returncode == 8
    assert "pip install 'fmnist-edge[serve]'" in done.stderr
