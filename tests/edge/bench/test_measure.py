"""The order of things: what is measured of what, and what happens where it cannot be."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from edge.bench.measure import Asked, Progress, default_threads, measure
from edge.bench.pictures import Pictures, write_pictures
from edge.bench.result import identities
from edge.bench.speed import Course, Limit
from edge.choices import Backend
from edge.errors import BackendUnavailable, Cause, OutputFailed, SourceError
from edge.inference.backends import Opened, open_backend
from edge.inference.classifier import Classifier, open_classifier
from edge.inference.model_file import Model, read_model
from edge.sources.grammar import frames_of


def open_it(model: Model, backend: Backend, threads: int) -> Opened:
    return open_backend(model, lambda *_: None, backend, threads=threads)


def asked(*backends: Backend) -> Asked:
    return Asked([read_model("tiny")], backends, [1], Limit(frames=1), views=1)


def test_where_no_file_can_be_written_the_error_says_what_helps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(OutputFailed) as caught:
        measure(asked(), open_it, Progress())
    assert "TMPDIR" in caught.value.hint


def test_a_backend_that_is_not_there_is_noted_beside_one_that_is() -> None:
    def only_litert(model: Model, backend: Backend, threads: int) -> Opened:
        if backend is not Backend.LITERT:
            raise BackendUnavailable("/home/geheim is missing", "", Cause.NOT_INSTALLED)
        return open_it(model, backend, threads)

    class Stop(Progress):
        def step(self) -> None:
            raise KeyboardInterrupt

    result = measure(asked(), only_litert, Stop())
    assert [(one.backend, one.cause) for one in result.not_measured] == [(Backend.TFLITE_RUNTIME, Cause.NOT_INSTALLED)]
    assert "geheim" not in str(result.as_json())
    assert result.interrupted
    assert result.measured[0].speeds == ()


def test_models_of_the_same_name_are_told_apart() -> None:
    tiny = read_model("tiny")
    manifest = {**(tiny.manifest or {}), "sha256": "f" * 64}
    other = replace(tiny, path=Path("/home/geheim/tiny.tflite"), name="/home/geheim/tiny", manifest=manifest)
    found = identities([tiny, other, read_model("mlp")])
    assert [one.name for one in found] == [f"tiny {tiny.sha256[:8]}", "tiny ffffffff", "mlp"]
    assert [one.bundled for one in found] == [True, False, True]


def test_where_no_backend_takes_the_model_the_first_error_is_raised() -> None:
    def none(model: Model, backend: Backend, threads: int) -> Opened:
        raise BackendUnavailable(f"no {backend}")

    with pytest.raises(BackendUnavailable, match="no litert"):
        measure(asked(), none, Progress())


def test_the_scenes_are_photos_whose_garment_is_recognised(classifier: Classifier, tmp_path: Path) -> None:
    """So each stage has its usual work."""
    right = 0
    for frame, label in zip(
        frames_of(write_pictures(tmp_path)[Pictures.PHOTO], raise_it), classifier.labels, strict=True
    ):
        best = classifier(frame).best
        assert classifier.last_seen is not None
        assert classifier.last_seen.garment is not None, "it was taken for a picture of the data set"
        right += best is not None and best.label == label
    assert right >= 8


def raise_it(error: SourceError) -> None:
    raise error


def test_a_round_lasts_as_long_as_it_is_told(tmp_path: Path) -> None:
    tiny = read_model("tiny")
    inputs = write_pictures(tmp_path)[Pictures.PICTURE]
    course = Course(Pictures.PICTURE, 1, open_classifier(tiny, open_it(tiny, Backend.AUTO, 1).interpreter), inputs)
    assert course.speed() is None
    for _ in range(2):
        course.run_round(Limit(frames=40))  # more than there are pictures
    course.run_round(Limit(seconds=1e-9))
    speed = course.speed()
    assert speed is not None
    assert (speed.frames, speed.rounds) == (81, 3)


def test_threads_are_powers_of_two_and_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, counts in ((1, [1]), (2, [1, 2]), (4, [1, 2, 4]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _pid, cores=cores: set(range(cores)))
        assert default_threads() == counts
