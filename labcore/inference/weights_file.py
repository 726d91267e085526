"""The file of a classifier's weights: what it holds is checked by its header alone, before a network is built or memory read as one.

Files come from anywhere: a run of this workspace, a restored backup, a zip that somebody was sent.
"""

from __future__ import annotations

import os
import stat
import unicodedata
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from labcore.config import ModelConfig, RunConfig, parse
from labcore.errors import ConfigError, RunError
from labcore.features import LogMel
from labcore.inference import unknown
from labcore.inference.golden import PREFIX, Golden
from labcore.inference.temperature import Temperature
from labcore.inference.thresholds import Thresholds
from labcore.inference.unknown import Unknown
from labcore.models import build_network
from labcore.models.ensemble import MOST_MEMBERS
from labcore.models.safetensors_file import SafetensorsHeader, read_header, read_tensors
from labcore.reading import parse_json
from labcore.task.kind import Task
from labcore.task.several import SeveralLabels
from labcore.task.single import SingleLabel
from labcore.task.thresholds import LabelThresholds
from labcore.texts import shown
from labcore.zips import opened_zip

FORMAT = "labcore-classifier-1"
FILE = "weights.safetensors"
MOST_LABELS = 20_000
LONGEST_LABEL = 500
MOST_GOLDEN = 64
MOST_CELLS = 2**24
"""Of the log-mel of a window: bands times frames. A minute of ultrasound, by the settings that are automatic, has a sixth of it."""
_FLOATS = ("F64", "F32", "F16", "BF16")


@dataclass(frozen=True)
class Weights:
    """What a file of weights holds: a configuration, the labels, the models of an ensemble's members, tensors, golden clips, the
    temperature of its probabilities, what it refuses as none of its classes, its thresholds for events, and whether it gives one label
    a clip or several."""

    config: RunConfig
    labels: list[str]
    members: list[ModelConfig]
    tensors: dict[str, Tensor]
    golden: Golden | None
    temperature: Temperature | None
    unknown: Unknown | None
    thresholds: Thresholds | None
    task: Task


def read_weights_file(path: Path) -> Weights:
    """The weights in a run's directory, a ``.safetensors`` file, or the zip that the lab hands out.

    Raises:
        RunError: there are none, or they are not of this lab.
    """
    file = path
    try:
        file = path / FILE if path.is_dir() else path
        if not stat.S_ISREG(file.stat().st_mode):
            raise RunError(f"{file} is not a file", f"Use {FILE} of a run")
        with file.open("rb") as stream:
            if zipfile.is_zipfile(stream):
                return _read_zip(stream, str(file))
            stream.seek(0)
            return read_weights(stream, os.fstat(stream.fileno()).st_size, str(file))
    except FileNotFoundError as error:
        raise RunError(f"there are no weights at {file}", "Weights are written when a run finishes") from error
    except (OSError, zipfile.BadZipFile) as error:
        raise RunError(f"the weights at {file} cannot be read: {error}") from error


def _read_zip(stream: IO[bytes], name: str) -> Weights:
    with opened_zip(stream) as archive:
        entries = archive.infolist()
        if any(entry.filename.endswith(".pkl") for entry in entries):
            raise _pickle(name)
        found = next((entry for entry in entries if entry.filename.endswith(FILE)), None)
        if found is None:
            raise zipfile.BadZipFile("none in the zip")
        with archive.open(found) as inner:
            return read_weights(inner, found.file_size, name)


def read_weights(stream: IO[bytes], size: int, name: str) -> Weights:
    """The weights in a safetensors file of ``size`` bytes. Nothing in it is executed.

    Args:
        name: what to call it in errors.

    Raises:
        RunError: it is no file of this lab, or what it holds does not fit the network it names.
    """
    start = stream.read(2)
    if start[:1] == b"\x80" and start[1:] in (b"\2", b"\3", b"\4", b"\5"):
        raise _pickle(name)
    try:
        stream.seek(0)
        header = read_header(stream, size)
        config, labels, members = _facts(header)
        _compare(header, config, labels, members, name)
        tensors = read_tensors(stream, header)
        golden = Golden.taken_from(tensors, config.clip_samples, len(labels))
        temperature = Temperature.told_by(header)
        refused = Unknown.taken_from(tensors, header)
        thresholds = Thresholds.told_by(header)
        if thresholds is not None:
            thresholds.check(labels)
        task = _task(header, labels)
    except (ValueError, KeyError, TypeError, ConfigError) as error:
        raise RunError(
            f"{name} is not a classifier of this lab: {str(error)[:300].rstrip('.')}", f"Use {FILE} of a run"
        ) from error
    return Weights(config, labels, members, tensors, golden, temperature, refused, thresholds, task)


