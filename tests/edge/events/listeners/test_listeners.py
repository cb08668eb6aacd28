"""What every listener promises, whatever it talks to: each is held to the protocol in listener.py."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.events.listeners.listener import Listener
from edge.events.listeners.listener_thread import CLOSE_S, ListenerThread, close_all
from edge.events.publisher import Publisher
from edge.events.run_state import RunState
from tests.edge.events.happenings import EACH_KIND, MODEL
from tests.edge.events.hook_server import Hook, hangs, receiving
from tests.edge.events.mosquitto import PROGRAM
from tests.ports import free_port

LABELS = ("Sneaker", "Sandal", "Coat")

Make = Callable[[], Listener]


def webhook(folder: Path, url: str) -> Make:
    from edge.events.listeners.spool import Spool
    from edge.events.listeners.webhook import Webhook

    return lambda: Webhook(url, Spool(folder, 10**6))


def metrics() -> Make:
    pytest.importorskip("prometheus_client")
    from edge.events.listeners.metrics import Metrics

    port = free_port()
    return lambda: Metrics("127.0.0.1", port, Publisher(MODEL), LABELS, "camera")


def gpio(monkeypatch: pytest.MonkeyPatch) -> Make:
    gpiozero = pytest.importorskip("gpiozero")
    from gpiozero.pins.mock import MockFactory

    from edge.events.listeners.gpio import Gpio, parse_pins

    monkeypatch.setattr(gpiozero.Device, "pin_factory", MockFactory())
    return lambda: Gpio(parse_pins(["Sneaker=17", "camera_lost=22"], LABELS))


def mqtt(port: int, folder: Path) -> Make:
    pytest.importorskip("paho.mqtt")
    from edge.events.listeners.mqtt import MqttListener
    from edge.events.listeners.mqtt_broker import MqttSettings, parse_broker

    settings = MqttSettings(parse_broker(f"mqtt://127.0.0.1:{port}/{folder.name}"), None, 1, None, None, None)
    state = RunState(MODEL, "camera", "litert")
    return lambda: MqttListener(settings, Publisher(MODEL), state, LABELS, "0")


LISTENERS = ["webhook", "webhook that is down", "webhook that hangs", "mqtt", "mqtt that is down", "metrics", "gpio"]


@pytest.fixture(params=LISTENERS)
def make(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a listener; all that it makes want the same port, pin or folder."""
    if request.param == "metrics":
        return metrics()
    if request.param == "gpio":
        return gpio(monkeypatch)
    if request.param == "mqtt":
        if PROGRAM is None:
            pytest.skip("needs a broker: apt install mosquitto")
        return mqtt(request.getfixturevalue("broker").plain, tmp_path)
    if request.param == "mqtt that is down":
        return mqtt(free_port(), tmp_path)
    if request.param == "webhook that is down":
        return webhook(tmp_path, f"http://127.0.0.1:{free_port()}/")
    hook = Hook(0)
    if request.param == "webhook that hangs":
        hook.script = [hangs] * 1000
    context = receiving(hook)
    context.__enter__()
    request.addfinalizer(lambda: context.__exit__(None, None, None))
    return webhook(tmp_path, hook.url)


def test_every_kind_of_event_is_taken_and_counted(make: Make) -> None:
    said: list[str] = []
    thread = ListenerThread(make(), said.append)
    thread.start()
    for one in EACH_KIND:
        thread.offer(one)
    close_all([thread])
    state = thread.state
    assert state.delivered + state.waiting == len(EACH_KIND)
    assert state.dropped == 0
    assert not [line for line in said if "Error" in line]


def test_it_opens_and_closes_at_once_and_leaves_what_it_took_to_the_next(make: Make) -> None:
    for _ in range(3):
        thread = ListenerThread(make(), lambda _: None)
        began = time.monotonic()
        thread.start()
        opened = time.monotonic()
        thread.offer(EACH_KIND[0])
        thread.offer(EACH_KIND[-1])
        close_all([thread])
        assert opened - began < 3
        assert time.monotonic() - opened < CLOSE_S
        assert not thread._thread.is_alive()


def test_it_closes_without_an_event(make: Make) -> None:
    said: list[str] = []
    thread = ListenerThread(make(), said.append)
    thread.start()
    close_all([thread])
    assert said == []
    assert (thread.state.delivered, thread.state.dropped, thread.state.waiting) == (0, 0, 0)


def test_its_state_is_told_at_once_in_every_state(make: Make) -> None:
    """The thread that classifies asks for it in each heartbeat: it must wait for no disk and no server."""
    thread = ListenerThread(make(), lambda _: None)
    assert thread.state.waiting == 0
    thread.start()
    slowest = 0.0
    for _ in range(300):
        for one in EACH_KIND[:4]:
            thread.offer(one)
        began = time.monotonic()
        state = thread.state
        slowest = max(slowest, time.monotonic() - began)
        assert state.delivered >= 0
    close_all([thread])
    assert slowest < 1


def test_it_says_nothing_but_through_its_thread(make: Make, capfd: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        thread = ListenerThread(make(), lambda _: None)
        thread.start()
        for one in EACH_KIND * 3:
            thread.offer(one)
        close_all([thread])
    assert capfd.readouterr() == ("", "")


def test_it_has_a_short_name_and_no_thread_that_keeps_the_process(make: Make) -> None:
    listener = make()
    assert listener.name.isidentifier()
    before = set(threading.enumerate())
    thread = ListenerThread(listener, lambda _: None)
    thread.start()
    thread.offer(EACH_KIND[0])
    assert all(one.daemon for one in set(threading.enumerate()) - before)
    close_all([thread])
