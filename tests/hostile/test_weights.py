"""Weights and checkpoints that somebody made on purpose, or that a disk spoiled: refused in words, before they take memory."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from labcore.config import ModelConfig
from labcore.errors import ConfigError, LabError, RunError
from labcore.inference.classifier import Classifier
from labcore.inference.weights_file import FORMAT
from labcore.models.pretrained import read_weights

pytestmark = pytest.mark.usefixtures("little_memory")


@pytest.fixture(scope="module")
def sound_weights(make_small: Callable[[], Classifier]) -> bytes:
    return make_small().to_bytes()


@pytest.fixture(scope="module")
def make_small() -> Callable[[], Classifier]:
    def make() -> Classifier:
        from labcore.config import RunConfig

        torch.manual_seed(0)
        config = RunConfig().replace({"audio.sample_rate": 8000, "audio.clip_seconds": 0.5, "model.width": 0.25})
        made = Classifier(config, ["cat", "dog"])
        made.remember(np.random.default_rng(0).normal(0, 0.1, (2, 4000)).astype(np.float32))
        return made.eval()

    return make


def header_of(content: bytes) -> dict[str, Any]:
    return json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])


def with_header(content: bytes, header: Any) -> bytes:
    """A file with the same tensors and another header, a tree or bytes."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + int.from_bytes(content[:8], "little") :]


def with_facts(content: bytes, **changes: Any) -> bytes:
    header = header_of(content)
    facts = json.loads(header["__metadata__"]["labcore"]) | changes
    header["__metadata__"]["labcore"] = json.dumps(facts)
    return with_header(content, header)


def with_tensors(content: bytes, **changes: torch.Tensor | None) -> bytes:
    tensors = safetensors.torch.load(content)
    for name, tensor in changes.items():
        key = name.replace("__", ".")
        if tensor is None:
            del tensors[key]
        else:
            tensors[key] = tensor
    return safetensors.torch.save(tensors, header_of(content)["__metadata__"])


def config_with(content: bytes, path: str, value: Any) -> dict[str, Any]:
    config = json.loads(header_of(content)["__metadata__"]["labcore"])["config"]
    part, _, name = path.partition(".")
    config[part][name] = value
    return config


def with_endless_spectrogram(content: bytes) -> dict[str, Any]:
    """A minute at the highest rate and the shortest hop: as many weights, and gigabytes for a window."""
    config = config_with(content, "features.hop_length", 16)
    config["audio"] |= {"sample_rate": 500_000, "clip_seconds": 60.0}
    return config


def alone(**facts: Any) -> bytes:
    """A file of a header alone, as small as can be."""
    header = {"__metadata__": {"labcore": json.dumps({"format": FORMAT, **facts})}}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text


LARGE = "timm:vit_giant_patch14_224"
PLAIN: dict[str, Any] = {"config": {"audio": {"clip_seconds": 1}}, "labels": ["a", "b"]}
DEEP = "[" * 50_000 + "]" * 50_000

