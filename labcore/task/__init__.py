"""What a classifier is asked: one label a clip, or several. The two kinds share the interface :class:`labcore.task.kind.Task`."""
