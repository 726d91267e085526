"""Training runs: their folder, what was asked for in them, what they belong to, and about how long they take. No torch."""

from labcore.runs.run import Run, list_runs, pinned_name

__all__ = ["Run", "list_runs", "pinned_name"]
