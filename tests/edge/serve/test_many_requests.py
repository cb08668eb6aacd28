"""Thousands of requests, from the OpenAPI document and from damaged pictures: no fault, no growth, no delay."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import numpy as np
import pytest

from edge.opencv import cv2
from edge.testing import FakeSource
from tests.edge.serve.processes import Serving, serve
from tests.edge.serve.sites import put_frames

schemathesis = pytest.importorskip("schemathesis", reason="the older runtime's environment has no schemathesis")

pytestmark = [pytest.mark.subprocess, pytest.mark.slow]

EXAMPLES = int(os.environ.get("FMNIST_EDGE_EXAMPLES", "25"))
"""For each operation. Before a release: 800, which makes more than ten thousand requests, and 2,000 pictures."""

PICTURES = int(os.environ.get("FMNIST_EDGE_PICTURES", "150"))
STREAMS = ("/api/events", "/api/stream.mjpg")
"""They do not end; test_hostile has them."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("many")
    with serve(folder, "--keep", str(folder / "keep")) as running:
        put_frames(folder / "keep", 50)
        yield running
        running.stop()


def test_no_request_is_a_fault_of_ours(server: Serving) -> None:
    import hypothesis

    address = server.address.rstrip("/")
    schema = schemathesis.openapi.from_url(f"{address}/api/openapi.json").exclude(path=list(STREAMS))
    sent = 0

    for result in schema.get_all_operations():
        operation = result.ok()
        modes = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
        for mode in modes:

            @hypothesis.settings(
                max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
            )
            @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
            def attack(case: object) -> None:
                nonlocal sent
                sent += 1
                response = case.call(base_url=address, timeout=30, allow_redirects=False)  # type: ignore[attr-defined]
                assert response.status_code < 500, (case, response.text)
                if response.status_code not in {400, 404, 405}:  # what HTTP itself refuses is not described
                    case.validate_response(  # type: ignore[attr-defined]
                        response,
                        checks=[
                            schemathesis.checks.not_a_server_error,
                            schemathesis.checks.response_schema_conformance,
                            schemathesis.checks.content_type_conformance,
                            schemathesis.checks.status_code_conformance,
                        ],
                    )

            try:
                attack()
            except hypothesis.errors.Unsatisfiable:
                """A request without parameters cannot be made wrong."""
            if sent <= 200:
                before_mb = server.memory_mb
    assert sent > 10 * EXAMPLES
    assert server.memory_mb - before_mb < 10


def damaged(seed: int) -> bytes:
    """A picture that is cut off, bent, or of nothing."""
    random_ = random.Random(seed)
    suffix = random_.choice([".png", ".jpg", ".webp", ".bmp", ".tiff", ".ppm"])
    pixels = FakeSource.draw(seed)[:: random_.randint(1, 8), :: random_.randint(1, 8)]
    content = bytearray(cv2.imencode(suffix, np.ascontiguousarray(pixels))[1].tobytes())
    for _ in range(random_.randint(0, 20)):
        content[random_.randrange(len(content))] = random_.randrange(256)
    if random_.random() < 0.4:
        del content[random_.randrange(len(content)) :]
    return bytes(content) or b"\0"


def test_no_damaged_picture_is_a_fault_of_ours(server: Serving) -> None:
    png = {"Content-Type": "application/octet-stream"}
    for seed in range(20):
        server.request("POST", "/api/classify", damaged(seed), png)
    before_mb = server.memory_mb
    statuses = [server.request("POST", "/api/classify", damaged(seed), png)[0] for seed in range(PICTURES)]
    assert set(statuses) <= {200, 422}
    assert 0 < statuses.count(200) < len(statuses)
    assert server.memory_mb - before_mb < 10
