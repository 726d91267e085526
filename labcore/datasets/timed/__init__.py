"""Time-stamped annotations: labels with a start and an end in recordings, from the formats of many programs, to clips of a data set."""
