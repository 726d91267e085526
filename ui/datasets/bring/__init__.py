"""How data sets are brought in: uploaded, recorded, by a path on this machine, or a standard set by its name."""
