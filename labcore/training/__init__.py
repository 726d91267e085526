"""Training: from a configuration and a run directory to a trained classifier, as a stream of events."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labcore.training.loop import train

__all__ = ["train"]


def __getattr__(name: str) -> Any:
    """Loads torch where the loop is asked for: the command line needs only to know how many processes there are."""
    if name == "train":
        from labcore.training.loop import train

        return train
    raise AttributeError(name)
