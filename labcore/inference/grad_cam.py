"""Where a network looks: Grad-CAM over the log-mel.

Source: Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017. Of the last layer that still has a map over frequency and time, each channel counts by the mean gradient of the
class's logit; what speaks for the class is kept, and the map is stretched to the size of the log-mel.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from labcore.audio import quantise
from labcore.errors import ConfigError
from labcore.inference.classifier import Classifier
from labcore.inference.windows import centred_start
from labcore.models.ensemble import Ensemble

AT_ONCE = 16
"""Windows of one pass: their maps of all layers are in memory."""


def grad_cam(classifier: Classifier, waveform: np.ndarray, label: str) -> np.ndarray:
    """Where a network finds what speaks for a class, over the frames of a clip.

    Of a clip longer than a window all windows are looked at, as for a prediction; where they overlap the greater value counts. Of an
    ensemble the members' maps are averaged.

    Args:
        waveform: (samples,) float32 at the classifier's sample rate.
        label: one of its classes.

    Returns:
        (n_mels, frames) float32 from 0 to 1, the lowest band first, on the axes of the clip's log-mel; all zeros where nothing speaks for
        the class.

    Raises:
        ConfigError: no layer of the network has a map over frequency and time, or there is no such class.
    """
    if label not in classifier.labels:
        raise ConfigError(f"the classifier has no class {label!r}", f"It knows {', '.join(classifier.labels)}")
    target = classifier.labels.index(label)
    log_mel, hop = classifier.log_mel, classifier.log_mel.hop_length
    samples, scale = quantise(waveform)
    bounds = classifier.windows_of(len(samples))
    whole = np.zeros((log_mel.mean.shape[0], log_mel.frames(len(samples))), dtype=np.float32)
    for first in range(0, len(bounds), AT_ONCE):
        part = bounds[first : first + AT_ONCE]
        windows = torch.from_numpy(classifier.input_windows(samples, scale, part)).to(classifier.device)
        with torch.no_grad():
            images = log_mel(windows)[:, None]
        maps = maps_of(classifier.network, images, target).cpu().numpy()
        for (begin, end), of_window in zip(part, maps, strict=True):
            start = begin + centred_start(end - begin, classifier.config.clip_samples)
            _place(whole, of_window, round(start / hop))
    return whole / max(float(whole.max()), 1e-12)


def _place(whole: np.ndarray, window: np.ndarray, frame: int) -> None:
    """A window's map into that of its clip, from a frame on, which lies before the clip's where that is shorter."""
    skipped = max(0, -frame)
    window = window[:, skipped : skipped + whole.shape[1] - max(0, frame)]
    place = whole[:, max(0, frame) : max(0, frame) + window.shape[1]]
    np.maximum(place, window, out=place)


def maps_of(network: nn.Module, images: Tensor, target: int) -> Tensor:
    """Grad-CAM of some log-mels: (batch, 1, n_mels, frames) → (batch, n_mels, frames), not negative.

    Args:
        target: the number of the class.

    Raises:
        ConfigError: no layer of the network has a map over frequency and time.
    """
    if isinstance(network, Ensemble):
        return torch.stack([_scaled(maps_of(member, images, target)) for member in network.members]).mean(0)
    network.eval()
    images = images.detach().clone().requires_grad_()  # so that frozen networks have gradients too
    with torch.enable_grad(), _layers_of(network) as layers:
        score = network(images).float()[:, target].sum()  # windows do not mix in eval mode: each gets its own gradient
    for layer in reversed(layers):
        height, width, last = _sides(layer, images)
        if height * width == 1:  # one number a channel tells nothing about where
            continue
        (gradient,) = torch.autograd.grad(score, layer, retain_graph=True, allow_unused=True)
        if gradient is not None:
            order = (0, 3, 1, 2) if last else (0, 1, 2, 3)
            channels, gradients = (each.detach().float().permute(order) for each in (layer, gradient))
            small = (gradients.mean((2, 3), keepdim=True) * channels).sum(1, keepdim=True).relu()
            return nn.functional.interpolate(small, images.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    raise ConfigError(
        "this network has no layer with a map over frequency and time, so that where it looks cannot be shown",
        "A convolutional network has one: compact, small_cnn, resnet18, or such a network of timm",
    )


def _scaled(maps: Tensor) -> Tensor:
    """Each at a greatest value of 1, that no member of an ensemble drowns the others."""
    return maps / maps.amax((1, 2), keepdim=True).clamp(min=1e-12)


@contextlib.contextmanager
def _layers_of(network: nn.Module) -> Iterator[list[Tensor]]:
    """Inside, what the layers of a network give is kept where it is a map, in the order in which they are done.

    Networks are shared: passes of other threads are not looked at.
    """
    maps, thread = list[Tensor](), threading.get_ident()

    def keep(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        own = threading.get_ident() == thread and isinstance(output, Tensor)
        if own and output.dim() == 4 and output.requires_grad:
            maps.append(output)

    hooks = [module.register_forward_hook(keep) for module in network.modules()]
    try:
        yield maps
    finally:
        for hook in hooks:
            hook.remove()


def _sides(layer: Tensor, images: Tensor) -> tuple[int, int, bool]:
    """Height and width of a layer's map, and whether its channels come last: then its sides are in the ratio of the input's."""
    first, second, third = layer.shape[1:]
    wanted = math.log(images.shape[2] / images.shape[3])
    last = second > 1 and abs(math.log(first / second) - wanted) < abs(math.log(second / third) - wanted)
    return (first, second, True) if last else (second, third, False)
