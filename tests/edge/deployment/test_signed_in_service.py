"""A run with --trusted-keys takes over no model that the keys have not signed."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.inference.model_file import bundled_models, read_model
from tests.edge.deployment.test_swap_process import check_no_frame_lost, wait_for
from tests.edge.events.running import classify
from tests.edge.inference.signed_models import new_signer, signed, trusting
from tests.edge.sources.http_camera import http_camera

pytestmark = pytest.mark.subprocess
pytest.importorskip("securesystemslib")
pytest.importorskip("cryptography")


def test_unsigned_is_refused_and_signed_takes_over(tmp_path: Path) -> None:
    signer, small = new_signer(), bundled_models()["small"].read_bytes()
    keys = trusting(tmp_path / "keys", signer)
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "v1.tflite").write_bytes(signed(signer))
    options = ("--model", str(folder), "--trusted-keys", str(keys), "--heartbeat", "0.5")
    with http_camera() as address, classify(tmp_path, f"{address}/stream.mjpg", *options) as run:
        wait_for(run, "prediction")
        (folder / "v2.tflite").write_bytes(small)
        refused = wait_for(run, "model_refused")
        (folder / "v3.tflite").write_bytes(signed(new_signer(), small))
        foreign = wait_for(run, "model_refused", lambda line: "v3" in line["file"])
        (folder / "v4.tflite").write_bytes(signed(signer, small))
        changed = wait_for(run, "model_changed")
        wait_for(run, "heartbeat", lambda beat: beat["monotonic_s"] > changed["monotonic_s"])
        run.stop()
    assert "is not signed" in refused["message"]
    assert "a key that is not trusted" in foreign["message"]
    assert foreign["model"] == read_model("tiny").sha256
    assert changed["after"] == read_model("small").sha256
    check_no_frame_lost(run)
