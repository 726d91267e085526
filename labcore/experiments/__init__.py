"""Several runs that answer one question together. So far: cross-validation, a run for every fold of a data set."""
