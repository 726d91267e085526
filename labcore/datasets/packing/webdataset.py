"""WebDataset: tars in which the files of a sample follow each other, ``000017.flac``, ``000017.json``, ``000017.cls``.

Unpacked, the sounds lie in a folder for each tar, and ``metadata.jsonl`` beside them says what they are.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labcore.audio.containers import AUDIO_SUFFIXES
from labcore.datasets.columns import column_for
from labcore.datasets.packing.members import Member, Names
from labcore.datasets.packing.samples import listing
from labcore.datasets.packing.tarred import members as tar_members
from labcore.datasets.parts import part_named
from labcore.datasets.scan import is_file, suffix_of
from labcore.texts import shown, whole_number

CLASS_LISTS = ("classes.txt", "classnames.txt", "class_names.txt", "labels.txt")
LOOKED_AT = 60
LARGEST_FIELD = 1024**2
"""Bytes of what is told of a sample."""
LABELS = ("cls", "cls.txt", "label", "label.txt", "class", "class.txt")
TEXTS = ("txt", "text")
LONGEST_LABEL = 80


@dataclass
class _Sample:
    """The files of a sample so far: where its sounds were put, and what is told of them."""

    key: tuple[str, ...]
    sounds: list[str] = field(default_factory=list)
    fields: dict[str, bytes] = field(default_factory=dict)


def is_webdataset(path: Path) -> bool:
    """Whether a tar holds samples: files beside sounds that have their name with another ending."""
    sounds, others = set[tuple[str, ...]](), set[tuple[str, ...]]()
    for member in itertools.islice(tar_members(path, Names(str(path))), LOOKED_AT):
        key, ending = _key(member)
        (sounds if suffix_of(f"x.{ending}") in AUDIO_SUFFIXES else others).add(key)
    return bool(sounds & others)


def members(shards: Iterable[tuple[Path, tuple[str, ...]]], names: Names) -> Iterator[Member]:
    """The sounds of some tars, then the list of what they are.

    Args:
        shards: each with the parts of its path, by which its sounds go.

    Raises:
        DatasetError: one is damaged, or holds what no data set does.
    """
    rows: list[dict[str, Any]] = []
    for path, place in shards:
        classes = _classes(path)
        part = next((named.part for text in reversed(place) if (named := part_named(text))), "")
        sample = _Sample(())
        for member in tar_members(path, Names(str(path), names.refused)):
            key, ending = _key(member)
            if key != sample.key:
                rows += _rows(sample, part, classes)
                sample = _Sample(key)
            if suffix_of(f"x.{ending}") in AUDIO_SUFFIXES:
                parts = names.take(shown("/".join((*place, *key[:-1], f"{key[-1]}.{ending}"))))
                if parts is not None:
                    sample.sounds.append("/".join(parts))
                    yield Member(parts, member.size, member.opened)
            elif member.size <= LARGEST_FIELD:
                with member.reading() as content:
                    sample.fields[ending] = content.read(LARGEST_FIELD)
        rows += _rows(sample, part, classes)
    yield listing(rows)


def _key(member: Member) -> tuple[tuple[str, ...], str]:
    """The sample of a file, which is its path up to the first dot of its name, and what stands behind that dot, in lower case."""
    name, _, ending = member.parts[-1].partition(".")
    return (*member.parts[:-1], name), ending.strip().lower()


def _rows(sample: _Sample, part: str, classes: list[str]) -> list[dict[str, Any]]:
    """What is told of a sample, as a row of the list for each of its sounds, which belong together where there are several."""
    told = _told(sample, part, classes) if sample.sounds else {}
    if len(sample.sounds) > 1 and not column_for("group", list(told)):
        told["group"] = "/".join(sample.key)
    return [{"file_name": sound} | told for sound in sample.sounds]


def _told(sample: _Sample, part: str, classes: list[str]) -> dict[str, Any]:
    """What the other files of a sample say: the fields of its JSON, the label, and the part of its tar."""
    facts = _facts(sample.fields.get("json", b""))
    row = {name: value for name, value in facts.items() if not isinstance(value, dict) and name != "file_name"}
    texts = {ending: content.decode("utf-8", "replace").strip() for ending, content in sample.fields.items()}
    label = next((texts[ending] for ending in LABELS if texts.get(ending)), "")
    given = column_for("label", list(facts))
    if not label and not given:
        short = (texts[ending] for ending in TEXTS if texts.get(ending) and len(texts[ending]) <= LONGEST_LABEL)
        label = next((text for text in short if "\n" not in text), "")
    if not label and not given and len(sample.key) > 1:
        label = sample.key[-2]  # samples in folders of their classes
    label = _class(label, classes)
    if label:
        row = {name: value for name, value in row.items() if name != given} | {"label": label}
    elif given and (name := _class(str(facts[given]), classes)) in classes:
        row[given] = name
    if part and not column_for("fold", list(facts)):
        row["split"] = part
    return row


def _class(label: str, classes: list[str]) -> str:
    """The name of a class whose number a label is; any other label as it is."""
    number = whole_number(label)
    return label if number is None or number >= len(classes) else classes[number]


def _facts(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _classes(shard: Path) -> list[str]:
    """The names of the classes by number, from a list beside the tar or above it; none where there is no such list."""
    places = (folder / name for folder in (shard.parent, shard.parent.parent) for name in CLASS_LISTS)
    path = next((path for path in places if is_file(path)), None)
    return (
        [line.strip() for line in path.read_text("utf-8-sig", "replace").splitlines() if line.strip()] if path else []
    )
