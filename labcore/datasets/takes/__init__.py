"""Data sets that are recorded with the microphone: takes by class, and the list of clips that they make."""
