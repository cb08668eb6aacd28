"""Brokers that do not do what they should: nothing blocks, nothing grows without end, and it is said in words."""

from __future__ import annotations

import itertools
import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from edge.events.listeners import mqtt, mqtt_connection
from edge.events.listeners.listener_thread import ListenerThread, close_all
from edge.events.listeners.mqtt import MqttListener
from edge.events.listeners.mqtt_broker import MqttSettings, parse_broker
from edge.events.publisher import Publisher
from edge.events.run_state import RunState
from edge.frame import Frame
from edge.opencv import cv2
from tests.edge.events.happenings import EACH_KIND, HEARTBEAT, MODEL, event, prediction
from tests.edge.events.mosquitto import until
from tests.edge.events.scripted_broker import Script, connack, read_packet, scripted_broker

pytest.importorskip("paho.mqtt", reason="the extra mqtt is not installed")


@contextmanager
def listening(port: int, said: list[str], qos: int = 1) -> Iterator[tuple[ListenerThread, Publisher]]:
    """A listener that has been opened, in its thread."""
    publisher = Publisher(MODEL)
    settings = MqttSettings(parse_broker(f"mqtt://shelf@127.0.0.1:{port}/base"), "secret", qos)
    listener = MqttListener(settings, publisher, RunState(MODEL, "camera", "litert"), ("Sneaker", "Coat"), "0.1")
    thread = ListenerThread(listener, said.append)
    thread.start()
    publisher.subscribe(thread.offer)
    try:
        yield thread, publisher
    finally:
        close_all([thread])


def silent(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def never_reads(connection: socket.socket) -> None:
    """Lets the client in, and then reads nothing more, though the connection stays."""
    read_packet(connection)
    connection.sendall(connack(0))
    threading.Event().wait(60)


def never_acknowledges(connection: socket.socket) -> None:
    read_packet(connection)
    connection.sendall(connack(0))
    silent(connection)


def hangs_up(connection: socket.socket) -> None:
    read_packet(connection)


def web_server(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def garbage(connection: socket.socket) -> None:
    read_packet(connection)
    connection.sendall(connack(0) + bytes(np.random.default_rng(1).integers(0, 256, 5000, np.uint8)))
    silent(connection)


def refusing(code: int) -> Script:
    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(connack(code))

    return script


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (hangs_up, "closes the connection at once: is it an MQTT broker, does it want mqtts://?"),
        (web_server, "closes the connection at once: is it an MQTT broker"),
        (refusing(2), "refuses the client id fmnist-"),
        (refusing(3), "it is not available just now"),
        (refusing(4), "refuses the user shelf or the password: check --mqtt-password-file"),
        (refusing(5), "refuses the user shelf or the password: check --mqtt-password-file"),
    ],
)
def test_what_is_wrong_is_said_once_in_words(script: Script, words: str) -> None:
    said: list[str] = []
    with scripted_broker(script) as (port, connections), listening(port, said) as (thread, publisher):
        for _ in range(20):
            publisher.publish(prediction())
            time.sleep(0.01)
        until(lambda: thread.state.problem is not None)
        publisher.publish(prediction())
        until(lambda: said)
        assert connections
    assert words in said[0]
    assert len(said) == 2
    assert said[1].startswith("mqtt: 1 events were not delivered: ")
    assert "secret" not in "".join(said)


def test_a_refused_password_is_tried_slowly_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password that is put right at the broker works without a restart; until then it is asked seldom."""
    monkeypatch.setattr(mqtt_connection, "REFUSED_S", 3)
    answers = [5, 0]

    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(connack(answers.pop(0)))
        silent(connection)

    said: list[str] = []
    with scripted_broker(script) as (port, connections), listening(port, said) as (thread, publisher):
        publisher.publish(prediction())
        until(lambda: thread.state.problem)
        began_s = time.monotonic()
        until(lambda: thread.state.problem is None)
        assert time.monotonic() - began_s > 2
        assert len(connections) == 2


def test_a_broker_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_connection, "CONNECT_S", 0.2)
    said: list[str] = []
    with scripted_broker(silent) as (port, _), listening(port, said) as (thread, publisher):
        began_s = time.monotonic()
        publisher.publish(HEARTBEAT)
        assert time.monotonic() - began_s < 1
        until(lambda: thread.state.problem)
        publisher.publish(HEARTBEAT)
        until(lambda: thread.state.waiting == 2)
        began_s = time.monotonic()
    assert time.monotonic() - began_s < 4
    assert "takes the connection, but does not answer" in said[0]
    assert said[1].startswith("mqtt: 2 events were not delivered: ")


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("script", [never_reads, never_acknowledges])
def test_what_waits_for_a_slow_broker_is_limited(script: Script, qos: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events are counted when they are left out; states and pictures are skipped; nobody waits."""
    monkeypatch.setattr(mqtt, "MOST_WAITING", 50)
    monkeypatch.setattr(mqtt, "PICTURE_S", 0.0)
    monkeypatch.setattr(mqtt, "STATE_S", 0.0)
    said: list[str] = []
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    with scripted_broker(script) as (port, _), listening(port, said, qos) as (thread, publisher):
        publisher.newest_frame = Frame(noise, "camera:0", 0, 0.0, 0.0)
        publisher.publish(prediction())
        until(lambda: thread.state.waiting + thread.state.delivered == 1)
        began_s = time.monotonic()
        for number in range(300):
            publisher.publish(prediction(("Coat", "Sneaker")[number % 2]))
        assert time.monotonic() - began_s < 5
        until(lambda: thread.state.waiting + thread.state.dropped + thread.state.delivered == 301)
        if qos == 0 and script is never_acknowledges:
            until(lambda: thread.state.waiting == 0)  # nobody asked for an acknowledgement
            return
        until(lambda: thread.state.waiting <= 50)
        assert thread.state.dropped > 100
        connection = thread._listener._connection._client
        assert sum(len(one["packet"]) for one in connection._out_packet) < 1_000_000
    assert any("50 events wait for 127.0.0.1" in line for line in said)
    assert any("events were not delivered" in line for line in said)


