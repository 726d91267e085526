"""Pretrained weights: where they come from, how they are brought to a network of the lab, and which part of it is the head.

Tensors are matched by name. Where a convolution hears one channel and the weights are for several, they are summed over the channels:
the answer to a grey image is then what the answer to it in all channels was (as timm does for its own networks). Weights of the last
layer stay out where the number of classes differs. Nothing in a file is executed.
"""

from __future__ import annotations

import pickle
import stat
import textwrap
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import torch
from torch import Tensor, nn

from labcore.allowed_paths import check_weights
from labcore.config import ModelConfig
from labcore.errors import ConfigError
from labcore.models.safetensors_file import finite, read_header, read_tensors
from labcore.models.torch_file import read_torch_file
from labcore.texts import counted
from labcore.zips import opened_zip

NONE, PUBLISHED = "none", "published"
TORCHVISION_RESNET18 = "https://download.pytorch.org/models/resnet18-f37072fd.pth"
SOURCES = "a .safetensors file, a .pt or .pth file with a state dict, the folder of a run, or the zip of one"
AGAIN = "Save the state dict alone (torch.save(network.state_dict(), …)), or better as .safetensors"
OWN_READER_MENDED = "2.10"
"""Before this version torch's reader for weights alone could be made to write outside its memory (CVE-2026-24747)."""
_WRAPPERS = ("state_dict", "model_state_dict", "model", "network", "module", "weights")
_PREFIXES = ("module.", "network.", "model.", "backbone.", "encoder.", "_orig_mod.", "members.0.")
_HEADS = ("fc", "head", "classifier", "head_dist", "fc_audioset")


def load_pretrained(network: nn.Module, config: ModelConfig) -> str:
    """Set a fresh network's weights to those that ``config.pretrained`` names. The head stays fresh where it does not fit.

    Returns:
        What became of them, a sentence without the final stop.

    Raises:
        ConfigError: they cannot be had or read, no convolution or linear layer of them fits, or a number in them is not finite.
    """
    tensors, origin = read_pretrained(config)
    own = dict(network.state_dict())
    head = head_names(network)
    tensors = _renamed(tensors, own)
    loaded, summed = [], []
    for name, target in own.items():
        given = tensors.get(name)
        fitting = None if given is None else fitted(given, target)
        if given is None or fitting is None:
            continue
        if not finite(fitting):
            raise ConfigError(
                f"{name} of the weights from {origin} contains numbers that are not finite", "Use other weights"
            )
        with torch.no_grad():
            target.copy_(fitting)
        loaded.append(name)
        if fitting.shape != given.shape:
            summed.append(name)
    if not any(own[name].dim() > 1 for name in loaded if name not in head):
        raise ConfigError(
            f"the weights from {origin} do not fit the network {config.name}: {_mismatch(own, tensors)}",
            "Use weights of the same network, or the network of these weights (model.name)",
        )
    fresh = [name for name in own if name not in loaded]
    told = [f"pretrained weights from {origin}: {counted(len(loaded), 'tensor')} loaded"]
    if summed:
        told.append(f"{', '.join(summed)} summed over the input channels")
    if not head.isdisjoint(fresh):
        told.append("the last layer is initialised at random")
    missing = [name for name in fresh if name not in head and not name.endswith("num_batches_tracked")]
    unused = [name for name in tensors if name not in own and name.partition(".")[0] not in _HEADS]
    for names, what in (
        (missing, "not in the file and initialised at random"),
        (unused, "of the file do not belong to the network"),
    ):
        if names:
            told.append(f"{len(names)} {what} ({_some(names)})")
    return "; ".join(told)


def fitted(given: Tensor, target: Tensor) -> Tensor | None:
    """A given tensor as it fits a target: itself, summed over its input channels, or None."""
    if given.shape == target.shape:
        return given
    same = (
        given.dim() == target.dim() == 4 and given.shape[0] == target.shape[0] and given.shape[2:] == target.shape[2:]
    )
    return given.float().sum(1, keepdim=True) if same and target.shape[1] == 1 else None


