"""Two or more runs or cross-validations side by side: what was asked for, what came of it, and whether the difference is one. No torch."""
