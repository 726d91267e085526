"""Answering many at once: networks that are shared, batches made on the fly, weights that can be exchanged meanwhile."""