def head_of(network: nn.Module) -> nn.Module:
    """The last layer: what timm calls the classifier, else the last linear layer or convolution."""
    classifier = getattr(network, "get_classifier", None)
    module = classifier() if callable(classifier) else None
    if isinstance(module, nn.Module) and any(True for _ in module.parameters()):
        return module
    return [module for module in network.modules() if isinstance(module, (nn.Linear, nn.Conv2d))][-1]


def head_names(network: nn.Module) -> set[str]:
    """Names of the head's tensors in the network's state dict."""
    head = {tensor.data_ptr() for tensor in head_of(network).parameters()}
    return {name for name, tensor in network.named_parameters() if tensor.data_ptr() in head}


# --- where they come from


def read_pretrained(config: ModelConfig) -> tuple[dict[str, Tensor], str]:
    """The tensors that ``config.pretrained`` names, on the CPU, and where they come from in a few words.

    Raises:
        ConfigError: as :func:`load_pretrained`.
    """
    if config.pretrained != PUBLISHED:
        path = Path(config.pretrained).expanduser()
        check_weights(path)
        return read_weights(path), path.name
    if config.name.startswith("timm:"):
        return _published_by_timm(config.name.removeprefix("timm:"))
    if config.name == "resnet18":
        return _published_by_torchvision()
    raise ConfigError(
        f"there are no published weights for the network {config.name}",
        f"Give your own file as model.pretrained ({SOURCES}), or choose resnet18 or timm:NAME",
    )


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors in a file by name, on the CPU.

    Raises:
        ConfigError: it is not there, no file of weights, or would execute code when read.
    """
    file = path
    try:
        file = path / "weights.safetensors" if path.is_dir() else path
        if not stat.S_ISREG(file.stat().st_mode):
            raise ConfigError(f"{file} is not a file of weights", f"Give {SOURCES}")
        with file.open("rb") as stream:
            if file.suffix == ".safetensors":
                return _of_lab(stream, file.stat().st_size)
            if zipfile.is_zipfile(stream):
                with opened_zip(stream, most=100_000) as archive:
                    entries = archive.infolist()
                    inside = next((each for each in entries if each.filename.endswith("weights.safetensors")), None)
                    if inside is not None:
                        with archive.open(inside) as inner:
                            return _of_lab(inner, inside.file_size)
            stream.seek(0)
            start = stream.read(1)
        if start not in (b"P", b"\x80"):
            raise ConfigError(f"{file} contains no weights", f"Give {SOURCES}")
        return _state_dict(read_torch_file(file) if start == b"P" else _by_torch(file), file)
    except FileNotFoundError as error:
        raise ConfigError(
            f"there are no weights at {file}", f"model.pretrained takes {PUBLISHED}, or the path of {SOURCES}"
        ) from error
    except pickle.UnpicklingError as error:
        raise ConfigError(
            f"{file} contains more than weights: reading it could execute code, so the lab refuses it",
            AGAIN,
        ) from error
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ConfigError(f"the weights {file} cannot be read: {reason[:300]}", f"Give {SOURCES}") from error


def _of_lab(stream: IO[bytes], size: int) -> dict[str, Tensor]:
    """A safetensors file; of a classifier of this lab its network only."""
    header = read_header(stream, size)
    tensors = read_tensors(stream, header)
    if "labcore" in header.metadata:
        own = "network."
        tensors = {name.removeprefix(own): tensor for name, tensor in tensors.items() if name.startswith(own)}
    if not tensors:
        raise ValueError("it contains no tensors")
    return tensors


def _by_torch(file: Path) -> object:
    """What lies in a file of torch's first format. torch raises what it likes for a damaged one, which becomes a ValueError.

    Raises:
        ConfigError: this torch's reader is one of those that are not safe.
        pickle.UnpicklingError: it would execute code.
        ValueError: it is damaged, or no file of torch.
    """
    if torch.__version__ < OWN_READER_MENDED:
        raise ConfigError(
            f"{file} is written in the format of torch 1.5 and before, which torch reads safely from 2.10 on", AGAIN
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of pickle protocols other than torch's own
            return torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, pickle.UnpicklingError):
        raise
    except Exception as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _state_dict(content: object, file: Path) -> dict[str, Tensor]:
    for _ in range(len(_WRAPPERS)):
        if not isinstance(content, dict):
            break
        tensors = {str(name): tensor for name, tensor in content.items() if isinstance(tensor, Tensor)}
        inner = next((content[key] for key in _WRAPPERS if isinstance(content.get(key), dict)), None)
        if inner is None or len(tensors) > 2:
            if not tensors:
                break
            for name, tensor in tensors.items():
                _check_memory(name, tensor)
            return tensors
        content = inner
    raise ConfigError(f"{file} contains no state dict", "Save network.state_dict() with torch.save, or as .safetensors")


def _check_memory(name: str, tensor: Tensor) -> None:
    """See that a tensor is an ordinary one whose numbers are all there: a view can repeat one number as often as it likes."""
    plain = tensor.layout == torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized
    if not plain or tensor.is_complex() or tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise ValueError(f"{name[:80]} is not an ordinary tensor")


def _published_by_timm(name: str) -> tuple[dict[str, Tensor], str]:
    import timm

    if not timm.is_model(name):
        raise ConfigError(f"timm has no network {name!r}", "timm.list_models() lists the names")
    config = timm.get_pretrained_cfg(name)
    if config is None or not config.has_weights:
        raise ConfigError(
            f"timm publishes no weights of {name}", "timm.list_models(pretrained=True) lists the networks with some"
        )
    try:
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = timm.create_model(name, pretrained=True)
    except Exception as error:  # the hub and its transport raise what they like when there is no network
        raise _unreachable(f"timm:{name}", str(config.hf_hub_id or "its hub"), error) from error
    return dict(network.state_dict()), f"timm ({config.hf_hub_id or name})"


def _published_by_torchvision() -> tuple[dict[str, Tensor], str]:
    try:
        tensors = torch.hub.load_state_dict_from_url(
            TORCHVISION_RESNET18, map_location="cpu", progress=False, check_hash=True, weights_only=True
        )
    except Exception as error:
        raise _unreachable("resnet18", TORCHVISION_RESNET18, error) from error
    return tensors, "torchvision (ImageNet)"


def _unreachable(network: str, place: str, error: Exception) -> ConfigError:
    reason = textwrap.shorten(str(error) or type(error).__name__, 160, placeholder=" …")
    remedy = "Download them on a machine with a network and give the file's path as model.pretrained"
    if "CERTIFICATE_VERIFY_FAILED" in str(error):  # Python of python.org on macOS knows none until it is told
        certificates = 'export SSL_CERT_FILE="$(.venv/bin/python -m certifi)"'
        remedy = f"Where Python knows no certificates, as on macOS, run `{certificates}` in the shell that starts the lab. Or: {remedy}"
    return ConfigError(
        f"the published weights of {network} are not on this machine and cannot be downloaded from {place}: {reason}",
        remedy,
    )


# --- names


def _renamed(tensors: dict[str, Tensor], own: dict[str, Tensor]) -> dict[str, Tensor]:
    """The names without a wrapper's prefix, in the way that most of them are known to the network."""
    ways = [tensors]
    for prefix in _PREFIXES:
        if any(name.startswith(prefix) for name in tensors):
            ways.append({name.removeprefix(prefix): tensor for name, tensor in tensors.items()})
    return max(ways, key=lambda way: sum(name in own for name in way))


def _mismatch(own: dict[str, Tensor], tensors: dict[str, Tensor]) -> str:
    for name, tensor in tensors.items():
        if name in own and own[name].shape != tensor.shape:
            return f"{name} is {tuple(tensor.shape)} there and {tuple(own[name].shape)} in the network"
    return f"it has {_some(own)}, they have {_some(tensors)}"


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:2]) + (", …" if len(listed) > 2 else "")
