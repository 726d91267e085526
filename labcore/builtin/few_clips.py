"""Whether the built-in network helps a run of few training clips, or why not. Needs no torch: the form of a training tells it."""

from __future__ import annotations

from labcore import builtin
from labcore.config import RunConfig
from labcore.texts import counted

FEW_PER_CLASS = 5
"""Fewer training clips per class are few. From about seven on the two together are no better than the trained network."""
LOWEST_HZ = 150.0
"""A front end whose bands begin above it misses what the built-in network listens to."""
HIGHEST_HZ = 24_000.0
"""Where bands reach higher, each is too wide for what the built-in network tells apart."""
SLOWER, FASTER = 2.0, 0.5
"""Hops of a front end, in those of the built-in network's."""


def helps(config: RunConfig, clips: int, classes: int) -> tuple[bool, str]:
    """Whether the built-in network helps, and a sentence on it without the final stop; "" where clips are not few.

    Args:
        config: of the run. What is automatic in it may be worked out or not.
        clips: to train on.
        classes: that they are of.
    """
    model = config.model
    if model.few_clips == "off" or model.pretrained != "none" or clips >= FEW_PER_CLASS * classes:
        return False, ""
    few = f"{counted(clips, 'training clip')} of {counted(classes, 'class', 'classes')} are few"
    why = reason_against(config)
    if why:
        return False, f"{few}, and the built-in network cannot help: {why}"
    return True, (
        f"{few}: a linear classifier on the features of the built-in network is added at the end of training, and its "
        "probabilities are averaged with those of the trained network"
    )


def reason_against(config: RunConfig) -> str:
    """Why the built-in network cannot hear what a front end gives; "" where it can."""
    if not builtin.RUN.weights.is_file():
        return "the lab was installed without it"
    known = builtin.RUN.config
    if config.data.dataset == known.data.dataset:
        return "it was trained on clips of this data set"
    if config.features.n_mels != known.features.n_mels:
        return f"it hears {known.features.n_mels} mel bands, and the front end has {config.features.n_mels}"
    if config.f_max < 0.95 * known.f_max:
        return f"it hears up to {known.f_max:,.0f} Hz, and the front end up to {config.f_max:,.0f} Hz"
    if config.f_min > LOWEST_HZ or config.f_max > HIGHEST_HZ:
        return (
            f"it hears from {known.f_min:,.0f} to {known.f_max:,.0f} Hz, and the front end from "
            f"{config.f_min:,.0f} to {config.f_max:,.0f} Hz"
        )
    hop, usual = (each.framing.hop_length / each.sample_rate for each in (config, known))
    if not FASTER <= hop / usual <= SLOWER:
        return f"its frames are {1000 * usual:.0f} ms apart, and those of the front end {1000 * hop:.0f} ms"
    return ""
