import sys

import pytest
import torch

from labcore.config import ModelConfig
from labcore.errors import ConfigError
from labcore.models import REGISTRY, build_network, check_input, parameter_count
from labcore.training.distributed import DistributedContext

NAMES = [*REGISTRY, "timm:mobilenetv3_small_050"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(64, 64), (64, 216), (16, 9), (128, 33)])
def test_any_input_size_gives_logits(name, size):
    network = build_network(ModelConfig(name=name), 7).eval()
    with torch.inference_mode():
        assert network(torch.randn(2, 1, *size)).shape == (2, 7)


@pytest.mark.parametrize("name", NAMES)
def test_dropout_is_a_setting_of_every_network(name):
    images = torch.randn(2, 1, 64, 64)
    for dropout, same in ((0.0, True), (0.5, False)):
        torch.manual_seed(0)
        network = build_network(ModelConfig(name=name, dropout=dropout), 5).train()
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eval()
        with torch.no_grad():
            assert torch.equal(network(images), network(images)) is same


@pytest.mark.parametrize("name", NAMES)
def test_over_several_gpus_every_network_is_the_same(name):
    """The batch normalisations of most networks of timm hold an activation, which torch's own conversion loses."""
    network = build_network(ModelConfig(name=name), 5).eval()
    images = torch.randn(2, 1, 64, 64)
    with torch.no_grad():
        alone = network(images)
        shared = DistributedContext(0, 2).synchronised(network, torch.device("cuda", 0))
        assert torch.equal(shared(images), alone)
    assert not any(type(module).__name__.startswith("BatchNorm") for module in shared.modules())


def test_the_small_cnn_is_the_articles_corrected():
    linear = [m for m in build_network(ModelConfig(name="small_cnn"), 10) if isinstance(m, torch.nn.Linear)]
    assert linear[0].in_features == 64 * 16 * 16


def test_width_makes_the_compact_network_larger():
    sizes = [parameter_count(build_network(ModelConfig(width=width), 10)) for width in (0.5, 1.0, 2.0)]
    assert sizes[0] < sizes[1] / 2
    assert sizes[1] < sizes[2] / 2


@pytest.mark.parametrize(("name", "hint"), [("resnet19", "resnet18"), ("timm:mobilenetv9", "timm")])
def test_an_unknown_network_is_an_error_with_a_way_out(name, hint):
    with pytest.raises(ConfigError) as caught:
        build_network(ModelConfig(name=name), 10)
    assert hint in str(caught.value)


def test_an_input_that_a_network_cannot_take_is_told_before_training():
    network = build_network(ModelConfig(name="small_cnn"), 3).train()
    with pytest.raises(ConfigError, match="64 mel bands × 1 frames") as caught:
        check_input(network, "small_cnn", 64, 1, torch.device("cpu"))
    assert "hop" in caught.value.remedy
    assert network.training
    check_input(network, "small_cnn", 64, 20, torch.device("cpu"))


def test_a_torchvision_that_cannot_be_loaded_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(ConfigError, match="torchvision, which has ResNet-18, cannot be loaded") as told:
        build_network(ModelConfig(name="resnet18"), 3)
    assert "another network" in told.value.remedy
