"""What Home Assistant is told of a device by MQTT discovery: one message from which it makes a device and its entities.

The keys are those of https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

from edge.events.run_state import NOT_A_LABEL


def object_id(base_topic: str) -> str:
    """What the device is called in topics and ids: letters that Home Assistant takes, and no two topics alike."""
    readable = re.sub(r"[^a-zA-Z0-9]+", "-", base_topic).strip("-").lower()[:40]
    return f"fmnist-edge-{readable}-{hashlib.sha256(base_topic.encode()).hexdigest()[:8]}"


def discovery_topic(prefix: str, base_topic: str) -> str:
    """Where Home Assistant looks for the message."""
    return f"{prefix}/device/{object_id(base_topic)}/config"


def birth_topic(prefix: str) -> str:
    """Where Home Assistant says `online` when it has started."""
    return f"{prefix}/status"


def discovery(base_topic: str, labels: Sequence[str], model_name: str, version: str) -> dict[str, Any]:
    """The device with its entities; `labels` are the model's."""
    ours = object_id(base_topic)
    return {
        "device": {
            "identifiers": [ours],
            "name": base_topic,
            "manufacturer": "fmnist-edge",
            "model": f"garment classifier, model {model_name}",
            "sw_version": version,
        },
        "origin": {"name": "fmnist-edge", "sw_version": version},
        "availability_topic": f"{base_topic}/availability",
        "qos": 1,
        "components": {
            name: {"unique_id": f"{ours}-{name}", **component}
            for name, component in _components(base_topic, labels).items()
        },
    }


def _components(base_topic: str, labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    state = {"state_topic": f"{base_topic}/state"}
    is_diagnostic = {"entity_category": "diagnostic"}
    return {
        "label": {
            "platform": "sensor",
            "name": "Garment",
            "icon": "mdi:tshirt-crew",
            "device_class": "enum",
            "options": list(dict.fromkeys((*labels, *NOT_A_LABEL.values()))),
            "value_template": "{{ value_json.answer }}",
            **state,
        },
        "score": {
            "platform": "sensor",
            "name": "Score",
            "icon": "mdi:percent",
            "state_class": "measurement",
            "unit_of_measurement": "%",
            # None is "unknown" there. Whole numbers: each change is written to its data base.
            "value_template": "{{ None if value_json.score is none else (100 * value_json.score) | round | int }}",
            **state,
        },
        "picture": {
            "platform": "image",
            "name": "Picture",
            "content_type": "image/jpeg",
            "image_topic": f"{base_topic}/picture",
        },
        "camera": {
            "platform": "binary_sensor",
            "name": "Camera",
            "device_class": "connectivity",
            "payload_on": "ok",
            "payload_off": "lost",
            "value_template": "{{ value_json.camera }}",
            **is_diagnostic,
            **state,
        },
        "problem": {
            "platform": "binary_sensor",
            "name": "Problem",
            "device_class": "problem",
            "value_template": "{{ 'ON' if value_json.problem else 'OFF' }}",
            **is_diagnostic,
            **state,
        },
        "version": {
            "platform": "sensor",
            "name": "Model version",
            "icon": "mdi:update",
            "value_template": "{{ value_json.fleet.version if value_json.fleet else None }}",
            **is_diagnostic,
            **state,
        },
        "canaries": {
            "platform": "sensor",
            "name": "Accuracy on own pictures",
            "icon": "mdi:bird",
            "state_class": "measurement",
            "unit_of_measurement": "%",
            "value_template": "{{ (100 * value_json.fleet.accuracy) | round(1) "
            "if value_json.fleet and value_json.fleet.accuracy is not none else None }}",
            **is_diagnostic,
            **state,
        },
        "temperature": {
            "platform": "sensor",
            "name": "Processor temperature",
            "device_class": "temperature",
            "state_class": "measurement",
            "unit_of_measurement": "°C",
            "value_template": "{{ value_json.temperature_c }}",
            **is_diagnostic,
            **state,
        },
    }
