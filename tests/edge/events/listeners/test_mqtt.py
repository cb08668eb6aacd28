"""classify --mqtt against a real broker: what comes, also when the broker goes and comes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge.events.listeners.home_assistant import object_id
from edge.opencv import cv2
from tests.conftest import ROOT, Run
from tests.edge.events.mosquitto import Mosquitto, Subscriber, needs_mosquitto, subscriber, until
from tests.edge.events.running import BOOT, classify, events
from tests.edge.sources.http_camera import http_camera

pytest.importorskip("paho.mqtt", reason="the extra mqtt is not installed")
pytestmark = [pytest.mark.subprocess, needs_mosquitto]


def test_pictures_are_told_of_from_the_first_to_the_last(
    broker: Mosquitto, heard: Subscriber, base: str, fmnist_edge: Run
) -> None:
    """Each label change is an event; the state says the last; who comes later is given state, picture, availability."""
    done = fmnist_edge("classify", "samples:", "--mqtt", f"mqtt://127.0.0.1:{broker.plain}/{base}", "-f", "json")
    assert (done.returncode, done.stderr) == (0, "")
    until(lambda: heard.of(f"{base}/availability")[-1:] == [b"offline"])
    assert heard.of(f"{base}/availability") == [b"online", b"offline"]
    told = events(heard.of(f"{base}/event"))
    classified = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(classified) == 10
    assert [one["label"] for one in told[:-1]] == [one["label"] for one in classified]
    assert {one["event"] for one in told[:-1]} == {"prediction"}
    assert (told[-1]["event"], told[-1]["reason"]) == ("stopped", "the input has ended")
    state = json.loads(heard.of(f"{base}/state")[-1])
    assert state["answer"] == state["label"] == classified[-1]["label"]
    assert state["decision"] == "garment"
    assert (state["camera"], state["problem"], state["model_name"]) == ("ok", None, "camera")
    with subscriber(broker.plain, base, "latecomer") as latecomer:
        until(lambda: len([one for one in latecomer.messages if one.topic.startswith(base)]) >= 3)
        retained = {one.topic.removeprefix(f"{base}/") for one in latecomer.messages if one.retain}
        assert {"availability", "picture", "state"} <= retained
        assert "event" not in retained


def test_the_picture_that_is_left_is_that_of_the_last_answer(
    broker: Mosquitto, heard: Subscriber, base: str, fmnist_edge: Run
) -> None:
    """Pictures come every five seconds at most; what stays with the broker fits the state that stays."""
    folder = ROOT / "edge" / "samples"
    sources = [folder / name for name in ("bag.png", "coat.png", "sneaker.png")]
    assert fmnist_edge("classify", *sources, "--mqtt", f"mqtt://127.0.0.1:{broker.plain}/{base}").returncode == 0
    until(lambda: heard.of(f"{base}/availability")[-1:] == [b"offline"])
    assert 1 <= len(heard.of(f"{base}/picture")) <= 2  # one, where the broker was slow to let us in
    shown = cv2.imdecode(np.frombuffer(heard.of(f"{base}/picture")[-1], np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(shown.astype(int) - cv2.imread(str(sources[-1])).astype(int)).mean() < 10


def test_a_name_that_is_no_text_is_told(
    broker: Mosquitto, heard: Subscriber, base: str, tmp_path: Path, fmnist_edge: Run
) -> None:
    """A file's name may be any bytes; JSON holds them as Python reads them."""
    path = tmp_path / "\udcff\udcfe.png"
    path.write_bytes(Path(BOOT).read_bytes())
    done = fmnist_edge("classify", path, "--mqtt", f"mqtt://127.0.0.1:{broker.plain}/{base}")
    assert (done.returncode, done.stderr) == (0, "")
    until(lambda: heard.of(f"{base}/availability")[-1:] == [b"offline"])
    assert events(heard.of(f"{base}/event"))[0]["source"].endswith("\udcff\udcfe.png")


