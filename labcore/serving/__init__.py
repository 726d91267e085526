"""Answering many at once: networks that are shared, batches made on the fly, weights that can be exchanged meanwhile."""

from labcore.serving.batcher import Busy, Engine, Late
from labcore.serving.model_registry import Model, ModelFacts, Shelf
from labcore.serving.settings import ServiceSettings

__all__ = ["Busy", "Engine", "Late", "Model", "ModelFacts", "ServiceSettings", "Shelf"]