def _facts(header: SafetensorsHeader) -> tuple[RunConfig, list[str], list[ModelConfig]]:
    facts: Any = parse_json(header.metadata["labcore"])
    if facts["format"] != FORMAT:
        raise ValueError(f"its format is {str(facts['format'])[:80]!r}")
    members = facts.get("members", [])
    if not isinstance(members, list) or len(members) > MOST_MEMBERS:
        raise ValueError(f"its members are not a list of at most {MOST_MEMBERS} networks")
    config = parse(facts["config"])
    cells = config.features.n_mels * (config.clip_samples // config.framing.hop_length + 1)
    if cells > MOST_CELLS:
        raise ValueError(f"its network is given {cells} numbers at a time, and {MOST_CELLS} are allowed")
    return config, _labels(facts["labels"]), [parse({"model": member}).model for member in members]


def _task(header: SafetensorsHeader, labels: list[str]) -> Task:
    """One label a clip, unless the header tells of several."""
    facts: Any = parse_json(header.metadata["labcore"])
    if "several_labels" not in facts:
        return SingleLabel()
    thresholds = LabelThresholds.model_validate(facts["several_labels"])
    if foreign := set(thresholds.values) - set(labels):
        raise ValueError(f"it has a threshold for {min(foreign)[:80]!r}, which is none of its labels")
    return SeveralLabels(thresholds)


def _labels(labels: object) -> list[str]:
    """The labels, which are distinct texts that can be shown."""
    if not isinstance(labels, list) or not 0 < len(labels) <= MOST_LABELS:
        raise ValueError(f"its labels are not a list of at most {MOST_LABELS}")
    for label in labels:
        if not isinstance(label, str) or not label.strip() or len(label) > LONGEST_LABEL:
            raise ValueError("a label is not text, empty or too long")
        if label != shown(label) or any(unicodedata.category(mark) in ("Cc", "Zl", "Zp") for mark in label):
            raise ValueError(f"the label {shown(label)!r} contains unprintable characters")
    if len(set(labels)) < len(labels):
        raise ValueError("a label occurs twice")
    return labels


def _compare(
    header: SafetensorsHeader, config: RunConfig, labels: list[str], members: list[ModelConfig], name: str
) -> None:
    """See that the tensors of a header are those of the network that it names, which is built without memory for it.

    Raises:
        RunError: they are not.
    """
    missing = {each for each in header.shapes if not each.startswith((PREFIX, unknown.PREFIX))}

    def take(expected: dict[str, Tensor], prefix: str) -> None:
        for inner, tensor in expected.items():
            known, shape = prefix + inner, tuple(tensor.shape)
            found = header.shapes.get(known)
            if found != shape:
                told = "is missing" if found is None else f"is {found} there and {shape} in the network"
                raise _unfit(name, config, f"{known} {told}")
            if (header.kinds[known] in _FLOATS) != tensor.is_floating_point():
                raise _unfit(name, config, f"{known} holds {header.kinds[known]}")
            missing.discard(known)

    take(LogMel(config).state_dict(), "log_mel.")
    known: dict[str, dict[str, Tensor]] = {}  # members are alike more often than not
    for number, model in enumerate(members or [config.model]):
        key = model.model_dump_json()
        if key not in known:
            known[key] = _outline(model, len(labels))
        take(known[key], f"network.members.{number}." if members else "network.")
    if missing:
        raise _unfit(name, config, f"{min(missing)[:80]} does not belong to it")
    unknown.check(header)
    golden = sum(header.bytes_of(each) for each in header.shapes if each.startswith(PREFIX))
    if golden > MOST_GOLDEN * (2 * config.clip_samples + 4 + 4 * len(labels)):
        raise ValueError(f"it has more than {MOST_GOLDEN} golden clips")


def _outline(model: ModelConfig, classes: int) -> dict[str, Tensor]:
    """The state of a network without its numbers, on torch's meta device."""
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        return build_network(model, classes).state_dict()


def _unfit(name: str, config: RunConfig, why: str) -> RunError:
    return RunError(f"the weights in {name} do not fit the network {config.model.name}: {why}", f"Use {FILE} of a run")


def _pickle(name: str) -> RunError:
    return RunError(
        f"{name} is a pickle: reading it could execute code, so the lab refuses it",
        f"Use {FILE} of a run",
    )
