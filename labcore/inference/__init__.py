"""From a waveform to what a classifier says of it: the artefact and its file, windows and their mean, embeddings.

Imports nothing, so that :mod:`labcore.inference.prediction` costs no torch.
"""
