"""A Coral holds one model: it is given back before the next one takes it, and the old one returns if that fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge.deployment.candidate import InService
from edge.deployment.model_in_service import ModelInService
from edge.errors import ModelUnsupported
from edge.frame import Frame
from edge.inference.backends import holds_coral, open_backend
from edge.inference.classifier import Classifier, open_classifier
from edge.inference.model_file import Model, bundled_models, read_model
from edge.testing import FakeSource
from tests.edge.deployment.test_model_in_service import Told, settled
from tests.edge.inference.edgetpu_library import write_compiled, write_model

pytestmark = pytest.mark.subprocess
pytest.importorskip("flatbuffers")  # the compiled models are drawn with it

FRAME = Frame(FakeSource.draw(0), "clip", 0, 0.0, 0.0)


def compiled(name: str, folder: Path) -> Path:
    """A bundled model as Coral's compiler leaves it, with its twin for the CPU beside it."""
    shutil.copy(bundled_models()[name], folder / f"{name}.tflite")
    return write_compiled(folder / f"{name}_edgetpu.tflite", read_model(name))


@pytest.fixture
def service(tmp_path: Path, edgetpu_library: Path, monkeypatch: pytest.MonkeyPatch) -> ModelInService:
    monkeypatch.setenv("EDGETPU_DEVICE", str(tmp_path / "device"))  # which only one process can have

    def never(*change: str) -> None:
        raise AssertionError(change)

    def open_model(model: Model) -> Classifier:
        opened = open_backend(model, never, delegate=str(edgetpu_library))
        return open_classifier(opened.model, opened.interpreter)

    model = read_model(str(compiled("tiny", tmp_path)))
    return ModelInService(InService(model, open_model(model)), lambda path: read_model(str(path)), open_model)


def on_coral(service: ModelInService) -> bool:
    """Whether the stand-in answers: everything is a dress to it."""
    best = service(FRAME).best
    return holds_coral(service.current.interpreter) and best is not None and best.label == "Dress"


def test_the_next_model_gets_the_coral(tmp_path: Path, service: ModelInService) -> None:
    assert on_coral(service)
    offered = service.offer(compiled("small", tmp_path))
    assert settled(service, offered).result().name == "small"
    assert on_coral(service)


def test_the_old_model_is_on_the_coral_again_when_the_next_one_is_no_good(
    tmp_path: Path, service: ModelInService
) -> None:
    told = Told()
    service.tell(told)
    good = read_model(str(compiled("small", tmp_path)))
    labels = [*good.labels[:-1], "Clog"]
    bad = write_model(tmp_path / "clogs_edgetpu.tflite", good.flatbuffer, good, labels=labels)
    with pytest.raises(ModelUnsupported, match="labels"):
        settled(service, service.offer(bad)).result()
    assert (service.model.name, len(told.refusals)) == ("tiny", 1)
    assert on_coral(service)
