"""Pretrained weights from files made here: what is loaded, what stays fresh, what is refused."""

import os
import pickle

import huggingface_hub
import pytest
import safetensors.torch
import torch

from labcore.config import ModelConfig, RunConfig
from labcore.errors import ConfigError
from labcore.inference.classifier import Classifier
from labcore.models import build_network
from labcore.models.pretrained import head_names, load_pretrained

SMALL = "timm:mobilenetv3_small_050"


@pytest.fixture(scope="module")
def coloured(tmp_path_factory):
    """A ResNet-18 for three channels and 1000 classes, in a file."""
    import torchvision

    torch.manual_seed(1)
    network = torchvision.models.resnet18(weights=None).eval()
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(network.state_dict(), path)
    return network, path


def fresh(name, classes=7, **more):
    return build_network(ModelConfig(name=name, **more), classes).eval()


def test_a_grey_image_is_answered_as_the_same_in_three_channels(coloured):
    network, path = coloured
    ours = fresh("resnet18")
    loaded = load_pretrained(ours, ModelConfig(name="resnet18", pretrained=str(path)))
    assert loaded.endswith(
        "loaded; conv1.weight summed over the input channels; the last layer is initialised at random"
    )
    images = torch.randn(2, 1, 64, 80)
    ours.fc, network.fc = torch.nn.Identity(), torch.nn.Identity()
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), network(images.expand(-1, 3, -1, -1)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("ending", ["safetensors", "pth"])
def test_a_network_of_timm_from_a_file_is_what_timm_makes_of_it(ending, tmp_path):
    import timm

    torch.manual_seed(2)
    theirs = timm.create_model(SMALL[5:], pretrained=False, num_classes=7).eval()
    path = tmp_path / f"weights.{ending}"
    if ending == "pth":  # as other trainers save it
        wrapped = {f"module.{name}": tensor for name, tensor in theirs.state_dict().items()}
        torch.save({"epoch": 3, "state_dict": wrapped}, path)
    else:
        safetensors.torch.save_file(theirs.state_dict(), path)
    ours = fresh(SMALL)
    assert "initialised" not in load_pretrained(ours, ModelConfig(name=SMALL, pretrained=str(path)))
    expected = timm.create_model(SMALL[5:], pretrained=False, num_classes=7, in_chans=1)
    state = {**theirs.state_dict(), "conv_stem.weight": theirs.state_dict()["conv_stem.weight"].sum(1, keepdim=True)}
    expected.load_state_dict(state)
    images = torch.randn(2, 1, 64, 64)
    with torch.inference_mode():
        assert torch.equal(ours(images), expected.eval()(images))


def test_a_run_of_the_lab_lends_its_network(tmp_path):
    config = RunConfig().replace({"audio.clip_seconds": 1.0, "model.width": 0.25})
    donor = Classifier(config, ["a", "b"])
    donor.save(tmp_path / "weights.safetensors")
    ours = fresh("compact", 3, width=0.25)
    loaded = load_pretrained(ours, ModelConfig(width=0.25, pretrained=str(tmp_path)))
    assert loaded.endswith("loaded; the last layer is initialised at random")
    other = {n for n, tensor in donor.network.state_dict().items() if not torch.equal(tensor, ours.state_dict()[n])}
    assert other == head_names(ours)


def test_a_pickle_with_code_in_it_is_refused_and_nothing_of_it_runs(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    for name, write in (
        ("zip.pth", torch.save),
        ("plain.pt", lambda content, path: path.write_bytes(pickle.dumps(content))),
    ):
        write({"conv1.weight": torch.zeros(1), "x": Evil()}, tmp_path / name)
        with pytest.raises(ConfigError, match=r"execute code|reads safely from 2\.10 on") as caught:
            load_pretrained(fresh("small_cnn"), ModelConfig(name="small_cnn", pretrained=str(tmp_path / name)))
        assert "safetensors" in str(caught.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there are no weights"),
        (b"", "contains no weights"),
        (b"RIFFxxxxWAVE", "contains no weights"),
        (b"PK\x03\x04junk", "cannot be read"),
    ],
)
def test_what_is_no_file_of_weights_is_told(content, says, tmp_path):
    path = tmp_path / "some.pth"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        load_pretrained(fresh("small_cnn"), ModelConfig(name="small_cnn", pretrained=str(path)))


def test_weights_of_another_network_or_with_holes_are_refused(coloured, tmp_path):
    with pytest.raises(ConfigError, match="do not fit the network compact"):
        load_pretrained(fresh("compact"), ModelConfig(pretrained=str(coloured[1])))
    state = fresh("small_cnn").state_dict()
    state["0.weight"][0] = float("nan")
    torch.save(state, tmp_path / "nan.pt")
    with pytest.raises(ConfigError, match=r"0\.weight .* not finite"):
        load_pretrained(fresh("small_cnn"), ModelConfig(name="small_cnn", pretrained=str(tmp_path / "nan.pt")))
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(ConfigError, match="no state dict"):
        load_pretrained(fresh("small_cnn"), ModelConfig(name="small_cnn", pretrained=str(tmp_path / "list.pt")))


def test_without_a_network_published_weights_are_an_error_with_a_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)  # what HF_HUB_OFFLINE=1 sets
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="cannot be downloaded from timm/mobilenetv3_small_050") as caught:
        load_pretrained(fresh(SMALL), ModelConfig(name=SMALL, pretrained="published"))
    assert "machine with a network" in caught.value.remedy
    for name, says in (("compact", "no published weights"), ("timm:resnet18d_none", "no network")):
        with pytest.raises(ConfigError, match=says):
            load_pretrained(fresh("small_cnn"), ModelConfig(name=name, pretrained="published"))


def test_torchvisions_weights_come_from_its_cache(coloured, monkeypatch):
    calls = []

    def cached(url, **options):
        calls.append((url, options["weights_only"]))
        return coloured[0].state_dict()

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", cached)
    assert "summed" in load_pretrained(fresh("resnet18"), ModelConfig(name="resnet18", pretrained="published"))
    monkeypatch.setattr(
        torch.hub, "load_state_dict_from_url", lambda url, **options: (_ for _ in ()).throw(OSError("no route"))
    )
    with pytest.raises(ConfigError, match="no route"):
        load_pretrained(fresh("resnet18"), ModelConfig(name="resnet18", pretrained="published"))
    assert calls[0][1] is True


def test_a_python_that_knows_no_certificates_is_helped(monkeypatch):
    """As that of python.org on macOS, whose network is there."""
    broken = OSError("<urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] unable to get local issuer certificate>")
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda url, **options: (_ for _ in ()).throw(broken))
    with pytest.raises(ConfigError) as caught:
        load_pretrained(fresh("resnet18"), ModelConfig(name="resnet18", pretrained="published"))
    assert "SSL_CERT_FILE" in caught.value.remedy


@pytest.mark.parametrize("name", ["compact", "resnet18", "small_cnn", SMALL])
def test_the_head_is_the_last_layer(name):
    network = fresh(name, 11)
    names = head_names(network)
    assert sorted(network.state_dict()[each].shape[0] for each in names) == [11, 11]
