"""What a Prometheus server would read, read by Prometheus' own parser."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from edge.errors import BadOption, MissingExtra, OutputFailed
from edge.events.event import Heartbeat, ListenerState, ModelChanged
from edge.events.listeners import metrics
from edge.events.listeners.metrics import Metrics, parse_address
from edge.events.publisher import Publisher
from edge.frame import Decision
from edge.printable import printable
from edge.sources.live import Loss
from edge.testing import FakeSource
from tests.conftest import ROOT, Run
from tests.edge.events.happenings import EACH_KIND, HEARTBEAT, MODEL, SOURCE, CameraBack, CameraLost, event, prediction

parser = pytest.importorskip("prometheus_client.parser")

LABELS = ("Sneaker", "Coat", 'tricky "label"\\\n')

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@contextmanager
def serving(host: str = "127.0.0.1") -> Iterator[Metrics]:
    listener = Metrics(host, 0, Publisher(MODEL), LABELS, "camera")
    listener.open()
    try:
        yield listener
    finally:
        listener.close()


def scraped(port: int, host: str = "127.0.0.1") -> Samples:
    with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=10) as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        text = answer.read().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, /, **labels: str) -> float | None:
    return samples.get((f"fmnist_edge_{name}", tuple(sorted(labels.items()))))


def test_each_kind_of_event_has_its_figures() -> None:
    with serving() as listener:
        for one in EACH_KIND:
            listener.handle(one)
        samples = scraped(listener.port)
    assert value(samples, "frames_total") == 3
    assert value(samples, "predictions_total", label="Sneaker", decision="garment") == 1
    assert value(samples, "predictions_total", label="Coat", decision="unknown") == 1
    assert value(samples, "predictions_total", label="", decision="no_garment") == 1
    assert value(samples, "predictions_total", label="Coat", decision="garment") == 0
    assert value(samples, "predictions_total", label=printable(LABELS[2]), decision="garment") == 0
    for stage, seconds in {"read": 0.024, "preprocess": 0.012, "invoke": 0.006}.items():
        assert value(samples, "stage_seconds_sum", stage=stage) == pytest.approx(seconds)
        assert value(samples, "stage_seconds_count", stage=stage) == 3
    assert value(samples, "stage_seconds_bucket", stage="invoke", le="0.001") == 0
    assert value(samples, "stage_seconds_bucket", stage="invoke", le="0.002") == 3
    assert value(samples, "frame_age_seconds_sum") == pytest.approx(0.045)
    assert value(samples, "camera_losses_total", source=SOURCE, reason="stalled") == 1
    assert value(samples, "camera_lost_seconds_total", source=SOURCE) == pytest.approx(4.2)
    assert value(samples, "camera_up", source=SOURCE) == 1
    assert value(samples, "backend_changes_total", before="coral", after="litert") == 1
    assert value(samples, "drifting", measure="unknown") == 1
    assert value(samples, "listener_events_delivered_total", listener="webhook") == 12
    assert value(samples, "listener_events_dropped_total", listener="webhook") == 3
    assert value(samples, "listener_events_waiting", listener="webhook") == 4
    assert value(samples, "model_info", sha256="6" * 64, name="camera") == 1
    assert value(samples, "model_info", sha256=MODEL, name="camera") is None
    fleet = {"device": "till-4", "channel": "stable", "state": "refused"}
    assert value(samples, "fleet_info", version="camera-11", available="camera-12", **fleet) == 1
    assert (value(samples, "canary_accuracy"), value(samples, "canaries")) == (0.91, 240)
    assert (value(samples, "update_problem"), value(samples, "update_check_timestamp_seconds")) == (1, 1.8e9)
    assert value(samples, "uptime_seconds") is not None
    assert samples["process_resident_memory_bytes", ()] > 1e6


def test_a_device_that_is_in_no_fleet_has_no_figures_of_one() -> None:
    with serving() as listener:
        assert not [name for name, _ in scraped(listener.port) if re.search("fleet|canar|update", name)]


def test_names_follow_the_conventions() -> None:
    with serving() as listener:
        for one in EACH_KIND:
            listener.handle(one)
        text = urllib.request.urlopen(f"http://127.0.0.1:{listener.port}/metrics", timeout=10).read().decode()
    families = list(parser.text_string_to_metric_families(text))
    ours = [family for family in families if family.name.startswith("fmnist_edge_")]
    assert len(ours) >= 16
    for family in ours:
        assert re.fullmatch(r"[a-z_]+", family.name)
        assert family.documentation.endswith(".")
        assert not re.search(r"_(ms|mb|percent)(_|$)", family.name)  # base units: seconds, bytes, ratios
        if family.type == "counter":
            assert all(sample.name.endswith("_total") for sample in family.samples), family.name
    assert "_created" not in text


def test_a_lost_camera_is_down_and_its_newest_figures_stay() -> None:
    with serving() as listener:
        listener.handle(event(prediction()))
        listener.handle(event(CameraLost(Loss.BLACK, "its frames are black", "")))
        lost = scraped(listener.port)
        assert value(lost, "camera_up", source=SOURCE) == 0
        assert value(lost, "frames_total") == 1
        newest = value(lost, "last_prediction_timestamp_seconds")
        assert newest is not None
        assert newest > 1.7e9
        listener.handle(event(CameraBack(3.0, 1)))
        assert value(scraped(listener.port), "camera_up", source=SOURCE) == 1


def test_a_camera_that_has_another_name_when_it_is_there_is_one_camera() -> None:
    with serving() as listener:
        listener.handle(event(CameraLost(Loss.NOT_FOUND, "no such camera", ""), "camera:0"))
        listener.handle(event(CameraBack(3.0, 1), "/dev/video0"))
        samples = scraped(listener.port)
    up = {key: held for key, held in samples.items() if key[0] == "fmnist_edge_camera_up"}
    assert up == {("fmnist_edge_camera_up", (("source", "/dev/video0"),)): 1}


def test_listeners_counters_go_on_and_the_model_changes() -> None:
    with serving() as listener:
        for delivered, dropped in ((5, 1), (5, 1), (9, 4)):
            states = {"mqtt": ListenerState(delivered, dropped, 2, None)}
            listener.handle(event(replace(HEARTBEAT, listeners=states), None))
        before = scraped(listener.port)
        listener.handle(event(ModelChanged(MODEL, "6" * 64, "tiny"), None))
        samples = scraped(listener.port)
    assert isinstance(HEARTBEAT, Heartbeat)
    assert value(samples, "listener_events_delivered_total", listener="mqtt") == 9
    assert value(samples, "listener_events_dropped_total", listener="mqtt") == 4
    assert value(before, "model_info", sha256=MODEL, name="camera") == 1
    assert value(samples, "model_info", sha256="6" * 64, name="tiny") == 1
    assert value(samples, "model_info", sha256=MODEL, name="camera") is None


def test_pictures_are_no_cameras_and_make_no_series_each() -> None:
    with serving() as listener:
        for number in range(50):
            still = replace(prediction(source=f"photos/{number}\udce9.jpg"), age_ms=None)
            listener.handle(event(still, still.source))
        samples = scraped(listener.port)
    assert value(samples, "frames_total") == 50
    assert not [name for name, _ in samples if name == "fmnist_edge_camera_up"]
    assert not [labels for _, labels in samples if "photos" in str(labels)]


def test_names_that_are_no_utf8_are_served() -> None:
    with serving() as listener:
        listener.handle(event(prediction("Mantel\udce9"), "camera\udce9"))
        assert value(scraped(listener.port), "camera_up", source=r"camera\xe9") == 1


def test_dropped_frames_are_counted_where_they_happen() -> None:
    publisher = Publisher(MODEL)
    listener = Metrics("127.0.0.1", 0, publisher, LABELS, "camera")
    listener.open()
    frame = next(iter(FakeSource(1)))
    for dropped in (0, 3, 4):
        publisher.newest_frame = replace(frame, dropped=dropped)
        publisher.publish(prediction(), SOURCE)
    publisher.publish(HEARTBEAT)
    try:
        assert value(scraped(listener.port), "frames_dropped_total") == 7
    finally:
        listener.close()


def test_what_is_no_scrape_hurts_nobody(capfd: pytest.CaptureFixture[str]) -> None:
    with serving() as listener:
        for nonsense in (b"\x16\x03\x01\x02\x00", b"GET / HTTP/9.9\r\n\r\n", b"POST /metrics HTTP/1.0\r\n\r\n", b""):
            with socket.create_connection(("127.0.0.1", listener.port)) as client:
                client.sendall(nonsense)
        idle = socket.create_connection(("127.0.0.1", listener.port))
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{listener.port}/etc/passwd", timeout=10)
        assert value(scraped(listener.port), "frames_total") == 0
    idle.close()
    assert capfd.readouterr() == ("", "")


def test_a_client_that_says_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 <= metrics._Handler.timeout <= 60
    monkeypatch.setattr(metrics._Handler, "timeout", 0.2)
    with serving() as listener, socket.create_connection(("127.0.0.1", listener.port), 20) as client:
        client.sendall(b"GET /metr")
        assert client.recv(1) == b""


def test_ipv6_is_served() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        with serving("::1") as listener:
            assert value(scraped(listener.port, "[::1]"), "frames_total") == 0
    except OutputFailed as error:
        pytest.skip(f"no IPv6 here: {error}")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9100", ("127.0.0.1", 9100)),
        (":9100", ("127.0.0.1", 9100)),
        ("0.0.0.0:9100", ("0.0.0.0", 9100)),
        ("shelf.local:1", ("shelf.local", 1)),
        ("[::1]:9100", ("::1", 9100)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "x", "0", "65536", "-1", "9100.5", "::1:9100", "1:x", "http://h:9100/", "٣", "[::1"]
)
def test_bad_addresses_are_errors(text: str) -> None:
    with pytest.raises(BadOption, match="is no port") as caught:
        parse_address(text)
    assert "--metrics 9100" in caught.value.hint


def test_a_port_in_use_is_an_error_with_a_hint() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OutputFailed, match="Address already in use") as caught:
            Metrics("127.0.0.1", port, Publisher(MODEL), LABELS, "camera").open()
    assert f"sport = {port}" in caught.value.hint


def test_without_prometheus_client_the_hint_is_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MissingExtra) as caught:
        Metrics("127.0.0.1", 0, Publisher(MODEL), LABELS, "camera").open()
    assert caught.value.hint == "pip install 'fmnist-edge[metrics]'"


def test_an_address_of_another_machine_is_an_error() -> None:
    for host in ("192.0.2.1", "no-such-host.invalid"):
        with pytest.raises(OutputFailed, match=re.escape(host)) as caught:
            Metrics(host, 9100, Publisher(MODEL), LABELS, "camera").open()
        assert "0.0.0.0" in caught.value.hint


@pytest.mark.subprocess
def test_the_command_serves_its_metrics_while_it_runs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "edge.cli", "classify", "fake:", "-f", "json", "--metrics", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            labels = {json.loads(process.stdout.readline())["label"] for _ in range(20)}
            samples = scraped(port)
            process.send_signal(signal.SIGTERM)
            process.stdout.read()
            assert process.wait(timeout=30) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()
    frames = value(samples, "frames_total")
    assert frames is not None
    assert frames >= 15  # the listener's thread may be some frames behind
    assert sum(
        value(samples, "predictions_total", label=label, decision=str(Decision.GARMENT)) or 0 for label in labels
    )


@pytest.mark.subprocess
def test_the_command_ends_at_once_where_the_port_is_taken(fmnist_edge: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = fmnist_edge("classify", "fake:", "--metrics", taken.getsockname()[1])
    assert done.returncode == 6
    assert done.stdout == ""
    assert done.stderr.splitlines()[0].startswith("error: --metrics 127.0.0.1:")
    assert done.stderr.splitlines()[1].startswith("hint: another port")