CRAFTED: dict[str, Callable[[bytes], bytes]] = {
    "2000-members": lambda good: alone(**PLAIN, members=[{"name": "small_cnn"}] * 2000),
    "100-members-without-tensors": lambda good: alone(**PLAIN, members=[{"name": "resnet18"}] * 100),
    "a-large-network-without-tensors": lambda good: alone(labels=["a"], config=PLAIN["config"] | {"model": {"name": "resnet18"}}),
    "members-text": lambda good: with_facts(good, members="compact"),
    "members-deep": lambda good: with_facts(good, members=[{"name": [[[]]]}]),
    "members-number": lambda good: with_facts(good, members=3),
    "members-of-nothing": lambda good: with_facts(good, members=[{}]),
    "a-million-labels": lambda good: with_facts(good, labels=["a"] * 1_000_000),
    "labels-many": lambda good: with_facts(good, labels=[str(n) for n in range(30_000)]),
    "labels-alike": lambda good: with_facts(good, labels=["a", "a"]),
    "labels-more-than-outputs": lambda good: with_facts(good, labels=["a", "b", "c"]),
    "labels-none": lambda good: with_facts(good, labels=[]),
    "labels-blank": lambda good: with_facts(good, labels=["a", " "]),
    "labels-escape": lambda good: with_facts(good, labels=["a", "\x1b[2J"]),
    "labels-newline": lambda good: with_facts(good, labels=["a", "b\nc"]),
    "labels-surrogate": lambda good: with_facts(good, labels=["a", "\ud800"]),
    "labels-long": lambda good: with_facts(good, labels=["a", "b" * 10_000]),
    "labels-numbers": lambda good: with_facts(good, labels=[1, 2]),
    "labels-text": lambda good: with_facts(good, labels="ab"),
    "labels-object": lambda good: with_facts(good, labels={"a": 1, "b": 2}),
    "labels-null": lambda good: with_facts(good, labels=None),
    "config-null": lambda good: with_facts(good, config=None),
    "config-list": lambda good: with_facts(good, config=[1]),
    "config-400-digits": lambda good: with_facts(good, config=config_with(good, "audio.sample_rate", 10**400)),
    "config-clip-automatic": lambda good: with_facts(good, config=config_with(good, "audio.clip_seconds", None)),
    "config-clip-endless": lambda good: with_facts(good, config=config_with(good, "audio.clip_seconds", 1e9)),
    "config-endless-spectrogram": lambda good: with_tensors(
        with_facts(good, config=with_endless_spectrogram(good)),
        golden__samples=None, golden__scales=None, golden__probabilities=None,
    ),
    "config-wide": lambda good: with_facts(good, config=config_with(good, "model.width", 4.0)),
    "config-other-network": lambda good: with_facts(good, config=config_with(good, "model.name", "resnet18")),
    "config-no-such-network": lambda good: with_facts(good, config=config_with(good, "model.name", "../../etc/passwd")),
    "config-name-400": lambda good: with_facts(good, config=config_with(good, "model.name", "timm:" + "x" * 4000)),
    "facts-deep": lambda good: with_header(good, {**header_of(good), "__metadata__": {"labcore": DEEP}}),
    "facts-number": lambda good: with_header(good, {**header_of(good), "__metadata__": {"labcore": "1" * 400}}),
    "facts-no-json": lambda good: with_header(good, {**header_of(good), "__metadata__": {"labcore": "{"}}),
    "facts-no-text": lambda good: with_header(good, {**header_of(good), "__metadata__": {"labcore": {"format": FORMAT}}}),
    "facts-list": lambda good: with_header(good, {**header_of(good), "__metadata__": {"labcore": "[]"}}),
    "metadata-list": lambda good: with_header(good, {**header_of(good), "__metadata__": []}),
    "metadata-none": lambda good: with_header(good, {k: v for k, v in header_of(good).items() if k != "__metadata__"}),
    "header-deep": lambda good: with_header(good, DEEP.encode()),
    "header-list": lambda good: with_header(good, []),
    "header-empty": lambda good: with_header(good, b""),
    "header-latin-1": lambda good: with_header(good, b'{"\xe9": 1}'),
    "header-of-100-megabytes": lambda good: (10**8).to_bytes(8, "little") + b"{" + bytes(10**8),
    "header-longer-than-the-file": lambda good: (2**60).to_bytes(8, "little") + good[8:],
    "header-negative": lambda good: b"\xff" * 8 + good[8:],
    "shape-negative": lambda good: with_header(good, changed_tensor(good, shape=[-1])),
    "shape-400-digits": lambda good: with_header(good, changed_tensor(good, shape=[10**400])),
    "shape-many": lambda good: with_header(good, changed_tensor(good, shape=[1] * 100_000)),
    "shape-text": lambda good: with_header(good, changed_tensor(good, shape="64")),
    "shape-true": lambda good: with_header(good, changed_tensor(good, shape=[True])),
    "dtype-unknown": lambda good: with_header(good, changed_tensor(good, dtype="F7")),
    "dtype-list": lambda good: with_header(good, changed_tensor(good, dtype=["F32"])),
    "dtype-other": lambda good: with_header(good, changed_tensor(good, dtype="I32")),
    "offsets-far": lambda good: with_header(good, changed_tensor(good, data_offsets=[10**12, 10**12 + 256])),
    "offsets-overlap": lambda good: with_header(good, changed_tensor(good, data_offsets=[0, 256])),
    "offsets-none": lambda good: with_header(good, changed_tensor(good, data_offsets=None)),
    "a-tensor-too-many": lambda good: with_tensors(good, network__more=torch.zeros(3)),
    "a-large-tensor-too-many": lambda good: with_tensors(good, golden__more=torch.zeros(3_000_000)),
    "a-tensor-missing": lambda good: with_tensors(good, log_mel__mean=None),
    "not-a-number": lambda good: with_tensors(good, network__13__bias=torch.tensor([0.0, torch.nan])),
    "infinite": lambda good: with_tensors(good, log_mel__mean=torch.full((64, 1), torch.inf)),
    "golden-not-a-number": lambda good: with_tensors(good, golden__scales=torch.tensor([torch.nan, 1.0])),
    "golden-of-other-clips": lambda good: with_tensors(good, golden__scales=torch.ones(5)),
    "golden-thousands": lambda good: with_tensors(
        good, golden__scales=torch.ones(2000), golden__samples=torch.zeros(2000, 4000, dtype=torch.int16),
        golden__probabilities=torch.ones(2000, 2),
    ),
    "shapes-of-another": lambda good: with_tensors(good, network__13__bias=torch.zeros(3)),
    "cut-off": lambda good: good[:-100],
    "longer": lambda good: good + bytes(100),
    "a-pickle": lambda good: pickle.dumps({"a": os.getcwd}),
    "nothing": lambda good: b"",
    "seven-bytes": lambda good: b"1234567",
}  # fmt: skip


