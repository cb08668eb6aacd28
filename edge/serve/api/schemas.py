"""JSON Schemas of what the routes answer, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
MAYBE_TEXT: Schema = {"type": ["string", "null"]}
MAYBE_NUMBER: Schema = {"type": ["number", "null"]}
BYTES: Schema = {}
"""OpenAPI 3.1: content that is not JSON has no schema."""


def record(**properties: Schema) -> Schema:
    """An object that has all these properties, and may have more."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def several(items: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": items}


VERSION: Schema = {"const": 1}
SCORED = record(label=TEXT, score=NUMBER)
DECISION: Schema = {"enum": ["garment", "unknown", "no_garment"]}

PREDICTION = record(
    v=VERSION,
    source=TEXT,
    frame=COUNT,
    label=MAYBE_TEXT,
    score=MAYBE_NUMBER,
    top=several(SCORED),
    decision=DECISION,
    presence=MAYBE_NUMBER,
    hint=MAYBE_TEXT,
    latency_ms={"type": "object", "additionalProperties": NUMBER},
    time=MAYBE_TEXT,
)
COUNTS = {
    "waiting": COUNT,
    "unknown": COUNT,
    "classes": several(record(label=TEXT, folder=TEXT, count=COUNT, needs=COUNT)),
    "can_undo": COUNT,
}
STATE = record(
    v=VERSION,
    uptime_s=NUMBER,
    camera=record(
        state={"enum": ["starting", "ok", "lost", "ended"]},
        source=MAYBE_TEXT,
        reason=MAYBE_TEXT,
        message=MAYBE_TEXT,
        hint=MAYBE_TEXT,
        since_s=MAYBE_NUMBER,
        size={"type": ["array", "null"], "items": COUNT},
    ),
    answer={"anyOf": [PREDICTION, {"type": "null"}]},
    answer_age_s=MAYBE_NUMBER,
    frames=COUNT,
    dropped=COUNT,
    frames_per_s=NUMBER,
    age_ms=MAYBE_NUMBER,
    temperature_c=MAYBE_NUMBER,
    memory_mb=MAYBE_NUMBER,
    model=record(name=TEXT, sha256=TEXT, accuracy=MAYBE_NUMBER),
    backend=TEXT,
    drift=several(record(measure=TEXT, value=NUMBER, expected=NUMBER, window_s=NUMBER, message=TEXT)),
    listeners={
        "type": "object",
        "additionalProperties": record(delivered=COUNT, dropped=COUNT, waiting=COUNT, problem=MAYBE_TEXT),
    },
    problem=MAYBE_TEXT,
    version=TEXT,
    labels=several(TEXT),
    label={"anyOf": [record(**COUNTS), {"type": "null"}]},
    asks_token={"type": "boolean"},
)
HISTORY = record(
    v=VERSION,
    buckets=several(
        record(
            ago_s=NUMBER,
            seconds=NUMBER,
            frames=COUNT,
            frames_per_s=NUMBER,
            score=MAYBE_NUMBER,
            labels={"type": "object", "additionalProperties": COUNT},
            decisions={"type": "object", "additionalProperties": COUNT},
        )
    ),
)
LISTING = record(
    v=VERSION,
    frames=several(
        record(id=TEXT, time=MAYBE_TEXT, label=MAYBE_TEXT, score=MAYBE_NUMBER, decision=MAYBE_TEXT, top=several(SCORED))
    ),
    targets=several(TEXT),
    **COUNTS,
)
MOVED = record(v=VERSION, moved=several(TEXT), failed=several(record(id=TEXT, reason=TEXT)), **COUNTS)
MOVE: Schema = {
    "type": "object",
    "properties": {"ids": {**several(TEXT), "minItems": 1, "maxItems": 500}, "to": TEXT},
    "required": ["ids", "to"],
}
MODELS = record(
    v=VERSION,
    models=several(
        record(name=TEXT, sha256=TEXT, in_service={"type": "boolean"}, accuracy=MAYBE_NUMBER, card={"type": "object"})
    ),
)
SWITCH: Schema = {"type": "object", "properties": {"name": TEXT}, "required": ["name"]}
EMPTY: Schema = {"type": "object"}
STATUS = record(status={"const": "ok"})
PROBLEM = record(type=TEXT, title=TEXT, status=COUNT, detail=TEXT)
