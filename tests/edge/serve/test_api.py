"""What the routes answer, and that the OpenAPI document says so."""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.events.event import CameraBack, CameraLost, Drift, Heartbeat, ListenerState
from edge.inference.classifier import Classifier
from edge.opencv import cv2
from edge.serve.api import openapi
from edge.serve.api.routes import ENDPOINTS
from edge.sources.live import Loss
from edge.testing import FakeSource
from tests.conftest import ROOT
from tests.edge.serve.sites import Served, problem_of, put_frames, serving

jsonschema = pytest.importorskip("jsonschema", reason="the older runtime's environment has no jsonschema")

BOOT = ROOT / "edge" / "samples" / "ankle-boot.png"


def described(served: Served, method: str, path: str) -> Any:
    """The schema that the document has for what comes with 200."""
    document = served.client.get("/api/openapi.json").json()
    return document["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]


def check(served: Served, method: str, path: str, answer: Any) -> None:
    jsonschema.Draft202012Validator(described(served, method, path)).validate(answer)


@pytest.mark.parametrize("path", ["/api/state", "/api/history", "/api/models", "/api/label", "/healthz", "/readyz"])
def test_answers_are_as_the_document_says(served: Served, path: str) -> None:
    check(served, "get", path, served.client.get(path).json())


def test_the_document_and_the_handlers_have_the_same_routes(served: Served) -> None:
    """In both directions: each operation is answered, and there is no other."""
    document = served.client.get("/api/openapi.json").json()
    operations = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert operations == {(one.method, one.path) for one in ENDPOINTS}
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    paths = {path for _, path in operations} | set(served.site.files.addresses) | {openapi.PATH, "/api", "/nowhere"}
    streams = {"/api/events", "/api/stream.mjpg"}
    for path in sorted(paths - streams):
        response = served.client.put(path.replace("{id}", "1"), json={})
        if response.status_code == 404:
            assert path in {"/api", "/nowhere"}
            continue
        assert problem_of(response) == "method-not-allowed"
        allowed = set(response.headers["allow"].split(", ")) - {"HEAD"}
        files = {"GET"} if path in served.site.files.addresses or path == openapi.PATH else set()
        assert allowed == {method for method in methods if (method, path) in operations} | files


def test_a_route_that_is_not_described_would_be_noticed() -> None:
    document = openapi.document(ENDPOINTS[1:], "1")
    assert "/api/state" not in document["paths"]


def test_the_document_is_openapi(served: Served) -> None:
    document = served.client.get("/api/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    for methods in document["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                for content in answer.get("content", {}).values():
                    jsonschema.Draft202012Validator.check_schema(content.get("schema", {}))
    ids = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert len(ids) == len(set(ids))


def test_every_kind_of_problem_has_its_line_in_the_docs() -> None:
    from edge.serve.web.problem import TITLES, TYPES

    text = (ROOT / "docs" / "serve.md").read_text()
    listed = dict(re.findall(rf"^\| `{TYPES}([\w-]+)` \| (\d+) \|", text, re.MULTILINE))
    assert listed == {kind: str(status) for kind, (status, _) in TITLES.items()}
    for one in ENDPOINTS:
        assert f"`{one.method} {one.path.replace('{id}', 'ID')}" in text.replace("?view=", "") or one.path in {
            "/plain", "/login", "/logout"
        }, one.path  # fmt: skip


def test_the_state_tells_how_the_run_stands(served: Served) -> None:
    state = served.client.get("/api/state").json()
    assert state["camera"]["state"] == "ok"
    assert state["camera"]["size"] == [640, 480]
    assert state["answer"]["label"] == "T-shirt/top"
    assert len(state["answer"]["top"]) == 3
    assert state["frames"] == 3
    assert state["model"]["accuracy"] > 0.9
    assert state["label"]["waiting"] == 0
    served.run._publisher.publish(
        Heartbeat(60, 3, 0, 30, None, None, None, None, {"mqtt": ListenerState(1, 2, 3, "gone")})
    )
    served.run._publisher.publish(Drift("score", 0.4, 0.9, 3600.0, True, "the light has changed"))
    state = served.client.get("/api/state").json()
    check(served, "get", "/api/state", state)
    assert state["listeners"]["mqtt"] == {"delivered": 1, "dropped": 2, "waiting": 3, "problem": "gone"}
    assert state["drift"][0]["measure"] == "score"


def test_a_lost_camera_is_said_and_alive(served: Served) -> None:
    served.run._publisher.publish(CameraLost(Loss.STALLED, "no frame for 3 s", "check its cable"), "camera:0")
    state = served.client.get("/api/state").json()
    check(served, "get", "/api/state", state)
    assert (state["camera"]["state"], state["camera"]["hint"], state["answer"]) == ("lost", "check its cable", None)
    assert problem_of(served.client.get("/readyz")) == "not-ready"
    assert served.client.get("/healthz").status_code == 200
    served.run._publisher.publish(CameraBack(3.0, 1), "camera:0")
    served.answer()
    assert served.client.get("/readyz").status_code == 200


def test_a_run_that_hangs_is_not_alive(served: Served) -> None:
    served.site.live._alive_s -= 31
    assert problem_of(served.client.get("/healthz")) == "not-alive"
    served.site.live.alive()
    assert served.client.get("/healthz").status_code == 200


def test_frames_that_are_left_out_are_a_sign_of_life(served: Served) -> None:
    """Those of --motion, when nothing moves for hours."""
    served.site.live._alive_s -= 31
    assert len(list(served.site.live.passing(FakeSource(2)))) == 2
    assert served.client.get("/healthz").status_code == 200


def test_before_the_first_answer(classifier: Classifier) -> None:
    with serving(classifier) as served:
        state = served.client.get("/api/state").json()
        check(served, "get", "/api/state", state)
        assert (state["camera"]["state"], state["answer"], state["label"]) == ("starting", None, None)
        assert problem_of(served.client.get("/readyz")) == "not-ready"
        assert problem_of(served.client.get("/api/frame.jpg")) == "not-found"
        assert problem_of(served.client.get("/api/label")) == "not-found"
        assert "starting" in served.client.get("/plain").text


@pytest.mark.parametrize(("view", "size"), [("plain", (480, 640)), ("outline", (480, 640)), ("network", (224, 224))])
def test_the_newest_frame_in_each_view(served: Served, view: str, size: tuple[int, int]) -> None:
    response = served.client.get("/api/frame.jpg", params={"view": view})
    assert response.headers["content-type"] == "image/jpeg"
    picture = cv2.imdecode(np.frombuffer(response.content, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[:2] == size
    red = (picture[..., 2] > 200) & (picture[..., 0] < 120)
    assert red.any() == (view == "outline")
    assert problem_of(served.client.get("/api/frame.jpg", params={"view": "x"})) == "bad-request"


@pytest.mark.subprocess
def test_a_picture_is_classified_as_the_command_does(served: Served) -> None:
    headers = {"content-type": "image/png"}
    response = served.client.post("/api/classify", content=BOOT.read_bytes(), headers=headers)
    answer = response.json()
    check(served, "post", "/api/classify", answer)
    assert (answer["label"], answer["decision"], answer["source"]) == ("Ankle boot", "garment", "upload")
    refused = served.client.post("/api/classify", content=b"no picture", headers=headers)
    assert problem_of(refused) == "unusable"
    assert "PNG" in refused.json()["hint"]
    assert problem_of(served.client.post("/api/classify", content=b"", headers=headers)) == "unusable"


def test_too_large_a_picture_is_not_even_read(served: Served) -> None:
    headers = {"content-type": "image/png", "content-length": str(17 << 20)}
    assert problem_of(served.client.post("/api/classify", content=b"", headers=headers)) == "too-large"


def test_frames_are_sorted_by_requests(served: Served, tmp_path: Path) -> None:
    ids = put_frames(tmp_path / "keep", 3)
    listing = served.client.get("/api/label", params={"limit": 2}).json()
    check(served, "get", "/api/label", listing)
    assert [one["id"] for one in listing["frames"]] == [ids[2], ids[1]]
    picture = served.client.get(f"/api/label/{ids[0]}.jpg")
    assert (picture.content, picture.headers["content-type"]) == (f"picture {ids[0]}".encode(), "image/jpeg")
    moved = served.client.post("/api/label", json={"ids": [*ids[:2], "nothing"], "to": "T-shirt/top"}).json()
    check(served, "post", "/api/label", moved)
    assert moved["moved"] == ids[:2]
    assert moved["failed"] == [{"id": "nothing", "reason": "it is not there any more"}]
    with zipfile.ZipFile(io.BytesIO(served.client.get("/api/label/archive.zip").content)) as archive:
        assert archive.namelist() == [f"T-shirt_top/{one}.jpg" for one in ids[:2]]
    undone = served.client.post("/api/label/undo", json={}).json()
    check(served, "post", "/api/label/undo", undone)
    assert (undone["moved"], undone["waiting"]) == (ids[:2], 3)


def test_a_disk_that_takes_nothing_is_said(served: Served, tmp_path: Path) -> None:
    ids = put_frames(tmp_path / "keep", 2)
    (tmp_path / "keep" / "Coat").rmdir()
    (tmp_path / "keep" / "Coat").write_text("no folder")
    response = served.client.post("/api/label", json={"ids": ids, "to": "Coat"})
    assert problem_of(response) == "disk"
    assert "nothing is lost" in response.json()["detail"]
    assert served.client.get("/api/label").json()["waiting"] == 2


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b'{"ids": []}', b'{"ids": ["1"]}', b'{"ids": ["1"], "to": "Hat"}',
        b'{"ids": "1", "to": "Coat"}',
        b'{"ids": [1], "to": "Coat"}', b'{"ids": ["1"], "to": ["Coat"]}', b"\xff", b"NaN", b"[" * 60000,
        json.dumps({"ids": ["1"] * 501, "to": "Coat"}).encode(),
    ],
    ids=range(13),
)  # fmt: skip
def test_nonsense_is_a_bad_request(served: Served, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    assert problem_of(served.client.post("/api/label", content=body, headers=headers)) == "bad-request"


@pytest.mark.parametrize("limit", ["0", "-1", "201", "x", "", "\u0661", "9" * 5000, "1.5"])
def test_a_limit_that_is_none_is_a_bad_request(served: Served, limit: str) -> None:
    assert problem_of(served.client.get("/api/label", params={"limit": limit})) == "bad-request"


@pytest.mark.parametrize("path", ["..%2f..%2fetc%2fpasswd", "%2e%2e", "%00", "x" * 5000, "%ff", "..\\x", "_unsorted"])
def test_no_path_reaches_the_file_system(served: Served, path: str) -> None:
    assert problem_of(served.client.get(f"/api/label/{path}.jpg")) == "not-found"
    assert problem_of(served.client.get(f"/{path}")) == "not-found"


def test_another_model_is_put_into_service(served: Served) -> None:
    models = served.client.get("/api/models").json()["models"]
    assert [one["name"] for one in models if one["in_service"]] == ["camera"]
    assert models[0]["card"]["provenance"]["recipe"]
    assert problem_of(served.client.post("/api/model", json={"name": "../tiny"})) == "not-found"
    done = threading.Event()

    def between_frames() -> None:
        while not done.wait(0.01):
            served.service.check()

    camera = threading.Thread(target=between_frames)
    camera.start()
    changed = served.client.post("/api/model", json={"name": "tiny"})
    done.set()
    camera.join()
    check(served, "post", "/api/model", changed.json())
    assert [one["name"] for one in changed.json()["models"] if one["in_service"]] == ["tiny"]
    state = served.client.get("/api/state").json()
    check(served, "get", "/api/state", state)
    assert state["model"]["name"] == "tiny"


def test_one_change_of_the_model_at_a_time(served: Served) -> None:
    with served.site.models._changing:  # type: ignore[attr-defined]
        assert problem_of(served.client.post("/api/model", json={"name": "tiny"})) == "conflict"


def test_metrics_count_what_was_answered(served: Served) -> None:
    pytest.importorskip("prometheus_client")
    assert "fmnist_edge_frames_total 3.0" in served.client.get("/metrics").text


def test_the_page_is_asked_for_again_only_when_it_has_changed(served: Served) -> None:
    for address in served.site.files.addresses:
        if address == "/login":
            continue
        first = served.client.get(address)
        again = served.client.get(address, headers={"if-none-match": first.headers["etag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_the_page_without_scripts_has_the_answer(served: Served) -> None:
    text = served.client.get("/plain").text
    assert "T-shirt/top" in text
    assert 'http-equiv="refresh"' in text


def test_a_bug_is_a_problem_and_is_told_once(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    served.site.live._history = None  # type: ignore[assignment]
    for _ in range(3):
        assert problem_of(served.client.get("/api/history")) == "bug"
    said = capsys.readouterr().err
    assert said.count("Traceback") == 1
    assert "AttributeError" in said
