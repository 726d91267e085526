"""The name that scripts know in zips that were taken home; the lab itself imports :mod:`labcore.inference.classifier`."""

from labcore.inference.classifier import Classifier, Prediction, Window

__all__ = ["Classifier", "Prediction", "Window"]
