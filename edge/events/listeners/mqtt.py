"""MQTT: the run's state, its events and pictures go to a broker, and Home Assistant finds the device by itself.

State and pictures are sent with QoS 0: the newest alone counts, and they are sent again with each connection. Events
wait for the broker, and are sent again until it has acknowledged them (QoS 1).
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from edge.events.event_json import as_json
from edge.events.listeners import home_assistant
from edge.events.listeners.listener import Backlog, ListenerFailed
from edge.events.listeners.mqtt_connection import MqttConnection, is_gone
from edge.frame import Prediction
from edge.opencv import cv2
from edge.stream.smoothing import Changes

if TYPE_CHECKING:
    from paho.mqtt.client import MQTTMessageInfo

    from edge.events.event import Event
    from edge.events.listeners.mqtt_broker import MqttSettings
    from edge.events.publisher import Publisher
    from edge.events.run_state import RunState
    from edge.frame import Frame

STATE_S = 1.0
"""The state is sent when the answer changes, and otherwise so often at most."""
PICTURE_S = 5.0
PICTURE_WIDTH = 640
MOST_WAITING = 2000
"""Events that wait for the broker; later ones are left out until there is room."""
FIRST_TRY_S = 2.0
CLOSE_S = 1.9


class MqttListener:
    """Publishes under the broker's base topic: state, picture and availability, which are retained, and event.

    `state` is that of the run at its start; `labels` are the model's, `version` ours, for Home Assistant.
    """

    name = "mqtt"

    def __init__(
        self, settings: MqttSettings, publisher: Publisher, state: RunState, labels: tuple[str, ...], version: str
    ) -> None:
        self._settings = settings
        self._publisher = publisher
        self._state = state
        topic = settings.broker.topic
        self._topics = {name: topic(name) for name in ("state", "event", "picture")}
        wake_up = home_assistant.birth_topic(settings.discovery) if settings.discovery else None
        self._connection = MqttConnection(settings, topic("availability"), self._announce, wake_up)
        self._device = home_assistant.discovery(settings.broker.base_topic, labels, state.model_name, version)
        self._changes = Changes()
        self._waiting: deque[MQTTMessageInfo] = deque()
        self._delivered = self._lost = 0
        self._counting = threading.Lock()
        self._leaving: dict[str, MQTTMessageInfo] = {}  # the last message of a topic with QoS 0
        self._sent_s = {"state": float("-inf"), "picture": float("-inf")}
        self._owes_state = self._owes_picture = False

    @property
    def problem(self) -> str | None:
        """Why there is no connection, None if there is one."""
        return self._connection.problem

    @property
    def backlog(self) -> Backlog:
        """What became of the events; asked for in any thread."""
        self._settle()
        return Backlog(self._delivered, self._lost, len(self._waiting))

    def open(self) -> None:
        """Begin to connect. Raises MissingExtra or BadOption."""
        self._connection.open()

    def handle(self, event: Event) -> None:
        """Publish what is due. Raises ListenerFailed for an event that must be left out."""
        self._connection.await_first_try(FIRST_TRY_S)  # what is short, such as one picture, waits for the connection
        before, self._state = self._state.answer, self._state.after(event)
        is_other = self._state.answer != before
        is_news = not isinstance(event.what, Prediction) or self._changes.is_new(event.what)
        self._owes_state |= is_news or is_other or time.monotonic() - self._sent_s["state"] >= STATE_S
        self._owes_picture |= is_other
        self._send_state()
        self._send_picture(PICTURE_S)
        if is_news:
            self._send_event(event)

    def close(self) -> None:
        """Wait until the broker has all, say `offline`, and leave. Raises ListenerFailed for what it has not."""
        until_s = time.monotonic() + CLOSE_S
        self._send_picture(0.0)  # that of the last answer, which the state is left with
        while (self._owes_state or self._owes_picture or self._waiting) and time.monotonic() <= until_s:
            time.sleep(0.01)
            self._send_state()
            self._send_picture(0.0)
            self._settle()
        self._connection.close(until_s)
        self._settle()
        if self._waiting:
            why = self.problem or f"{self._settings.broker} was too slow"
            raise ListenerFailed(f"{len(self._waiting)} events were not delivered: {why}")

    def _announce(self) -> None:
        """Tell who we are and how it stands; called in the network's thread."""
        if self._settings.discovery is not None:
            topic = home_assistant.discovery_topic(self._settings.discovery, self._settings.broker.base_topic)
            self._connection.publish(topic, json.dumps(self._device), qos=1, retain=True)
        self._owes_picture = True
        if self._state.time is not None:
            self._owes_state = True
            self._send_state()

    def _send_state(self) -> None:
        if self._owes_state and self._is_free("state"):
            self._owes_state = False
            self._send_newest("state", json.dumps(self._state.as_json()))

    def _send_picture(self, pause_s: float) -> None:
        frame = self._publisher.newest_frame
        is_due = self._owes_picture and time.monotonic() - self._sent_s["picture"] >= pause_s
        if frame is None or self._state.answer is None:  # a lost camera shows nothing, not what it showed before
            self._owes_picture = False  # the next answer's is owed anew
        elif is_due and self._is_free("picture"):
            self._owes_picture = False
            self._send_newest("picture", jpeg_of(frame))

    def _is_free(self, topic: str) -> bool:
        """Whether there is a connection, and the topic's last message is out: a slow broker gets fewer."""
        return self._connection.is_online and (topic not in self._leaving or is_gone(self._leaving[topic]))

    def _send_newest(self, topic: str, content: str | bytes) -> None:
        self._sent_s[topic] = time.monotonic()
        self._leaving[topic] = self._connection.publish(self._topics[topic], content, qos=0, retain=True)

    def _send_event(self, event: Event) -> None:
        self._settle()
        if len(self._waiting) >= MOST_WAITING:
            raise ListenerFailed(f"{MOST_WAITING} events wait for {self._settings.broker}; what is new is left out")
        if self._settings.qos == 0 and not self._connection.is_online:
            raise ListenerFailed(self.problem or f"no connection to {self._settings.broker}")
        content = json.dumps(as_json(event))
        self._waiting.append(
            self._connection.publish(self._topics["event"], content, qos=self._settings.qos, retain=False)
        )

    def _settle(self) -> None:
        """Count the events that the broker has, or that were lost with a connection (QoS 0)."""
        with self._counting:
            while self._waiting and is_gone(self._waiting[0]):
                is_lost = self._waiting.popleft().rc > 0
                self._lost += is_lost
                self._delivered += not is_lost


def jpeg_of(frame: Frame) -> bytes:
    """The frame as a JPEG, at most PICTURE_WIDTH wide."""
    height, width = frame.pixels.shape[:2]
    shrink = min(1.0, PICTURE_WIDTH / width)
    size = (round(width * shrink), max(1, round(height * shrink)))
    pixels = cv2.resize(frame.pixels, size, interpolation=cv2.INTER_AREA)  # a copy where the size is the same
    return bytes(cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, 80))[1].tobytes())
