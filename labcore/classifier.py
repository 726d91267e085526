"""The name that scripts know in zips of earlier versions; the lab itself imports :mod:`labcore.inference.classifier`."""

from labcore.inference.classifier import Classifier
from labcore.inference.prediction import Prediction, Window

__all__ = ["Classifier", "Prediction", "Window"]
