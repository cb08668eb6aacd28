"""The listeners that the command line asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.choices import MQTT_PASSWORD, WEBHOOK_SECRET
from edge.cli import option_values
from edge.errors import BadOption

if TYPE_CHECKING:
    from edge.cli.listener_options import ListenerOptions
    from edge.events.listeners.listener import Listener
    from edge.events.publisher import Publisher
    from edge.events.run_state import RunState


def open_listeners(
    options: ListenerOptions, publisher: Publisher, labels: tuple[str, ...], state: RunState
) -> list[Listener]:
    """The listeners that the options ask for; `labels` are the model's, `state` is the run's at its start.

    Raises BadOption, which SecretRefused is too, or MissingExtra.
    """
    found: list[Listener] = []
    if options.webhook is None and (options.webhook_secret_file or options.webhook_queue):
        raise BadOption("there are options for a webhook, but no address", "--webhook URL")
    if options.webhook is not None:
        found.append(_webhook(options, options.webhook))
    if options.mqtt is None and (options.mqtt_password_file or options.mqtt_ca_file or options.mqtt_certificate):
        raise BadOption("there are options for MQTT, but no broker", "--mqtt URL")
    if options.mqtt is not None:
        found.append(_mqtt(options, options.mqtt, publisher, labels, state))
    if options.metrics is not None:
        from edge.events.listeners.metrics import Metrics, parse_address

        found.append(Metrics(*parse_address(options.metrics), publisher, labels, state.model_name))
    if options.gpio:
        from edge.events.listeners.gpio import Gpio, parse_pins

        found.append(Gpio(parse_pins(options.gpio, labels)))
    return found


def _webhook(options: ListenerOptions, url: str) -> Listener:
    from edge.events.listeners.spool import Spool
    from edge.events.listeners.webhook import Webhook, key_of
    from edge.service.secrets import secret_from
    from edge.service.state_folder import state_folder
    from edge.stream.review_folder import parse_size

    size = parse_size(options.webhook_queue_max)
    secret = secret_from(options.webhook_secret_file, WEBHOOK_SECRET)
    folder = options.webhook_queue or state_folder("--webhook-queue DIR") / "webhook"
    return Webhook(url, Spool(folder, size), None if secret is None else key_of(secret))


def _mqtt(
    options: ListenerOptions, url: str, publisher: Publisher, labels: tuple[str, ...], state: RunState
) -> Listener:
    from importlib.metadata import version

    from edge.events.listeners.mqtt import MqttListener
    from edge.events.listeners.mqtt_broker import MqttSettings, parse_broker
    from edge.service.secrets import secret_from

    broker = parse_broker(url)
    password = secret_from(options.mqtt_password_file, MQTT_PASSWORD)
    if password is not None and broker.user is None:
        raise BadOption("there is a password for MQTT, but no user", f"--mqtt mqtt://USER@{broker}")
    if not broker.tls and (options.mqtt_ca_file or options.mqtt_certificate):
        raise BadOption("certificates are for TLS", "--mqtt mqtts://...")
    prefix = None if options.mqtt_discovery == option_values.NO_DISCOVERY else options.mqtt_discovery
    settings = MqttSettings(broker, password, options.mqtt_qos, prefix, options.mqtt_ca_file, options.mqtt_certificate)
    return MqttListener(settings, publisher, state, labels, version("fmnist-edge"))
