"""Training: from a configuration and a run directory to a trained classifier, as a stream of events."""
