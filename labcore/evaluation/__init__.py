"""What a classifier says of clips of a data set: which clips, what is said of each, and what it is worth.

Imports nothing, so that :mod:`labcore.evaluation.metrics` costs no torch.
"""
