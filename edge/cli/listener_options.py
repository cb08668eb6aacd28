"""The options that start listeners, and the listeners that they ask for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli import option_values
from edge.errors import BadOption

if TYPE_CHECKING:
    from edge.events.listener import Listener
    from edge.events.publisher import Publisher
    from edge.events.run_state import RunState

LISTENERS = "Listeners"
MQTT_PASSWORD = "FMNIST_EDGE_MQTT_PASSWORD"  # noqa: S105 - the name of a variable
WEBHOOK_SECRET = "FMNIST_EDGE_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True)
class ListenerOptions:
    """Who is told of events beside stdout."""

    webhook: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            callback=option_values.webhook,
            help="Post events there, as JSON, in batches.",
            rich_help_panel=LISTENERS,
        ),
    ] = None
    webhook_secret_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"Sign what is posted with the secret in it: one line, mode 0600; or set {WEBHOOK_SECRET}.",
            rich_help_panel=LISTENERS,
        ),
    ] = None
    webhook_queue: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where events wait that are not posted yet.", rich_help_panel=LISTENERS),
    ] = None
    webhook_queue_max: Annotated[
        str,
        typer.Option(
            metavar="SIZE",
            callback=option_values.size,
            help="At most so much; the oldest make room.",
            rich_help_panel=LISTENERS,
        ),
    ] = option_values.DEFAULT_QUEUE_SIZE
    mqtt: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            callback=option_values.broker,
            help="Publish to this broker: mqtt://USER@HOST:1883/BASE/TOPIC, or mqtts:// for TLS.",
            rich_help_panel=LISTENERS,
        ),
    ] = None
    mqtt_password_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"Its password: one line, in a file with mode 0600; or set {MQTT_PASSWORD}.",
            rich_help_panel=LISTENERS,
        ),
    ] = None
    mqtt_ca_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Certificates (PEM) that vouch for the broker's; the system's if not given.",
            rich_help_panel=LISTENERS,
        ),
    ] = None
    mqtt_certificate: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Our certificate with its key (PEM), for brokers that ask.", rich_help_panel=LISTENERS
        ),
    ] = None
    mqtt_qos: Annotated[
        int,
        typer.Option(min=0, max=1, help="Of events; 1 sends again until acknowledged.", rich_help_panel=LISTENERS),
    ] = 1
    mqtt_discovery: Annotated[
        str,
        typer.Option(
            metavar="PREFIX",
            callback=option_values.discovery,
            help="Of Home Assistant's discovery topics; none for no discovery.",
            rich_help_panel=LISTENERS,
        ),
    ] = option_values.DEFAULT_DISCOVERY
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="[ADDRESS:]PORT",
            callback=option_values.metrics,
            help="Serve metrics to Prometheus; to this machine alone unless an address is given.",
            rich_help_panel=LISTENERS,
        ),
    ] = None
    gpio: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL=PIN",
            help="Switch this pin on while that is the answer; also unknown=PIN, no_garment=PIN, camera_lost=PIN. "
            "Repeatable.",
            rich_help_panel=LISTENERS,
        ),
    ] = None

    def are_given(self) -> bool:
        """Whether any listener is asked for."""
        of_webhook = (self.webhook, self.webhook_secret_file, self.webhook_queue)
        of_mqtt = (self.mqtt, self.mqtt_password_file, self.mqtt_ca_file, self.mqtt_certificate)
        return any(one is not None for one in (*of_webhook, *of_mqtt, self.metrics)) or bool(self.gpio)

    def listeners(self, publisher: Publisher, labels: tuple[str, ...], state: RunState) -> list[Listener]:
        """The listeners that the options ask for; `labels` are the model's, `state` is the run's at its start.

        Raises BadOption, which SecretRefused is too, or MissingExtra.
        """
        found: list[Listener] = []
        if self.webhook is None and (self.webhook_secret_file or self.webhook_queue):
            raise BadOption("there are options for a webhook, but no address", "--webhook URL")
        if self.webhook is not None:
            found.append(self._webhook(self.webhook))
        if self.mqtt is None and (self.mqtt_password_file or self.mqtt_ca_file or self.mqtt_certificate):
            raise BadOption("there are options for MQTT, but no broker", "--mqtt URL")
        if self.mqtt is not None:
            found.append(self._mqtt(self.mqtt, publisher, labels, state))
        if self.metrics is not None:
            from edge.events.metrics import Metrics, parse_address

            found.append(Metrics(*parse_address(self.metrics), publisher, labels, state.model_name))
        if self.gpio:
            from edge.events.gpio import Gpio, parse_pins

            found.append(Gpio(parse_pins(self.gpio, labels)))
        return found

    def _webhook(self, url: str) -> Listener:
        from edge.events.spool import Spool
        from edge.events.webhook import Webhook, key_of
        from edge.service.secrets import secret_from
        from edge.stream.review_folder import parse_size

        size = parse_size(self.webhook_queue_max)
        secret = secret_from(self.webhook_secret_file, WEBHOOK_SECRET)
        folder = self.webhook_queue or _state_folder() / "webhook"
        return Webhook(url, Spool(folder, size), None if secret is None else key_of(secret))

    def _mqtt(self, url: str, publisher: Publisher, labels: tuple[str, ...], state: RunState) -> Listener:
        from importlib.metadata import version

        from edge.events.mqtt import MqttListener
        from edge.events.mqtt_broker import MqttSettings, parse_broker
        from edge.service.secrets import secret_from

        broker = parse_broker(url)
        password = secret_from(self.mqtt_password_file, MQTT_PASSWORD)
        if password is not None and broker.user is None:
            raise BadOption("there is a password for MQTT, but no user", f"--mqtt mqtt://USER@{broker}")
        if not broker.tls and (self.mqtt_ca_file or self.mqtt_certificate):
            raise BadOption("certificates are for TLS", "--mqtt mqtts://...")
        prefix = None if self.mqtt_discovery == option_values.NO_DISCOVERY else self.mqtt_discovery
        settings = MqttSettings(broker, password, self.mqtt_qos, prefix, self.mqtt_ca_file, self.mqtt_certificate)
        return MqttListener(settings, publisher, state, labels, version("fmnist-edge"))


def _state_folder() -> Path:
    """Where a service (systemd's StateDirectory=) or a user keeps what must survive a restart."""
    of_service = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if of_service:
        return Path(of_service)
    of_user = os.environ.get("XDG_STATE_HOME", "")
    try:
        return (Path(of_user) if of_user.startswith("/") else Path("~/.local/state").expanduser()) / "fmnist-edge"
    except RuntimeError as error:
        raise BadOption("this user has no home, where events could wait", "--webhook-queue DIR") from error
