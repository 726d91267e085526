"""Cross-validation: a run for every fold of a data set, and what they say together."""
