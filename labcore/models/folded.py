"""A network made for use: batch normalisations folded into the convolutions before them, laid out as processors like it."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

TOLERANCE = 1e-4
"""Logits of the folded network may differ by so much; rounding alone makes a hundredth of it."""


EXAMPLE_FRAMES = 1024
"""So many of the example's are enough, however long a network's clips are."""


@torch.inference_mode()
def folded(network: nn.Module, images: Tensor) -> nn.Module:
    """A copy that computes the same in fewer and quicker steps, or the network itself where there is none.

    A normalisation that is registered right after a convolution usually is the next step after it; an example shows whether it is.

    Args:
        network: in eval mode; its weights change no more.
        images: (batch, 1, n_mels, frames) on its device, an example.
    """
    made = copy.deepcopy(network)
    for parent in list(made.modules()):
        before: tuple[str, nn.Module] | None = None
        for name, child in list(parent.named_children()):
            if before and isinstance(before[1], nn.Conv2d) and isinstance(child, nn.BatchNorm2d):
                setattr(parent, before[0], fuse_conv_bn_eval(before[1], child))
                setattr(parent, name, nn.Identity())
            before = name, child
    made = made.requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    try:
        wanted, given = network(images).float(), made(images).float()
    except RuntimeError:  # the normalisation was of something else
        return network
    return made if torch.allclose(given, wanted, rtol=TOLERANCE, atol=TOLERANCE) else network
