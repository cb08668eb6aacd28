"""Fixtures of the page's tests. Where the extra is not installed they are skipped."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.inference.classifier import Classifier

collect_ignore_glob = ["test_*.py"] if any(find_spec(one) is None for one in ("starlette", "uvicorn", "httpx2")) else []

if TYPE_CHECKING:
    from tests.edge.serve.sites import Served

TOKEN = "a-token-of-the-tests-1234"


@pytest.fixture
def served(classifier: Classifier, tmp_path: Path) -> Iterator[Served]:
    """A site that asks for no token, whose run has answered three frames."""
    from tests.edge.serve.sites import serving

    with serving(classifier, tmp_path / "keep") as one:
        one.answer(3)
        yield one


@pytest.fixture
def guarded(classifier: Classifier, tmp_path: Path) -> Iterator[Served]:
    """The same with a token."""
    from tests.edge.serve.sites import serving

    with serving(classifier, tmp_path / "keep", TOKEN) as one:
        one.answer(1)
        yield one


@pytest.fixture
def many_files() -> Iterator[None]:
    """Room for a thousand sockets on our side."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4096, hard)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
