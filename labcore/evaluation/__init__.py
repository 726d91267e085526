"""Evaluation of a classifier on clips of a data set: which clips, the prediction for each, and the figures.

Imports nothing, so that :mod:`labcore.evaluation.metrics` costs no torch.
"""