def test_the_picture_is_a_jpeg_of_the_frame(broker: Mosquitto, heard: Subscriber, base: str, tmp_path: Path) -> None:
    large = np.full((900, 1600, 3), 225, np.uint8)
    cv2.rectangle(large, (700, 300), (1100, 700), (40, 40, 40), -1)
    cv2.imwrite(str(tmp_path / "large.png"), large)
    with classify(tmp_path, str(tmp_path / "large.png"), "--mqtt", f"mqtt://127.0.0.1:{broker.plain}/{base}") as run:
        assert run.process.wait(30) == 0
    until(lambda: heard.of(f"{base}/picture"))
    shown = cv2.imdecode(np.frombuffer(heard.of(f"{base}/picture")[0], np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape == (360, 640, 3)
    shrunken = cv2.resize(large, (640, 360), interpolation=cv2.INTER_AREA)
    assert np.abs(shown.astype(int) - shrunken.astype(int)).mean() < 2


def test_nothing_is_lost_through_restarts_of_the_broker(
    broker: Mosquitto, heard: Subscriber, base: str, tmp_path: Path
) -> None:
    """All that stdout says of a live camera, one subscriber has heard: heartbeats, ten a second, with it down twice."""
    arguments = ("--mqtt", f"mqtt://127.0.0.1:{broker.plain}/{base}", "--heartbeat", "0.1", "--on-change")
    with http_camera() as camera, classify(tmp_path, f"{camera}/stream.mjpg", *arguments) as run:
        for down in (1, 2):
            so_far = len(run.lines)
            until(lambda so_far=so_far: len(run.lines) > so_far + 20)
            until(lambda: heard.of(f"{base}/availability"))
            broker.stop()
            so_far = len(run.lines)
            until(lambda so_far=so_far: len(run.lines) > so_far + 20)
            broker.start()
            until(lambda down=down: heard.of(f"{base}/availability").count(b"online") > down, "online")
        # The subscriber is told of "online" again when it comes back itself, perhaps before the command has.
        until(
            lambda: (
                [one for one in run.lines if one["event"] == "heartbeat"][-1]["listeners"]["mqtt"]["problem"] is None
            )
        )
        run.stop()
        written = run.lines
    assert run.said.count("is lost; trying again") == 1  # said once in ten minutes
    assert "not delivered" not in run.said
    numbers = {(one["event"], one["monotonic_s"]) for one in written}
    assert len(numbers) == len(written) > 80
    until(lambda: numbers <= {(one["event"], one["monotonic_s"]) for one in events(heard.of(f"{base}/event"))})
    first_s = min(at_s for _, at_s in numbers)  # before its first frame stdout does not know that it is a camera's
    also = {(one["event"], one["monotonic_s"]) for one in events(heard.of(f"{base}/event"))} - numbers
    assert all(at_s < first_s for _, at_s in also)
    last = [one for one in written if one["event"] == "heartbeat"][-1]
    assert last["listeners"]["mqtt"]["dropped"] == 0
    assert last["listeners"]["mqtt"]["problem"] is None


def test_a_broker_that_comes_late_hears_everything(
    broker: Mosquitto, heard: Subscriber, base: str, tmp_path: Path
) -> None:
    broker.stop()
    try:
        arguments = ("--mqtt", f"mqtt://127.0.0.1:{broker.plain}/{base}", "--heartbeat", "0.2", "--fps", "20")
        with http_camera() as camera, classify(tmp_path, f"{camera}/stream.mjpg", *arguments) as run:
            until(lambda: len(run.lines) > 40)
            assert run.said.count(f"nobody listens at 127.0.0.1:{broker.plain}") == 1
            waiting = [one for one in run.lines if one["event"] == "heartbeat"][-1]["listeners"]["mqtt"]
            assert waiting["waiting"] > 1
            assert waiting["delivered"] == 0
            assert "nobody listens" in waiting["problem"]
            broker.start()
            first = {"event": "prediction", "frame": 0}
            until(lambda: [one for one in events(heard.of(f"{base}/event")) if one | first == one], "the first event")
            run.stop()
    finally:
        if not heard.client.is_connected():
            broker.start()


def test_the_broker_says_that_a_killed_run_is_gone(
    broker: Mosquitto, heard: Subscriber, base: str, tmp_path: Path
) -> None:
    with classify(tmp_path, "fake:", "--fps", "5", "--mqtt", f"mqtt://127.0.0.1:{broker.plain}/{base}") as run:
        until(lambda: heard.of(f"{base}/state"))
        assert heard.of(f"{base}/availability") == [b"online"]
        run.process.kill()
    until(lambda: heard.of(f"{base}/availability") == [b"online", b"offline"])
    assert not [one for one in events(heard.of(f"{base}/event")) if one["event"] == "stopped"]


def test_sigterm_says_stopped_and_offline(broker: Mosquitto, heard: Subscriber, base: str, tmp_path: Path) -> None:
    with classify(tmp_path, "fake:", "--fps", "5", "--mqtt", f"mqtt://127.0.0.1:{broker.plain}/{base}") as run:
        until(lambda: heard.of(f"{base}/state"))
        run.stop()
        assert run.said == ""
    until(lambda: heard.of(f"{base}/availability") == [b"online", b"offline"])
    assert events(heard.of(f"{base}/event"))[-1]["reason"] == "SIGTERM"


def test_home_assistant_is_told_again_when_it_has_started(
    broker: Mosquitto, heard: Subscriber, base: str, tmp_path: Path
) -> None:
    config = f"homeassistant/device/{object_id(base)}/config"
    with classify(tmp_path, "fake:", "--fps", "5", "--mqtt", f"mqtt://127.0.0.1:{broker.plain}/{base}") as run:
        until(lambda: heard.of(config))
        before = len(heard.of(config))
        heard.client.publish("homeassistant/status", "offline")
        heard.client.publish("homeassistant/status", "online")
        until(lambda: len(heard.of(config)) > before)
        run.stop()
    assert len(set(heard.of(config))) == 1
    assert len(heard.of(config)) == before + 1


def test_without_discovery_nothing_is_said_to_home_assistant(
    broker: Mosquitto, heard: Subscriber, base: str, fmnist_edge: Run
) -> None:
    address = f"mqtt://127.0.0.1:{broker.plain}/{base}"
    assert fmnist_edge("classify", BOOT, "--mqtt", address, "--mqtt-discovery", "none").returncode == 0
    until(lambda: heard.of(f"{base}/availability")[-1:] == [b"offline"])
    assert not heard.of(f"homeassistant/device/{object_id(base)}/config")


def test_qos_0_arrives_too(broker: Mosquitto, heard: Subscriber, base: str, fmnist_edge: Run) -> None:
    address = f"mqtt://127.0.0.1:{broker.plain}/{base}"
    done = fmnist_edge("classify", BOOT, "--mqtt", address, "--mqtt-qos", "0")
    assert (done.returncode, done.stderr) == (0, "")
    until(lambda: [one["event"] for one in events(heard.of(f"{base}/event"))] == ["prediction", "stopped"])


def test_two_runs_on_one_topic_are_told(broker: Mosquitto, base: str, tmp_path: Path) -> None:
    """The broker throws the one out when the other comes: the ids are the same."""
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    arguments = ("fake:", "--fps", "5", "--mqtt", f"mqtt://127.0.0.1:{broker.plain}/{base}")
    with classify(tmp_path / "1", *arguments) as first, classify(tmp_path / "2", *arguments) as second:
        until(lambda: "another run use the same topic" in first.said + second.said)
