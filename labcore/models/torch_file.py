"""Files that torch.save wrote, read without torch.load: what may be in one is known by name, and each tensor's place is measured.

torch's own reader for weights alone had faults that let a file write where it liked (CVE-2026-24747, before torch 2.10). Here a file is a
zip in which nothing is packed, a pickle that may name ten things, and bytes.
"""

from __future__ import annotations

import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from labcore.zips import opened_zip

MOST_ENTRIES = 100_000
LARGEST_PICKLE = 64 * 1024**2
STORAGES = {
    "DoubleStorage": torch.float64, "FloatStorage": torch.float32, "HalfStorage": torch.float16, "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64, "IntStorage": torch.int32, "ShortStorage": torch.int16, "CharStorage": torch.int8,
    "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
}  # fmt: skip


def read_torch_file(path: Path) -> Any:
    """What torch.save wrote into a file, tensors on the CPU. Nothing in it is executed.

    Raises:
        OSError: it is not there, or may not be read.
        zipfile.BadZipFile: it is no file of torch's present format, or damaged.
        pickle.UnpicklingError: there is more in it than plain data and tensors.
        ValueError: it is damaged in whatever other way, or a tensor is no ordinary one.
    """
    with path.open("rb") as file, opened_zip(file, MOST_ENTRIES) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise zipfile.BadZipFile("entries of it are packed, which torch does not do")
        if sum(entry.file_size for entry in entries) > path.stat().st_size:
            raise zipfile.BadZipFile("its entries overlap")
        names = {entry.filename: entry.file_size for entry in entries}
        described = next((name for name in names if name.endswith("/data.pkl")), None)
        if described is None or names[described] > LARGEST_PICKLE:
            raise zipfile.BadZipFile("it contains no description of tensors")
        folder = described.removesuffix("data.pkl")
        if f"{folder}byteorder" in names and archive.read(f"{folder}byteorder").strip() != b"little":
            raise ValueError("its numbers have another byte order")
        with archive.open(described) as stream:
            return _loaded(_Reader(stream, lambda key: archive.read(f"{folder}data/{key}")))


def _loaded(reader: pickle.Unpickler) -> Any:
    try:
        return reader.load()
    except (pickle.UnpicklingError, zipfile.BadZipFile, OSError, ValueError):
        raise
    except Exception as error:  # a damaged pickle raises what it likes
        raise ValueError(str(error) or type(error).__name__) from error


class _Reader(pickle.Unpickler):
    def __init__(self, stream: Any, read: Callable[[str], bytes]) -> None:
        super().__init__(stream)
        self._read = read
        self._storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            ("torch._utils", "_rebuild_parameter"): lambda data, *_: data,
            ("torch", "Size"): tuple,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is in it"[:200])
        return known[module, name]

    def persistent_load(self, what: Any) -> Tensor:
        """The numbers of a storage, in one row."""
        if not (
            isinstance(what, tuple) and len(what) == 5 and what[0] == "storage" and isinstance(what[1], torch.dtype)
        ):
            raise ValueError("a tensor without numbers")
        _, dtype, key, _, numbers = what
        if not isinstance(key, str) or type(numbers) is not int or numbers < 0:
            raise ValueError("a tensor without numbers")
        if key not in self._storages:
            content = bytearray(self._read(key))
            if len(content) != numbers * dtype.itemsize:
                raise ValueError(f"the numbers of a tensor take {len(content)} bytes")
            self._storages[key] = torch.frombuffer(content, dtype=dtype) if content else torch.empty(0, dtype=dtype)
        if self._storages[key].dtype != dtype:
            raise ValueError("the numbers of a tensor are of two kinds")
        return self._storages[key]


def _tensor(numbers: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Tensor:
    """A tensor over a row of numbers, none of which it repeats or looks for outside."""
    ways = (offset, *shape, *strides) if isinstance(shape, tuple) and isinstance(strides, tuple) else (None,)
    if not isinstance(numbers, Tensor) or not all(type(each) is int and each >= 0 for each in ways) or len(shape) > 16:
        raise ValueError("a tensor that is none")
    if len(shape) != len(strides) or math.prod(shape) > len(numbers):
        raise ValueError("a tensor that is no ordinary one")
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if math.prod(shape) and last >= len(numbers):
        raise ValueError("a tensor that reaches beyond its numbers")
    return numbers.as_strided(shape, strides, offset) if math.prod(shape) else numbers.new_empty(shape)
