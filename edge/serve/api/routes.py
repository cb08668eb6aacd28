"""The table of routes: what is answered where, by whom, and what comes back."""

from __future__ import annotations

from edge.serve.api import classify, label, models, pages, pictures, probes, schemas, state
from edge.serve.live_pictures import View
from edge.serve.web.endpoint import Endpoint, Parameter
from edge.serve.web.streams import EVENT_STREAM, MJPEG

JSON = "application/json"
HTML = "text/html"
FORM = "application/x-www-form-urlencoded"

VIEW = Parameter(
    "view",
    "query",
    {"type": "string", "enum": [str(one) for one in View], "default": "plain"},
    "The frame, the frame with the garment's outline, or what the network sees.",
)
ID = Parameter("id", "path", {"type": "string"}, "As the listing has it.")
LIMIT = Parameter(
    "limit", "query", {"type": "integer", "minimum": 1, "maximum": 200, "default": 60}, "At most so many."
)
BEFORE = Parameter("before", "query", {"type": "string"}, "Only those that are older than this id.")
LAST_ID = Parameter(
    "Last-Event-ID", "header", {"type": "string"}, "Events since this one come again, predictions aside."
)

ENDPOINTS = (
    Endpoint("GET", "/api/state", state.state, "How the run stands.", {JSON: schemas.STATE}),
    Endpoint("GET", "/api/history", state.history, "The last hour by the minute.", {JSON: schemas.HISTORY}),
    Endpoint(
        "GET", "/api/events", state.events, "Events as they happen (docs/events.md).", {EVENT_STREAM: schemas.BYTES},
        parameters=(LAST_ID,),
    ),
    Endpoint(
        "GET", "/api/frame.jpg", pictures.frame, "The newest frame.", {"image/jpeg": schemas.BYTES},
        ("bad-request", "not-found"), (VIEW,),
    ),
    Endpoint(
        "GET", "/api/stream.mjpg", pictures.stream, "Frames as they come, at most 15 a second.",
        {MJPEG: schemas.BYTES}, ("bad-request", "too-many"), (VIEW,),
    ),
    Endpoint(
        "POST", "/api/classify", classify.classify, "Classify the picture in the body.", {JSON: schemas.PREDICTION},
        ("bad-request", "too-slow", "conflict", "too-large", "unsupported-type", "unusable", "too-many"),
        body=dict.fromkeys(classify.PICTURES, schemas.BYTES),
    ),
    Endpoint(
        "GET", "/api/label", label.listing, "Uncertain frames that wait to be sorted, the newest first.",
        {JSON: schemas.LISTING}, ("bad-request", "not-found", "disk"), (LIMIT, BEFORE),
    ),
    Endpoint(
        "GET", "/api/label/{id}.jpg", label.picture, "A frame that waits to be sorted.",
        {"image/jpeg": schemas.BYTES, "image/png": schemas.BYTES}, ("not-found", "disk"), (ID,),
    ),
    Endpoint(
        "POST", "/api/label", label.move, "Move frames into a class, to _unknown, or delete them.",
        {JSON: schemas.MOVED}, ("bad-request", "not-found", "too-slow", "too-large", "unsupported-type", "disk"),
        body={JSON: schemas.MOVE},
    ),
    Endpoint(
        "POST", "/api/label/undo", label.undo, "Take the last move back.", {JSON: schemas.MOVED},
        ("bad-request", "not-found", "too-slow", "too-large", "unsupported-type", "disk"), body={JSON: schemas.EMPTY},
    ),
    Endpoint(
        "GET", "/api/label/archive.zip", label.archive, "All sorted frames, CLASS/*.jpg.",
        {"application/zip": schemas.BYTES}, ("not-found",),
    ),
    Endpoint("GET", "/api/models", models.models, "The models, and which one answers.", {JSON: schemas.MODELS}),
    Endpoint(
        "POST", "/api/model", models.switch, "Put another model into service.", {JSON: schemas.MODELS},
        ("bad-request", "not-found", "conflict", "too-slow", "too-large", "unsupported-type"),
        body={JSON: schemas.SWITCH},
    ),
    Endpoint(
        "GET", "/metrics", probes.metrics, "Metrics for Prometheus.", {"text/plain": schemas.BYTES}, ("not-found",)
    ),
    Endpoint(
        "GET", "/healthz", probes.healthz, "Whether the run lives.", {JSON: schemas.STATUS}, ("not-alive",),
        is_open=True,
    ),
    Endpoint(
        "GET", "/readyz", probes.readyz, "Whether camera and model answer.", {JSON: schemas.STATUS}, ("not-ready",),
        is_open=True,
    ),
    Endpoint("GET", "/plain", pages.plain, "The answer in words, for browsers without scripts.", {HTML: schemas.BYTES}),
    Endpoint(
        "GET", "/login", pages.login_form, "The form that asks for the token.", {HTML: schemas.BYTES}, is_open=True
    ),
    Endpoint(
        "POST", "/login", pages.login, "Log in.", {HTML: schemas.BYTES},
        ("bad-request", "cross-site", "too-slow", "too-large", "unsupported-type", "too-many"),
        body={FORM: {"type": "object", "properties": {"token": schemas.TEXT}, "required": ["token"]}}, is_open=True,
    ),
    Endpoint("POST", "/logout", pages.logout, "Take the cookie back.", {HTML: schemas.BYTES}),
)  # fmt: skip
"""Beside these there are the page's files and /api/openapi.json."""
