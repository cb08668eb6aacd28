"""Fixtures of more than one room of edge."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edge.inference import strangers
from tests.edge.inference.edgetpu_library import build_library
from tests.edge.sources.certificates import Certificates, make_certificates


@pytest.fixture
def without_coverage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Coverage doubles the time of a process that is soon over: for tests that start many of a kind."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


@pytest.fixture(autouse=True)
def coverage_of_one_variant(request: pytest.FixtureRequest) -> None:
    """A test's other variants start the same program on the same ways, or nearly."""
    variant = getattr(request.node, "callspec", None)
    if variant is not None and any(variant.indices.values()):
        request.getfixturevalue("without_coverage")


@pytest.fixture(scope="session")
def edgetpu_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that stands in for libedgetpu and fails as EDGETPU_FAULT says."""
    return build_library(tmp_path_factory.mktemp("edgetpu"))


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority and servers' certificates, good and bad."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def of_bytes() -> bytes:
    """A .tflite in colour, bytes in and out, without manifest (tests/edge/inference/strangers.py)."""
    pytest.importorskip("tensorflow", reason="its converter writes the model; the device has none")
    return strangers.convert(strangers.network(), of_bytes=True)


@pytest.fixture(scope="session")
def of_floats() -> bytes:
    """The same of floats, -1..1."""
    pytest.importorskip("tensorflow", reason="its converter writes the model; the device has none")
    return strangers.convert(strangers.network(), of_bytes=False)
