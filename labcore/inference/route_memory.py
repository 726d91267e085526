"""What is remembered of routes: which was the fastest for a network on this machine. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labcore.config import RunConfig
from labcore.config.parts import ModelConfig
from labcore.remembered import ROUTES, Remembered, key_of
from labcore.workspace import Workspace


@dataclass(frozen=True)
class KnownRoute:
    """The route that was found for a network, and why: a sentence without its final stop."""

    route: str
    reason: str
    network: str = ""


def network_key(models: Sequence[ModelConfig], classes: int, shape: Sequence[int]) -> str:
    """A name for networks that take the same time.

    Args:
        models: of a network, or of each member of an ensemble.
        shape: of an image: (1, n_mels, frames).
    """
    return key_of([[model.model_dump() for model in models], classes, list(shape)])


def network_of(config: RunConfig, classes: int) -> str:
    """The same of a run's network, whose input has a length by now."""
    frames = config.clip_samples // config.framing.hop_length + 1
    return network_key([config.model], classes, (1, config.features.n_mels, frames))


def known_route(workspace: Workspace, network: str) -> KnownRoute | None:
    """What was found last for a network; None where nothing was."""
    kept = Remembered(workspace, ROUTES)
    newest = sorted(kept.written().items(), key=lambda each: -each[1])
    found = (kept.recall(name.removesuffix(".json"), KnownRoute) for name, _ in newest)
    return next((each for each in found if each is not None and each.network == network), None)
