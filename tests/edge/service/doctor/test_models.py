"""Model files: whole, damaged, missing, without a hash."""

from __future__ import annotations

from pathlib import Path

from edge.inference.model_file import Model, bundled_models
from edge.service.doctor.finding import Status
from edge.service.doctor.models import bundled, model_file
from tests.conftest import plain


def damaged(model: Model, path: Path) -> Path:
    content = bytearray(model.path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    return path


def test_the_bundled_models_are_whole() -> None:
    found = bundled(bundled_models())
    assert found.status is Status.OK, found
    assert all(name in found.found for name in bundled_models())


def test_a_bundled_model_with_one_wrong_bit_is_a_failure(model: Model, tmp_path: Path) -> None:
    found = bundled({**bundled_models(), "spoilt": damaged(model, tmp_path / "spoilt.tflite")})
    assert found.status is Status.FAIL
    assert found.found.startswith(f"{tmp_path}/spoilt.tflite is damaged")
    assert "pip install --force-reinstall" in found.mend
    assert bundled({}).status is Status.FAIL


def test_one_model_says_its_hash_and_its_worth(model: Model) -> None:
    found = model_file("camera")
    assert model.manifest is not None
    assert found.status is Status.OK
    assert model.manifest["sha256"][:12] in found.found
    assert f"{model.manifest['accuracy']['int8']:.2%}" in found.found


def test_a_damaged_or_missing_model_is_a_failure(model: Model, tmp_path: Path) -> None:
    found = model_file(str(damaged(model, tmp_path / "mine.tflite")))
    assert (found.status, "damaged" in found.found) == (Status.FAIL, True)
    missing = model_file("nothing.tflite")
    assert (missing.status, "bundled models" in missing.mend) == (Status.FAIL, True)


def test_a_model_that_nothing_vouches_for_is_warned_of(model: Model, tmp_path: Path) -> None:
    (tmp_path / "plain.tflite").write_bytes(plain(model))
    found = model_file(str(tmp_path / "plain.tflite"))
    assert found.status is Status.WARN
    assert "no manifest" in found.found
    assert "convert" in found.mend
