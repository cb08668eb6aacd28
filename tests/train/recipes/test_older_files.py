"""What version 0.1.0 wrote is read today: checkpoints, records in .keras files, manifests.

tests/data/older/adapt_checkpoint.keras is the checkpoint after the first of two epochs of `fmnist-train adapt`, written
by 0.1.0 on the photos and the data of these tests. It names a loss and a metric that are called otherwise now.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

keras = pytest.importorskip("keras")

from convert.inputs.training_record import read_record  # noqa: E402
from edge.inference.model_file import read_model  # noqa: E402
from edge.spec import ScoreCalibration  # noqa: E402
from tests.conftest import ROOT  # noqa: E402
from tests.photographs import write_photos  # noqa: E402
from train import networks  # noqa: E402
from train.fitting.run_folder import METADATA_MEMBER  # noqa: E402
from train.recipes import adapt  # noqa: E402

CHECKPOINT = ROOT / "tests" / "data" / "older" / "adapt_checkpoint.keras"


@pytest.mark.slow
def test_a_run_of_version_0_1_0_is_resumed(tmp_path: Path, data_dir: Path, recorder: Any) -> None:
    photos = write_photos(tmp_path / "photos", each=10)
    start = tmp_path / "start.keras"
    networks.network(networks.SIZES["tiny"], 10, name="tiny", logits=True).save(start)
    (tmp_path / "run").mkdir()
    shutil.copy(CHECKPOINT, tmp_path / "run" / "checkpoint.keras")
    settings = dataclasses.replace(adapt.DEFAULTS, epochs=2, validation_images=20, photos="photos", model="start")
    metrics = adapt.train(
        settings,
        photos=photos,
        start=start,
        meaning=None,
        data_dir=data_dir,
        out=tmp_path / "run",
        resume=True,
        callback=recorder,
    )
    assert "resuming after epoch 1 of 2" in recorder.notes
    assert [result.epoch for result in recorder.results] == [2]
    assert metrics["epochs"] == 2


@pytest.mark.parametrize("name", ["camera", "camera-zero"])
def test_a_model_says_of_its_doubts_what_the_network_says_that_it_was_made_of(name: str) -> None:
    record = read_record(ROOT / "train" / "models" / f"{name}.keras")
    model = read_model(name)
    assert record is not None
    assert record.score_calibration == model.score_calibration != ScoreCalibration()
    assert model.manifest is not None
    assert model.manifest["doubt"] == model.score_calibration.as_json()["doubt"]


def test_the_score_calibration_of_earlier_files_is_read(tmp_path: Path) -> None:
    """Those of 0.1.0 do not say when views suffice."""
    earlier = tmp_path / "earlier.keras"
    with zipfile.ZipFile(ROOT / "train" / "models" / "camera.keras") as today, zipfile.ZipFile(earlier, "w") as file:
        for member in today.infolist():
            content = today.read(member)
            if member.filename == METADATA_MEMBER:
                record = json.loads(content)
                del record["early_exit"]
                content = json.dumps(record).encode()
            file.writestr(member, content)
    found = read_record(earlier)
    assert found is not None
    assert found.score_calibration == dataclasses.replace(read_model("camera").score_calibration, early_exit=None)
