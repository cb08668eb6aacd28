"""The connection to an MQTT broker: made again whenever it breaks, with what is wrong in words."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edge.errors import MissingExtra
from edge.events.listeners.mqtt_broker import MqttSettings, tls_context, why_refused, why_unreachable

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessageInfo

ONLINE, OFFLINE = "online", "offline"
"""What stands in the availability topic; the words that Home Assistant expects there."""
MOST_QUEUED = 4000
"""Messages with QoS 1 that wait in the client."""
KEEPALIVE_S = 30
"""A broker that is silent for twice as long is gone; after one and a half times, it says for us that we are."""
CONNECT_S = 5.0
RETRY_FIRST_S, RETRY_MOST_S = 1, 10
REFUSED_S = 30
"""A wrong password gets no better by trying often, and brokers shut out who does."""
SHORT_S = 5.0
"""A connection that lived no longer was no good."""


class MqttConnection:
    """A client of a broker, with a last will; `available` is its topic.

    paho's thread runs the network: it calls `on_online` after each connection, and when a message comes to the topic
    `wake_up` that says `online`.
    """

    def __init__(
        self, settings: MqttSettings, available: str, on_online: Callable[[], None], wake_up: str | None
    ) -> None:
        self._settings = settings
        self._broker = settings.broker
        self._available = available
        self._on_online = on_online
        self._wake_up = wake_up
        self.is_online = False
        self._is_refused = self._is_closing = False
        self._opened_s = self._online_s = 0.0
        self._short_connections = 0
        self._problem: str | None = None
        self._tried = threading.Event()
        self._closed = threading.Event()

    @property
    def problem(self) -> str | None:
        """Why there is no connection; None where there is one, or one may come at any moment."""
        if self._problem or self.is_online or self._is_closing or time.monotonic() - self._opened_s < 2 * CONNECT_S:
            return self._problem
        return f"{self._broker} takes the connection, but does not answer: is it an MQTT broker?"

    def open(self) -> None:
        """Begin to connect, and go on until there is a broker. Raises MissingExtra or BadOption."""
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
        except ImportError as error:
            raise MissingExtra("--mqtt needs the extra mqtt", "pip install 'fmnist-edge[mqtt]'") from error
        # Every broker speaks 3.1.1. A session that persists and a constant id: what was sent is sent again.
        version = MQTTProtocolVersion.MQTTv311
        client = Client(CallbackAPIVersion.VERSION2, self._broker.client_id, clean_session=False, protocol=version)
        client.max_queued_messages_set(MOST_QUEUED)
        client.connect_timeout = CONNECT_S
        client.reconnect_delay_set(RETRY_FIRST_S, RETRY_MOST_S)
        if self._broker.user is not None:
            client.username_pw_set(self._broker.user, self._settings.password)
        if self._broker.tls:
            client.tls_set_context(tls_context(self._settings))
        client.will_set(self._available, OFFLINE, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.connect_async(self._broker.host, self._broker.port, KEEPALIVE_S)
        self._client: Client = client
        self._opened_s = time.monotonic()
        client.loop_start()

    def await_first_try(self, longest_s: float) -> None:
        """Return when the first attempt to connect has succeeded or failed, or has taken so long."""
        if not self._tried.is_set():
            self._tried.wait(longest_s)
            self._tried.set()

    def publish(self, topic: str, content: str | bytes, *, qos: int, retain: bool) -> MQTTMessageInfo:
        """Send a message; with QoS 1 it waits for a connection if there is none. Never blocks."""
        from paho.mqtt.enums import MQTTErrorCode

        info = self._client.publish(topic, content, qos, retain)
        if qos > 0 and info.rc is MQTTErrorCode.MQTT_ERR_NO_CONN:
            info.rc = MQTTErrorCode.MQTT_ERR_SUCCESS  # it is queued: without this is_published would raise for ever
        return info

    def close(self, until_s: float) -> None:
        """Say `offline` and leave, until then by the monotonic clock."""
        self._is_closing = True
        self._closed.clear()
        was_online = self.is_online
        if was_online:
            offline = self.publish(self._available, OFFLINE, qos=1, retain=True)
            while not is_gone(offline) and time.monotonic() < until_s:
                time.sleep(0.01)
        self._client.disconnect()
        if was_online:
            self._closed.wait(max(0.1, until_s - time.monotonic()))

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._is_refused = reason.is_failure
        if self._is_refused:
            self._problem = why_refused(reason.value, self._broker)
            client.reconnect_delay_set(REFUSED_S, REFUSED_S)
        else:
            client.reconnect_delay_set(RETRY_FIRST_S, RETRY_MOST_S)
            self._problem = None
            self.is_online, self._online_s = True, time.monotonic()
            self.publish(self._available, ONLINE, qos=1, retain=True)
            if self._wake_up is not None:
                client.subscribe(self._wake_up)
            self._on_online()
        self._tried.set()

    def _on_connect_fail(self, _client: Client, _data: Any) -> None:
        error = sys.exception()  # paho calls this while it handles the exception, and does not hand it over
        if isinstance(error, OSError):
            self._problem = why_unreachable(error, self._broker)
        self._tried.set()

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        was_online, self.is_online = self.is_online, False
        if self._is_closing:
            self._closed.set()
        elif was_online:
            is_short = time.monotonic() - self._online_s < SHORT_S
            self._short_connections = self._short_connections + 1 if is_short else 0
            self._problem = f"the connection to {self._broker} is lost; trying again"
            if self._short_connections >= 3:
                self._problem = (
                    f"{self._broker} drops us again and again: does another run use the same topic, is the network bad?"
                )
        elif not self._is_refused:
            what = "does not answer" if reason.getName() == "Keep alive timeout" else "closes the connection at once"
            self._problem = f"{self._broker} {what}: is it an MQTT broker, does it want mqtts://?"
        self._tried.set()

    def _on_message(self, _client: Client, _data: Any, message: Any) -> None:
        if message.payload == ONLINE.encode() and not message.retain:
            self._on_online()


def is_gone(info: MQTTMessageInfo) -> bool:
    """Whether a message is out of our hands: with QoS 1 acknowledged; with QoS 0 sent, or lost with its connection."""
    try:
        return info.is_published()
    except RuntimeError:
        return True