def test_the_last_picture_waits_for_the_one_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker reads on only when the run ends: the picture that it is left with is the last answer's."""
    monkeypatch.setattr(mqtt, "PICTURE_S", 0.0)
    reads_on = threading.Event()
    pictures: list[bytes] = []

    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(connack(0))
        reads_on.wait(60)
        while True:
            head, body = read_packet(connection)
            length = int.from_bytes(body[:2])
            if head >> 4 == 3 and head & 6:
                connection.sendall(bytes((0x40, 2)) + body[2 + length : 4 + length])
            elif head >> 4 == 3 and body[2 : 2 + length].endswith(b"/picture"):
                pictures.append(body[2 + length :])
            elif head >> 4 == 14:
                return

    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    with scripted_broker(script) as (port, _), listening(port, [], qos=0) as (thread, publisher):

        def is_stuck() -> bool:
            publisher.publish(prediction(next(labels)))
            leaving = thread._listener._leaving
            return "picture" in leaving and not mqtt.is_gone(leaving["picture"])

        labels = itertools.cycle(("Coat", "Sneaker"))
        publisher.newest_frame = Frame(noise, "camera:0", 0, 0.0, 0.0)
        until(is_stuck)
        publisher.newest_frame = Frame(np.full_like(noise, 90), "camera:0", 1, 0.0, 0.0)
        publisher.publish(prediction("Bag"))
        threading.Timer(0.3, reads_on.set).start()
    left = cv2.imdecode(np.frombuffer(pictures[-1], np.uint8), cv2.IMREAD_COLOR)
    assert np.ptp(left) == 0


def test_garbage_does_not_end_the_client() -> None:
    """Each connection brings other nonsense; it is made again and again, and the run goes on."""
    said: list[str] = []
    with scripted_broker(garbage) as (port, connections), listening(port, said) as (_thread, publisher):
        for _ in range(600):
            publisher.publish(HEARTBEAT)
            if len(connections) >= 3:
                break
            time.sleep(0.05)
        assert len(connections) >= 3


def test_every_kind_of_event_can_be_published() -> None:
    """What the broker was sent: parsed, one for one."""
    topics: list[tuple[str, bytes]] = []

    def script(connection: socket.socket) -> None:
        while True:
            head, body = read_packet(connection)
            if head >> 4 == 1:
                connection.sendall(connack(0))
            elif head >> 4 == 3:
                length = int.from_bytes(body[:2])
                topics.append((body[2 : 2 + length].decode(), body[2 + length :]))
                if head & 6:
                    connection.sendall(bytes((0x40, 2)) + body[2 + length : 4 + length])
            elif head >> 4 == 14:
                return

    said: list[str] = []
    with scripted_broker(script) as (port, _), listening(port, said) as (thread, publisher):
        for one in EACH_KIND:
            publisher.publish(one.what, one.source)
        until(lambda: thread.state.delivered == len(EACH_KIND))
    assert said == []
    assert [topic for topic, _ in topics].count("base/event") == len(EACH_KIND)
    assert topics[-1][0] == "base/availability"
    assert topics[-1][1].endswith(b"offline")
    assert urllib.parse.quote("secret").encode() not in b"".join(content for _, content in topics)


def test_an_unknown_host_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_arguments: object, **_options: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    said: list[str] = []
    with listening(1883, said) as (_, publisher):
        publisher.publish(event(HEARTBEAT).what)
        until(lambda: said)
    assert said[0] == "mqtt: no host is called 127.0.0.1: is the name right, the network up?"


def test_the_end_waits_for_what_is_not_acknowledged_yet() -> None:
    """Of a broker that takes half a second for an event, and none for `offline`."""

    def script(connection: socket.socket) -> None:
        while True:
            head, body = read_packet(connection)
            if head >> 4 == 1:
                connection.sendall(connack(0))
            elif head >> 4 == 3 and head & 6:
                length = int.from_bytes(body[:2])
                acknowledged = bytes((0x40, 2)) + body[2 + length : 4 + length]
                is_event = body[2 : 2 + length].endswith(b"/event")
                threading.Timer(0.5 if is_event else 0.0, connection.sendall, [acknowledged]).start()
            elif head >> 4 == 14:
                return

    said: list[str] = []
    with scripted_broker(script) as (port, _), listening(port, said) as (thread, publisher):
        for one in EACH_KIND:
            publisher.publish(one.what, one.source)
        until(lambda: thread.state.waiting == len(EACH_KIND))
    assert said == []
    assert thread.state.delivered == len(EACH_KIND)
