"""What Prometheus is told: each metric, and which event changes it. Needs prometheus-client."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.board.power import temperature_c
from edge.events.event import (
    BackendChanged,
    CameraBack,
    CameraLost,
    Drift,
    Event,
    Fleet,
    Heartbeat,
    ListenerState,
    ModelChanged,
)
from edge.frame import Decision, Prediction
from edge.printable import printable
from edge.sources.live import Loss

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

NAMESPACE = "fmnist_edge"

STAGE_BUCKETS_S = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
AGE_BUCKETS_S = (0.005, 0.01, 0.02, 0.03, 0.04, 0.06, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class MetricFamilies:
    """The run's metrics in a registry of their own. Counters of the model's labels stand at 0 from the start.

    Raises ImportError where prometheus-client is not installed.
    """

    def __init__(self, labels: tuple[str, ...], model: str, model_name: str) -> None:
        import prometheus_client as prometheus

        # A second series for each counter, which nobody reads.
        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry = prometheus.CollectorRegistry()
        self._lost_source: str | None = None
        started_s = time.monotonic()

        def counter(name: str, text: str, *by: str) -> Counter:
            return prometheus.Counter(name, text, by, namespace=NAMESPACE, registry=registry)

        def gauge(name: str, text: str, *by: str) -> Gauge:
            return prometheus.Gauge(name, text, by, namespace=NAMESPACE, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *by: str) -> Histogram:
            return prometheus.Histogram(name, text, by, namespace=NAMESPACE, registry=registry, buckets=buckets)

        self._stages = histogram("stage_seconds", "Time that a stage took for a frame.", STAGE_BUCKETS_S, "stage")
        self._age = histogram("frame_age_seconds", "Age of a camera's frame at its answer.", AGE_BUCKETS_S)
        self._frames = counter("frames", "Frames answered.")
        self.dropped = counter("frames_dropped", "Frames of cameras left out, because newer ones were there.")
        """Is counted where the frames are."""
        self._predictions = counter(
            "predictions", "Answers, by the label that is most probable and what was decided.", "label", "decision"
        )
        self._newest = gauge("last_prediction_timestamp_seconds", "When the newest answer was there, Unix time.")
        self._camera_up = gauge("camera_up", "1 while a camera gives usable frames, 0 while it is lost.", "source")
        self._losses = counter("camera_losses", "Losses of a camera.", "source", "reason")
        self._away = counter("camera_lost_seconds", "Time without a usable frame, of losses that are over.", "source")
        self._backend_changes = counter("backend_changes", "Changes of the runtime or device.", "before", "after")
        self._drifting = gauge("drifting", "1 while a measure is not what the model was measured on.", "measure")
        self._delivered = counter("listener_events_delivered", "Events that a listener delivered.", "listener")
        self._left_out = counter("listener_events_dropped", "Events that a listener lost.", "listener")
        self._waiting = gauge("listener_events_waiting", "Events that wait for a listener.", "listener")
        self._states: dict[str, ListenerState] = {}
        self._info = prometheus.Info("model", "The model that answers.", namespace=NAMESPACE, registry=registry)
        self._info.info({"sha256": model, "name": printable(model_name)})
        self._fleet: _FleetFamilies | None = None
        gauge("uptime_seconds", "Time since the run began.").set_function(lambda: time.monotonic() - started_s)
        if temperature_c() is not None:
            gauge("temperature_celsius", "Temperature of the processor.").set_function(_temperature_c)
        prometheus.ProcessCollector(registry=registry)  # process_resident_memory_bytes and its like
        for label in labels:
            self._predictions.labels(printable(label), Decision.GARMENT)

    def as_text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry)

    def count(self, event: Event) -> None:
        """Take an event into account."""
        what = event.what
        source = printable(event.source)
        if isinstance(what, Prediction):
            self._count_prediction(what, source)
        elif isinstance(what, CameraLost):
            self._lost_source = source
            self._camera_up.labels(source).set(0)
            self._losses.labels(source, Loss(what.reason)).inc()
        elif isinstance(what, CameraBack):
            self._away.labels(source).inc(what.away_s)
            self._is_back(source)
        elif isinstance(what, BackendChanged):
            self._backend_changes.labels(what.before, what.after).inc()
        elif isinstance(what, ModelChanged):
            self._info.info({"sha256": what.after, "name": printable(what.name)})
            self._drifting.clear()  # it is measured by this model's figures now
        elif isinstance(what, Drift):
            self._drifting.labels(what.measure).set(what.drifting)
        elif isinstance(what, Fleet):
            self._fleet = self._fleet or _FleetFamilies(self._registry)
            self._fleet.set(what)
        elif isinstance(what, Heartbeat):
            for name, state in what.listeners.items():
                self._count_listener(name, state)

    def _count_prediction(self, prediction: Prediction, source: str) -> None:
        best = prediction.best
        self._frames.inc()
        self._predictions.labels(printable(best.label) if best else "", prediction.decision).inc()
        for stage, spent_ms in prediction.latency_ms.items():
            self._stages.labels(stage).observe(spent_ms / 1000)
        if prediction.time is not None:
            self._newest.set(prediction.time.timestamp())
        if prediction.age_ms is not None:
            self._age.observe(prediction.age_ms / 1000)
            self._is_back(source)

    def _count_listener(self, name: str, state: ListenerState) -> None:
        before = self._states.get(name, ListenerState(0, 0, 0, None))
        self._states[name] = state
        self._delivered.labels(name).inc(max(0, state.delivered - before.delivered))
        self._left_out.labels(name).inc(max(0, state.dropped - before.dropped))
        self._waiting.labels(name).set(state.waiting)

    def _is_back(self, source: str) -> None:
        """A camera that was not there at first may have another name when it is."""
        if self._lost_source is not None and self._lost_source != source:
            self._camera_up.remove(self._lost_source)
        self._lost_source = None
        self._camera_up.labels(source).set(1)


class _FleetFamilies:
    """What a device says of itself in its fleet; there from its first event, so that no other device has figures."""

    def __init__(self, registry: CollectorRegistry) -> None:
        import prometheus_client as prometheus

        def gauge(name: str, text: str) -> Gauge:
            return prometheus.Gauge(name, text, namespace=NAMESPACE, registry=registry)

        self._info = prometheus.Info("fleet", "This device in its fleet.", namespace=NAMESPACE, registry=registry)
        self._accuracy = gauge("canary_accuracy", "Accuracy of the version on the device's own pictures.")
        self._canaries = gauge("canaries", "Pictures with labels that the version was measured on.")
        self._checked = gauge("update_check_timestamp_seconds", "When the repository was looked at last, Unix time.")
        self._problem = gauge("update_problem", "1 while a version was refused, or the repository is no good.")

    def set(self, fleet: Fleet) -> None:
        """Take over how the device stands."""
        named = {"device": fleet.device, "channel": fleet.channel, "state": fleet.state}
        self._info.info(named | {"version": fleet.version or "", "available": fleet.available or ""})
        self._accuracy.set(float("nan") if fleet.accuracy is None else fleet.accuracy)
        self._canaries.set(fleet.canaries)
        self._checked.set(fleet.checked or 0)
        self._problem.set(fleet.problem is not None)


def _temperature_c() -> float:
    celsius = temperature_c()
    return float("nan") if celsius is None else celsius
