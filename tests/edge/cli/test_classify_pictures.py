"""Lines of pictures: how many processes make them, and how many at once."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.choices import Format
from edge.cli.classify_pictures import write_pictures
from edge.errors import BackendUnavailable, SourceError
from edge.inference.classifier import Classifier
from edge.output.sinks import open_sink
from edge.sources.grammar import parse_sources
from edge.sources.settings import AS_THEY_COME
from edge.spec import FASHION_MNIST_LABELS, ImageSpec, TensorSpec
from edge.testing import FakeInterpreter


class Device(FakeInterpreter):
    """As a Coral: there is one, and it fails at the fifth picture."""

    def __init__(self) -> None:
        int8 = np.dtype(np.int8)
        super().__init__(TensorSpec((1, 28, 28), int8, 1.0, -128), TensorSpec((1, 10), int8, 1 / 256, -128))
        self.pictures = 0

    def run(self, batch: Any) -> Any:
        """The fifth picture is too much."""
        self.pictures += len(batch)
        if self.pictures >= 5:
            raise BackendUnavailable("the device is gone")
        return super().run(batch)


def test_a_device_answers_one_by_one_and_what_it_has_answered_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("two processes would share the device"))
    classifier = Classifier(Device(), FASHION_MNIST_LABELS, ImageSpec(), gives_logits=False)
    failures: list[SourceError] = []
    pictures = parse_sources(["samples:"])
    written = tmp_path / "out.jsonl"
    with pytest.raises(BackendUnavailable), open_sink(Format.JSON, written, 3) as sink:
        write_pictures(pictures, sink, classifier, iter, AS_THEY_COME, 3, None, failures.append)
    lines = written.with_name("out.jsonl.partial").read_text().splitlines()
    assert [json.loads(line)["source"] for line in lines] == [one.where for one in pictures[:4]]
    assert failures == []
