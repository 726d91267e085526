"""Answering many at once: networks that are shared, batches made on the fly, weights that can be exchanged meanwhile."""

from labcore.serving.engine import Busy, Engine, Late
from labcore.serving.settings import ServiceSettings
from labcore.serving.shelf import Model, ModelFacts, Shelf

__all__ = ["Busy", "Engine", "Late", "Model", "ModelFacts", "ServiceSettings", "Shelf"]
