"""What Prometheus can ask of the service."""

from __future__ import annotations

from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from labcore.serving.admission import Admission
from labcore.serving.batcher import DynamicBatcher
from labcore.serving.model_registry import ModelRegistry

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The service's figures, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # memory, files, processor time
        count, level = partial(Counter, registry=self.registry), partial(Gauge, registry=self.registry)
        spread = partial(Histogram, registry=self.registry, buckets=SECONDS)
        self.requests = count("labcore_requests", "Requests by route and status.", ["route", "status"])
        self.seconds = spread(
            "labcore_request_seconds", "Request duration, from its head to the end of the response.", ["route"]
        )
        self.clips = count("labcore_clips", "Clips by model and outcome.", ["model", "outcome"])
        self.audio = count("labcore_audio_seconds", "Length of the classified clips.", ["model"])
        self.refused = count("labcore_refused", "Rejected requests by reason.", ["reason"])
        self.decoding = spread("labcore_decode_seconds", "Time to decode and resample a clip.")
        self.network = spread("labcore_network_seconds", "Time of a batch in the network.")
        self.batches = spread("labcore_batch_windows", "Windows per batch.", buckets=(1, 2, 4, 8, 16, 32, 64, 128))
        self.reloads = count("labcore_reloads", "Reloads by outcome.", ["outcome"])
        self.difference = level(
            "labcore_golden_difference", "Largest difference of a golden clip's probability from its value after training.", ["model"]
        )  # fmt: skip
        self.waiting = level("labcore_windows_waiting", "Windows queued for the network.")
        self.in_hand = level("labcore_clips_in_hand", "Clips queued or being processed.")
        self.memory = level("labcore_bytes_in_hand", "Memory of the bodies and waveforms of current requests.")

    def on_batch(self, windows: int, seconds: float) -> None:
        self.batches.observe(windows)
        self.network.observe(seconds)

    def watch(self, batcher: DynamicBatcher, admission: Admission, registry: ModelRegistry) -> None:
        """Read what is counted elsewhere whenever the figures are asked for."""
        self.waiting.set_function(lambda: batcher.waiting)
        self.in_hand.set_function(lambda: admission.clips)
        self.memory.set_function(lambda: admission.bytes)
        self.note_models(registry)

    def note_models(self, registry: ModelRegistry) -> None:
        for model in registry.models:
            if model.facts.golden_difference is not None:
                self.difference.labels(model.name).set(model.facts.golden_difference)

    def text(self) -> bytes:
        return generate_latest(self.registry)
