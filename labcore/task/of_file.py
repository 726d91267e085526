"""Whether weights give several labels a clip, told by their header alone. No torch at import."""

from __future__ import annotations

from pathlib import Path

from labcore.errors import RunError
from labcore.reading import parse_json
from labcore.runs import Run


def gives_several(weights: Path) -> bool:
    """Whether they do; False where they cannot be read.

    Args:
        weights: a file of weights, or the folder of a run.
    """
    from labcore.models.safetensors_file import read_header

    file = weights / "weights.safetensors" if weights.is_dir() else weights
    try:
        with file.open("rb") as stream:
            header = read_header(stream, file.stat().st_size)
        return "several_labels" in parse_json(header.metadata["labcore"])
    except (OSError, ValueError, KeyError, AttributeError):
        return False


def require_one_label(run: Run, what: str, instead: str) -> None:
    """Refuse what makes sense with one label a clip only, before anything is computed.

    Args:
        what: that needs it, with a capital: "A temperature".
        instead: what to do, a sentence without the final stop.

    Raises:
        RunError: the run gives several.
    """
    if gives_several(run.weights):
        raise RunError(needs_one(what), instead)


def needs_one(what: str) -> str:
    """That something needs a classifier of one label a clip, without the final stop."""
    return f"{what} needs a classifier of one label a clip, and this one gives several"
