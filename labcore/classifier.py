"""The name that scripts know in zips that were taken home; the lab itself imports :mod:`labcore.inference.classifier`."""

from labcore.inference.classifier import Answer, Classifier, Window

__all__ = ["Answer", "Classifier", "Window"]
