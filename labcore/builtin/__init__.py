"""The network that travels with the lab: ten city sounds, learnt from the demo set, so that a first answer takes no training.

It is a run like any other, with the files of one that tell what it is: ``scripts/make_builtin.py`` makes them. Its accuracy is that of
the clips of the demo set that it held out. These are synthetic, and recordings of a street are harder.
"""

from __future__ import annotations

from pathlib import Path

from labcore.errors import RunError
from labcore.events import Evaluated
from labcore.runs import Run

NAME = "builtin"
"""How a command line names it."""

RUN = Run(Path(__file__).with_name("city-sounds"))

FOLD = 1
"""Of the demo set, held out."""


def what() -> str:
    """What it is and how good, in two sentences without the final stop."""
    labels = ", ".join(label.replace("_", " ") for label in RUN.load("labels", []))
    result = RUN.last_event(Evaluated)
    told = f"; it got {round(result.accuracy * result.clips)} of {result.clips} held-out clips right" if result else ""
    return (
        f"It was trained on synthetic clips of ten city sounds ({labels}){told}. "
        "It knows no other sounds, and real recordings are harder"
    )


def example(number: int) -> tuple[str, bytes, str]:
    """A clip of the demo set that the network held out, made on the spot: every class once, then each once more.

    Args:
        number: which one, from 0; they begin anew after the last.

    Returns:
        Name, content of a WAV file, label.
    """
    from labcore.datasets.demo import CLASSES, example_clip, sources_of

    sources = sources_of(FOLD)
    source = number // len(CLASSES)
    label = CLASSES[(number + 1) * 3 % len(CLASSES)]  # neighbours in the list are alike; the first is the dog
    return f"{label}.wav", example_clip(label, sources[source % len(sources)]), label


def require_weights() -> Run:
    """The network as a run.

    Raises:
        RunError: the package was installed without it.
    """
    if not RUN.weights.is_file():
        raise RunError(
            f"the built-in network is missing at {RUN.weights}", "Install the lab again, with its data files"
        )
    return RUN
