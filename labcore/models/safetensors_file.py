"""Safetensors files: the header is read and judged before any tensor takes memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import IO

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from labcore.reading import parse_json

LARGEST_HEADER = 8 * 1024**2
MOST_TENSORS = 50_000
KINDS = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1,
    "U16": 2, "U32": 4, "U64": 8, "F8_E4M3": 1, "F8_E5M2": 1,
}  # fmt: skip
"""Bytes of a number of each kind."""


@dataclass(frozen=True)
class SafetensorsHeader:
    """What a safetensors file says of itself.

    Attributes:
        metadata: texts by name.
        kinds, shapes: of each tensor by its name.
        content: the header as bytes, as it stands in the file.
        total: bytes of the whole file.
    """

    metadata: dict[str, str]
    kinds: dict[str, str]
    shapes: dict[str, tuple[int, ...]]
    content: bytes
    total: int

    def bytes_of(self, name: str) -> int:
        return KINDS[self.kinds[name]] * math.prod(self.shapes[name])


def read_header(stream: IO[bytes], total: int) -> SafetensorsHeader:
    """The header of a file of ``total`` bytes; the stream stands behind it then.

    Raises:
        ValueError: it is no safetensors file, or its header is larger than any needs.
    """
    start = stream.read(8)
    size = int.from_bytes(start, "little")
    if len(start) < 8 or size > total - 8:
        raise ValueError("it is not a safetensors file, or truncated")
    if size > LARGEST_HEADER:
        raise ValueError(f"its header has {size / 1e6:.0f} MB, and {LARGEST_HEADER / 1e6:.0f} MB are allowed")
    text = stream.read(size)
    try:
        tree = parse_json(text)
        if not isinstance(tree, dict):
            raise TypeError("its header is not an object")
        if len(tree) > MOST_TENSORS:
            raise ValueError(f"{len(tree)} tensors are in it, and {MOST_TENSORS} are allowed")
        metadata = tree.pop("__metadata__", {})
        if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
            raise TypeError("its metadata are not text")
        kinds = {name: facts["dtype"] for name, facts in tree.items()}
        shapes = {name: _shape(facts["shape"]) for name, facts in tree.items()}
        header = SafetensorsHeader(metadata, kinds, shapes, start + text, total)
        needed = sum(map(header.bytes_of, tree))
    except (KeyError, TypeError) as error:
        raise ValueError(f"its header is damaged: {error}") from error
    if needed != total - len(header.content):
        raise ValueError(f"its tensors take {needed} bytes, and {total - len(header.content)} are there")
    return header


def _shape(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > 16 or not all(type(each) is int and each >= 0 for each in value):
        raise TypeError("a shape is not a list of numbers")
    return tuple(value)


def read_tensors(stream: IO[bytes], header: SafetensorsHeader) -> dict[str, Tensor]:
    """The tensors of a file whose header was read from the stream, on the CPU.

    Raises:
        ValueError: it is cut off or damaged, or a number in it is not finite.
    """
    content = header.content + stream.read(header.total - len(header.content))
    try:
        tensors = safetensors.torch.load(content)
    except (safetensors.SafetensorError, KeyError, RuntimeError) as error:
        raise ValueError(str(error)) from error
    bad = next((name for name, tensor in tensors.items() if not finite(tensor)), None)
    if bad is not None:
        raise ValueError(f"{bad} contains numbers that are not finite")
    return tensors


def finite(tensor: Tensor) -> bool:
    """Whether all numbers of a tensor are finite; those that are whole are."""
    if not tensor.is_floating_point():
        return True
    numbers = tensor.float() if tensor.element_size() == 1 else tensor
    return bool(torch.isfinite(numbers).all())
