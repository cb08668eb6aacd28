"""The table of all checks, in the order in which they are told: one that fails may be why later ones do."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from edge.choices import EDGETPU_LIBRARY, MQTT_PASSWORD
from edge.inference.model_file import bundled_models, read_model
from edge.service.doctor import models, mqtt, python, runtimes, webhook
from edge.service.doctor.addresses import parse_address
from edge.service.doctor.clock import clock
from edge.service.doctor.configuration import configuration
from edge.service.doctor.coral import coral, coral_library
from edge.service.doctor.disk import disk
from edge.service.doctor.extras import extras
from edge.service.doctor.finding import Check, Finding
from edge.service.doctor.memory import memory
from edge.service.doctor.pi_camera import look, pi_camera
from edge.service.doctor.power import temperature, throttling
from edge.service.doctor.video_nodes import video_nodes

if TYPE_CHECKING:
    from edge.inference.trusted_keys import TrustedKeys


TRIAL_MODEL = "tiny"
"""The bundled model that the runtimes are tried with."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user wants looked at, beside the machine itself."""

    model: str | None = None
    library: str = EDGETPU_LIBRARY
    mqtt: str | None = None
    mqtt_password_file: Path | None = None
    mqtt_ca_file: Path | None = None
    webhook: str | None = None
    folders: tuple[Path, ...] = ()
    trust: TrustedKeys | None = None


def all_checks(asked: Asked, root: Path = Path("/")) -> dict[str, Check]:
    """Name -> check, for the machine whose files lie under `root`. Raises BadOption for a URL that is none."""
    checks: dict[str, Check] = {
        "python": lambda: python.python(python.this_platform(), python.wheel_tag("ai-edge-litert")),
        "numpy": python.numpy_abi,
        "processor": partial(runtimes.cpu_files, root),
        "runtime": _runtime,
        "configuration": configuration,
        "models": lambda: models.bundled(bundled_models()),
    }
    if asked.model is not None:
        checks["model"] = partial(models.model_file, asked.model, asked.trust)
    look_once = cache(look)
    checks |= {
        "pi camera": lambda: pi_camera(root, look_once()),
        "video nodes": lambda: video_nodes(root, has_pi_camera=bool(look_once().cameras)),
        "coral": partial(coral, root),
        "coral library": partial(coral_library, root, asked.library),
        "power": partial(throttling, root),
        "temperature": partial(temperature, root),
        "memory": partial(memory, root),
    }
    checks |= {f"disk {folder}": partial(disk, folder, root) for folder in asked.folders or _usual_folders()}
    checks["clock"] = lambda: clock(root, datetime.now(UTC))
    if asked.mqtt is not None:
        broker = parse_address(asked.mqtt, mqtt.PORTS, "mqtts")
        secret = asked.mqtt_password_file, MQTT_PASSWORD
        checks["mqtt"] = partial(mqtt.broker, broker, *secret, asked.mqtt_ca_file)
    if asked.webhook is not None:
        checks["webhook"] = partial(webhook.webhook, parse_address(asked.webhook, webhook.PORTS, "https"))
    checks["extras"] = extras
    return checks


def _runtime() -> Finding:
    return runtimes.runtime(read_model(TRIAL_MODEL).flatbuffer)


def _usual_folders() -> tuple[Path, ...]:
    """Where output, temporary files and the data set go if nothing else is said."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path.cwd(), Path(tempfile.gettempdir()), cache
