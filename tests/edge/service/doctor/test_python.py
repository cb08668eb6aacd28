"""Python, wheels and NumPy: as they are here, and as they should not be."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.service.doctor.finding import Status
from edge.service.doctor.python import OLDEST, TOO_NEW, Platform, numpy_abi, python, this_platform, wheel_tag
from tests.conftest import ROOT
from tests.edge.service.doctor.planted import plant

PI = Platform((3, 13, 5), 64, "aarch64", ("glibc", "2.41"))
WHEEL = "cp313-cp313-manylinux_2_27_aarch64"


def test_this_python_is_fine() -> None:
    found = python(this_platform(), wheel_tag("ai-edge-litert"))
    assert found.status is Status.OK, found
    assert ".".join(map(str, sys.version_info[:3])) in found.found
    assert wheel_tag("ai-edge-litert") in found.found
    assert python(PI, WHEEL).status is Status.OK
    assert python(PI, "").status is Status.OK


@pytest.mark.parametrize(
    ("here", "wheel", "word"),
    [
        (replace(PI, version=(3, 9, 2)), WHEEL, "3.11, 3.12 or 3.13"),
        (replace(PI, version=(3, 14, 0)), WHEEL, "3.11, 3.12 or 3.13"),
        (replace(PI, bits=32), WHEEL, "64-bit"),
        (replace(PI, machine="armv7l"), WHEEL, "64-bit"),
        (replace(PI, libc=("", "")), WHEEL, "glibc"),
        (PI, WHEEL.replace("aarch64", "x86_64"), "wheel is for x86_64"),
        (replace(PI, libc=("glibc", "2.19")), WHEEL, "needs glibc 2.27"),
    ],
)
def test_what_no_wheel_is_for(here: Platform, wheel: str, word: str) -> None:
    found = python(here, wheel)
    assert found.status is Status.FAIL
    assert word in found.found
    assert found.mend


def test_the_versions_are_those_of_the_package() -> None:
    stated = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    assert stated
    assert ((3, int(stated[1])), (3, int(stated[2]))) == (OLDEST, TOO_NEW)


def test_a_package_that_came_from_no_wheel_has_no_tag() -> None:
    assert wheel_tag("nothing-of-this-name") == ""


@pytest.mark.subprocess
def test_numpy_and_opencv_import_here() -> None:
    found = numpy_abi()
    assert found.status is Status.OK, found
    assert f"NumPy {np.__version__}" in found.found


ABI = "numpy.core.multiarray failed to import"


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("package", "complaint", "mend"),
    [
        ("cv2", ABI, "numpy opencv-python-headless"),
        ("cv2", "libGL.so.1: cannot open shared object file", "opencv-python-headless"),
        ("numpy", "libopenblas.so.0: cannot open", "numpy"),
    ],
)
def test_an_import_that_breaks_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, complaint: str, mend: str
) -> None:
    plant(tmp_path, {f"{package}/__init__.py": f"raise ImportError({complaint!r})"})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = numpy_abi()
    assert found.status is Status.FAIL
    assert complaint in found.found
    assert mend in found.mend


@pytest.mark.subprocess
def test_the_older_runtime_beside_a_newer_numpy_is_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, {"tflite_runtime/__init__.py": "", "numpy/__init__.py": "__version__ = '2.1.0'"})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    plant(tmp_path, {"cv2.py": "__version__ = '4.12'"})
    monkeypatch.syspath_prepend(tmp_path)
    found = numpy_abi()
    assert found.status is Status.WARN, found
    assert "tflite-runtime is built against NumPy 1" in found.found
    assert "numpy<2" in found.mend
