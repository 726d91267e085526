"""Answering many at once: networks that are shared, batches made on the fly, weights that can be exchanged meanwhile."""

from labcore.serving.batcher import DeadlineExceeded, DynamicBatcher, Overloaded
from labcore.serving.model_registry import Model, ModelFacts, ModelRegistry
from labcore.serving.settings import ServiceSettings

__all__ = [
    "DeadlineExceeded",
    "DynamicBatcher",
    "Model",
    "ModelFacts",
    "ModelRegistry",
    "Overloaded",
    "ServiceSettings",
]