def changed_tensor(good: bytes, **facts: Any) -> dict[str, Any]:
    header = header_of(good)
    name = next(name for name in header if name.endswith("log_mel.mean"))
    return {**header, name: header[name] | facts}


@pytest.mark.parametrize("name", CRAFTED)
def test_crafted(name: str, sound_weights: bytes, tmp_path: Path) -> None:
    content = CRAFTED[name](sound_weights)
    file = tmp_path / "w.safetensors"
    file.write_bytes(content)
    for load in (lambda: Classifier.from_bytes(content), lambda: Classifier.load(file)):
        with pytest.raises(RunError) as caught:
            load()
        assert len(str(caught.value)) < 1000
        assert "\x1b" not in str(caught.value)


def test_members_that_are_all_there_are_taken(make_small: Callable[[], Classifier]) -> None:
    """The bound is for files, and not for ensembles."""
    from labcore.models import build_network
    from labcore.models.ensemble import Ensemble

    small = make_small()
    networks = [build_network(small.config.model, 2) for _ in range(20)]
    several = Classifier(small.config, small.labels, Ensemble(networks), [small.config.model] * 20)
    assert Classifier.from_bytes(several.to_bytes()).to_bytes() == several.to_bytes()


def test_no_network_is_built_for_tensors_that_do_not_fit(sound_weights: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    from labcore.inference import weights_file as weights

    real, places = weights.build_network, []

    def build(config: ModelConfig, classes: int) -> torch.nn.Module:
        network = real(config, classes)
        places.append({parameter.device.type for parameter in network.parameters()})
        return network

    monkeypatch.setattr(weights, "build_network", build)
    with pytest.raises(RunError, match="do not fit the network resnet18"):
        Classifier.from_bytes(CRAFTED["config-other-network"](sound_weights))
    assert places == [{"meta"}]


def test_loading_draws_no_random_numbers(sound_weights: bytes) -> None:
    torch.manual_seed(1)
    first = torch.rand(3)
    torch.manual_seed(1)
    Classifier.from_bytes(sound_weights)
    assert torch.equal(first, torch.rand(3))


@pytest.mark.parametrize("name", ["timm:efficientnet_b0", "timm:vit_tiny_patch16_224", "timm:convnext_atto"])
@pytest.mark.slow
def test_networks_of_timm_have_an_outline(name: str) -> None:
    from labcore.inference.weights_file import _outline
    from labcore.models import build_network

    pytest.importorskip("timm")
    model = ModelConfig(name=name)
    outline = {key: (tensor.shape, tensor.dtype) for key, tensor in _outline(model, 3).items()}
    assert outline == {
        key: (tensor.shape, tensor.dtype) for key, tensor in build_network(model, 3).state_dict().items()
    }


# --- zips


def zipped(content: bytes, name: str = "run/weights.safetensors", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def many_entries() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(3000):
            archive.writestr(str(number), b"")
    return out.getvalue()


def bomb(good: bytes) -> bytes:
    """Of 300 MB, packed to 1.3 MB."""
    out = io.BytesIO()
    archive = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with archive, archive.open("weights.safetensors", "w") as entry:
        entry.write(good)
        for _ in range(300):
            entry.write(bytes(1_000_000))
    return out.getvalue()


def flagged(content: bytes, at: int, value: bytes) -> bytes:
    """A zip with bytes of its directory's first entry changed."""
    start = content.rindex(b"PK\1\2") + at
    return content[:start] + value + content[start + len(value) :]


ZIPS: dict[str, Callable[[bytes], bytes]] = {
    "bomb": bomb,
    "bomb-without-a-header": lambda good: bomb(b""),
    "3000-entries": lambda good: many_entries(),
    "nothing-of-ours": lambda good: zipped(b"x", "other.txt"),
    "a-pickle": lambda good: zipped(b"x", "archive/data.pkl"),
    "lzma": lambda good: zipped(good, method=zipfile.ZIP_LZMA),
    "bzip2": lambda good: zipped(good, method=zipfile.ZIP_BZIP2),
    "encrypted": lambda good: flagged(zipped(good), 8, b"\1\0"),
    "unknown-method": lambda good: flagged(zipped(good), 10, b"\x63\0"),
    "size-too-small": lambda good: flagged(zipped(good), 24, struct.pack("<L", 500)),
    "size-too-large": lambda good: flagged(zipped(good), 24, struct.pack("<L", 5_000_000)),
    "offset-away": lambda good: flagged(zipped(good), 42, b"\xff\xff\xff\x7f"),
    "checksum-wrong": lambda good: flagged(zipped(good), 16, b"\0\0\0\0"),
    "cut-off": lambda good: zipped(good)[:-10],
    "in-two": lambda good: zipped(good)[: len(good) // 2],
    "a-directory-alone": lambda good: b"PK\5\6" + bytes(18),
    "entries-that-are-not-there": lambda good: b"PK\5\6" + bytes(6) + b"\xff\x7f" + bytes(10),
    "inside-a-zip": lambda good: zipped(zipped(good), "weights.safetensors"),
    "data-damaged": lambda good: zipped(good).replace(zipped(good)[2000:2100], bytes(100)),
    "members": lambda good: zipped(CRAFTED["2000-members"](good)),
}  # fmt: skip


@pytest.mark.parametrize("name", ZIPS)
def test_zips(name: str, sound_weights: bytes, tmp_path: Path) -> None:
    file = tmp_path / "w.zip"
    file.write_bytes(ZIPS[name](sound_weights))
    with pytest.raises(RunError):
        Classifier.load(file)
    with pytest.raises(ConfigError):
        read_weights(file)


@pytest.mark.parametrize("seed", range(60))
def test_mutated(seed: int, sound_weights: bytes, tmp_path: Path) -> None:
    """Spoiled weights, as a file and as a zip: loaded, or refused in words."""
    chance = random.Random(seed)
    content = bytearray(sound_weights if seed % 2 else zipped(sound_weights))
    reach = 6000 if seed % 4 else len(content)  # most of it in the header
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(min(reach, len(content)))
        match chance.randrange(3):
            case 0:
                content[at] = chance.randrange(256)
            case 1:
                del content[at : at + chance.choice([1, 100])]
            case 2:
                content[at:at] = content[at : at + chance.choice([1, 30])]
    file = tmp_path / "w.safetensors"
    file.write_bytes(content)
    for load in (lambda: Classifier.load(file), lambda: read_weights(file)):
        with contextlib.suppress(LabError):
            load()


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "weights.safetensors")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero"), tmp_path / ("n" * 300)):
        with pytest.raises(RunError):
            Classifier.load(path)
        with pytest.raises(ConfigError):
            read_weights(path)
