"""What Prometheus can ask of the service."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from labcore.serving import Engine, Shelf
from labcore.serving.admission import Admission

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The service's figures, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "labcore_requests", "Requests by route and status.", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "labcore_request_seconds", "From the head of a request to the end of its response.", ["route"],
            buckets=SECONDS, registry=self.registry,
        )  # fmt: skip
        self.clips = Counter(
            "labcore_clips", "Clips by model and outcome.", ["model", "outcome"], registry=self.registry
        )
        self.audio = Counter(
            "labcore_audio_seconds", "Length of the clips answered.", ["model"], registry=self.registry
        )
        self.refused = Counter(
            "labcore_refused", "Requests turned away, by reason.", ["reason"], registry=self.registry
        )
        self.decoding = Histogram(
            "labcore_decode_seconds", "Decoding and resampling a clip.", buckets=SECONDS, registry=self.registry
        )
        self.network = Histogram(
            "labcore_network_seconds", "A batch in the network.", buckets=SECONDS, registry=self.registry
        )
        self.batches = Histogram(
            "labcore_batch_windows",
            "Windows in a batch.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
            registry=self.registry,
        )
        self.reloads = Counter("labcore_reloads", "Reloads by outcome.", ["outcome"], registry=self.registry)
        self.difference = Gauge(
            "labcore_golden_difference", "Largest difference of a golden clip's probability to the end of training.", ["model"],
            registry=self.registry,
        )  # fmt: skip

        self.waiting = Gauge("labcore_windows_waiting", "Windows that wait for the network.", registry=self.registry)
        self.in_hand = Gauge("labcore_clips_in_hand", "Clips in hand, waiting and at work.", registry=self.registry)
        self.memory = Gauge(
            "labcore_bytes_in_hand", "Bodies and waveforms of the requests in hand.", registry=self.registry
        )

    def on_batch(self, windows: int, seconds: float) -> None:
        self.batches.observe(windows)
        self.network.observe(seconds)

    def watch(self, engine: Engine, admission: Admission, shelf: Shelf) -> None:
        """Read what is counted elsewhere whenever the figures are asked for."""
        self.waiting.set_function(lambda: engine.waiting)
        self.in_hand.set_function(lambda: admission.clips)
        self.memory.set_function(lambda: admission.bytes)
        self.note_models(shelf)

    def note_models(self, shelf: Shelf) -> None:
        for model in shelf.models:
            if model.golden_difference is not None:
                self.difference.labels(model.name).set(model.golden_difference)

    def text(self) -> bytes:
        return generate_latest(self.registry)
