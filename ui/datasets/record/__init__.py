"""A data set of one's own, recorded with the microphone."""
