"""The discovery message, held against the keys that Home Assistant knows for each platform."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import jinja2
import pytest

from edge.events.event import Drift
from edge.events.listeners.home_assistant import birth_topic, discovery, discovery_topic, object_id
from edge.events.run_state import RunState
from edge.frame import Decision
from edge.spec import FASHION_MNIST_LABELS
from tests.edge.events.happenings import FLEET, HEARTBEAT, MODEL, event, prediction

# From https://www.home-assistant.io/integrations/mqtt and its pages on sensor.mqtt, binary_sensor.mqtt and image.mqtt:
# which keys must be there, which may.
DEVICE = (
    {"identifiers"},
    {"name", "manufacturer", "model", "model_id", "sw_version", "hw_version", "serial_number", "configuration_url"},
)
ORIGIN = ({"name"}, {"sw_version", "support_url"})
TOP = (
    {"device", "origin", "components"},
    {"state_topic", "command_topic", "availability", "availability_topic", "availability_mode", "qos", "encoding"},
)
ENTITY = {"name", "icon", "entity_category", "enabled_by_default", "default_entity_id", "object_id", "qos", "encoding"}
ENTITY |= {"availability_topic", "payload_available", "payload_not_available", "availability_mode"}
ENTITY |= {"json_attributes_topic", "json_attributes_template", "entity_picture"}
STATEFUL = {"value_template", "device_class", "expire_after", "force_update"}
PLATFORMS = {
    "sensor": (
        {"platform", "unique_id", "state_topic"},
        ENTITY
        | STATEFUL
        | {"options", "unit_of_measurement", "state_class", "suggested_display_precision", "last_reset_value_template"},
    ),
    "binary_sensor": (
        {"platform", "unique_id", "state_topic"},
        ENTITY | STATEFUL | {"payload_on", "payload_off", "off_delay"},
    ),
    "image": ({"platform", "unique_id", "image_topic"}, ENTITY | {"content_type", "image_encoding"}),
}
DEVICE_CLASSES = {
    "sensor": {"enum", "temperature", None},
    "binary_sensor": {"connectivity", "problem"},
    "image": {None},
}


def check_keys(found: dict[str, Any], rules: tuple[set[str], set[str]]) -> None:
    required, allowed = rules
    assert required <= set(found)
    assert set(found) <= required | allowed


@pytest.fixture(scope="module")
def message() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(discovery("shop/shelf-1", FASHION_MNIST_LABELS, "camera", "0.1.0")))
    return read


def test_every_key_is_one_that_home_assistant_knows(message: dict[str, Any]) -> None:
    check_keys(message, TOP)
    check_keys(message["device"], DEVICE)
    check_keys(message["origin"], ORIGIN)
    for component in message["components"].values():
        check_keys(component, PLATFORMS[component["platform"]])
        assert component.get("device_class") in DEVICE_CLASSES[component["platform"]]
        assert component.get("entity_category") in {None, "diagnostic"}
        # an enum has options and no unit, everything measured has both
        assert ("options" in component) == (component.get("device_class") == "enum")
        assert ("state_class" in component) == ("unit_of_measurement" in component)


def test_the_entities(message: dict[str, Any]) -> None:
    components = message["components"]
    assert {name: one["platform"] for name, one in components.items()} == {
        "label": "sensor",
        "score": "sensor",
        "picture": "image",
        "camera": "binary_sensor",
        "problem": "binary_sensor",
        "version": "sensor",
        "canaries": "sensor",
        "temperature": "sensor",
    }
    assert components["label"]["options"] == [*FASHION_MNIST_LABELS, "unknown", "no garment"]
    assert len({one["unique_id"] for one in components.values()}) == len(components)
    assert message["availability_topic"] == "shop/shelf-1/availability"
    assert components["picture"]["image_topic"] == "shop/shelf-1/picture"
    assert {one["state_topic"] for one in components.values() if "state_topic" in one} == {"shop/shelf-1/state"}


def test_labels_of_ones_own_that_are_our_words_are_options_once() -> None:
    labels = discovery("a", ("Hut", "unknown"), "mine", "0.1.0")["components"]["label"]["options"]
    assert labels == ["Hut", "unknown", "no garment"]


def rendered(template: str, state: dict[str, Any]) -> str:
    """What Home Assistant makes of a template: Jinja, with the payload as `value_json`."""
    text: str = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(template).render(value_json=state)
    return text


def test_the_templates_give_what_each_entity_takes(message: dict[str, Any]) -> None:
    values = {name: one["value_template"] for name, one in message["components"].items() if one["platform"] != "image"}
    start = RunState(MODEL, "camera", "litert")
    sure = start.after(event(prediction("Sneaker"))).after(event(HEARTBEAT))
    states = {
        "start": start,
        "sure": sure,
        "empty": sure.after(event(prediction("", Decision.NO_GARMENT))),
        "drift": sure.after(event(Drift("score", 0.4, 0.9, 3600.0, True, "the lamp died"))),
        "fleet": sure.after(event(FLEET, None)),
        "first": sure.after(event(replace(FLEET, version=None, accuracy=None, problem=None), None)),
    }
    read = {
        name: {
            entity: rendered(template, json.loads(json.dumps(state.as_json()))) for entity, template in values.items()
        }
        for name, state in states.items()
    }
    nothing = {"version": "None", "canaries": "None"}
    assert read["start"] == nothing | {
        "label": "None",
        "score": "None",
        "camera": "ok",
        "problem": "OFF",
        "temperature": "None",
    }
    assert read["sure"] == nothing | {
        "label": "Sneaker",
        "score": "90",
        "camera": "ok",
        "problem": "OFF",
        "temperature": "48.3",
    }
    assert (read["empty"]["label"], read["empty"]["score"]) == ("no garment", "None")
    assert read["drift"]["problem"] == "ON"
    told = read["fleet"]
    assert (told["version"], told["canaries"], told["problem"]) == ("camera-11", "91.0", "ON")
    assert (read["first"]["version"], read["first"]["canaries"], read["first"]["problem"]) == ("None", "None", "OFF")


@pytest.mark.parametrize("base", ["garments", "Läden/Regal 1", "a" * 900, "日本/棚"])
def test_object_ids_are_what_home_assistant_takes(base: str) -> None:
    assert re.fullmatch("[a-zA-Z0-9_-]{1,64}", object_id(base))
    topic = discovery_topic("homeassistant", base)
    assert re.fullmatch("homeassistant/device/[a-zA-Z0-9_-]+/config", topic)


def test_devices_are_told_apart() -> None:
    bases = ["shop/1", "shop-1", "Shop/1", "日本/棚", "日本/靴"]
    assert len({object_id(base) for base in bases}) == len(bases)
    assert birth_topic("homeassistant") == "homeassistant/status"
