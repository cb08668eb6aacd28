"""The options that start listeners, and the listeners that they ask for."""

from pathlib import Path
from typing import Annotated

from edge.choices import MQTT_PASSWORD, WEBHOOK_SECRET
from edge.cli import option_values
from edge.cli.option_groups import Option, OptionGroup

LISTENERS = "Listeners"


class ListenerOptions(OptionGroup):
    """Who is told of events beside stdout."""

    webhook: Annotated[
        str | None,
        Option(
            metavar="URL",
            callback=option_values.webhook,
            help="Post events there, as JSON, in batches.",
            rich_help_panel=LISTENERS,
        ),
    ] = None
    webhook_secret_file: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help=f"Sign what is posted with the secret in it: one line, mode 0600; or set {WEBHOOK_SECRET}.",
            rich_help_panel=LISTENERS,
        ),
    ] = None
    webhook_queue: Annotated[
        Path | None,
        Option(metavar="DIR", help="Where events wait that are not posted yet.", rich_help_panel=LISTENERS),
    ] = None
    webhook_queue_max: Annotated[
        str,
        Option(
            metavar="SIZE",
            callback=option_values.size,
            help="At most so much; the oldest make room.",
            rich_help_panel=LISTENERS,
        ),
    ] = option_values.DEFAULT_QUEUE_SIZE
    mqtt: Annotated[
        str | None,
        Option(
            metavar="URL",
            callback=option_values.broker,
            help="Publish to this broker: mqtt://USER@HOST:1883/BASE/TOPIC, or mqtts:// for TLS.",
            rich_help_panel=LISTENERS,
        ),
    ] = None
    mqtt_password_file: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help=f"Its password: one line, in a file with mode 0600; or set {MQTT_PASSWORD}.",
            rich_help_panel=LISTENERS,
        ),
    ] = None
    mqtt_ca_file: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="Certificates (PEM) that vouch for the broker's; the system's if not given.",
            rich_help_panel=LISTENERS,
        ),
    ] = None
    mqtt_certificate: Annotated[
        Path | None,
        Option(
            metavar="FILE", help="Our certificate with its key (PEM), for brokers that ask.", rich_help_panel=LISTENERS
        ),
    ] = None
    mqtt_qos: Annotated[
        int,
        Option(min=0, max=1, help="Of events; 1 sends again until acknowledged.", rich_help_panel=LISTENERS),
    ] = 1
    mqtt_discovery: Annotated[
        str,
        Option(
            metavar="PREFIX",
            callback=option_values.discovery,
            help="Of Home Assistant's discovery topics; none for no discovery.",
            rich_help_panel=LISTENERS,
        ),
    ] = option_values.DEFAULT_DISCOVERY
    metrics: Annotated[
        str | None,
        Option(
            metavar="[ADDRESS:]PORT",
            callback=option_values.metrics,
            help="Serve metrics to Prometheus; to this machine alone unless an address is given.",
            rich_help_panel=LISTENERS,
        ),
    ] = None
    gpio: Annotated[
        list[str] | None,
        Option(
            metavar="LABEL=PIN",
            callback=option_values.gpio,
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
