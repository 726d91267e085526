from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from labcore.config import ModelConfig
from labcore.inference.embed import features_of
from labcore.models import REGISTRY, build_network
from labcore.models.ensemble import Ensemble
from labcore.models.pretrained import head_of

CPU = torch.device("cpu")
IMAGES = torch.randn(2, 1, 32, 40, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", [*REGISTRY, "timm:resnet10t", "timm:mobilenetv3_small_050", "timm:vgg11"])
def test_every_architecture_gives_what_its_last_layer_is_given(name, monkeypatch):
    if name.startswith("timm:"):
        pytest.importorskip("timm")
    if name == "timm:vgg11":  # its hidden layer has 100 million weights otherwise
        from timm.models import vgg

        monkeypatch.setattr(vgg, "VGG", partial(vgg.VGG, mlp_ratio=1 / 64))
    network = build_network(ModelConfig(name=name), 3).eval()
    with torch.inference_mode():
        plain = network(IMAGES)
        with features_of(network) as features:
            logits = network(IMAGES)
            taken = features.take(2, CPU)
        assert taken.dtype == torch.float32
        assert taken.shape[0] == 2
        head = head_of(network)
        assert taken.shape[1] == head.weight.shape[1]
        np.testing.assert_allclose(head(taken).numpy(), logits.numpy(), atol=1e-5)
        np.testing.assert_array_equal(logits.numpy(), plain.numpy())
    assert not head._forward_pre_hooks


def test_of_an_ensemble_those_of_all_members_side_by_side():
    members = [build_network(ModelConfig(name="small_cnn"), 3).eval() for _ in range(2)]
    with torch.inference_mode(), features_of(Ensemble(members)) as features:
        Ensemble(members)(IMAGES)
        together = features.take(2, CPU)
    with torch.inference_mode(), features_of(members[1]) as features:
        members[1](IMAGES)
        np.testing.assert_array_equal(together[:, 128:].numpy(), features.take(2, CPU).numpy())


def test_a_convolution_as_the_last_layer_and_none_at_all():
    network = nn.Sequential(nn.Conv2d(1, 5, 3), nn.Conv2d(5, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with torch.inference_mode(), features_of(network) as features:
        network(IMAGES)
        assert features.take(2, CPU).shape == (2, 5)
    with torch.inference_mode(), features_of(nn.Flatten()) as features:
        nn.Flatten()(IMAGES)
        assert features.take(2, CPU).shape == (2, 0)


def test_a_last_layer_that_is_never_asked_costs_the_embeddings_alone():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(32 * 40, 3)

        def forward(self, images):
            return nn.functional.linear(images.flatten(1), self.head.weight)

    network = Odd()
    with torch.inference_mode(), features_of(network) as features:
        network(IMAGES)
        assert features.take(2, CPU).shape == (2, 0)
