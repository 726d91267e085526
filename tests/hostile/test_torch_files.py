"""Files that torch.save wrote, or that somebody made to look like one: read without running or writing anything, or refused in words."""

from __future__ import annotations

import io
import os
import pickle
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from labcore.errors import ConfigError
from labcore.models.pretrained import read_weights
from labcore.models.torch_file import read_torch_file
from tests.hostile.archives import repacked


def torch_file(content: object, **options: Any) -> bytes:
    out = io.BytesIO()
    torch.save(content, out, **options)
    return out.getvalue()


pytestmark = pytest.mark.usefixtures("little_memory")


def sparse() -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.sparse_coo_tensor(torch.zeros(1, 1, dtype=torch.long), torch.ones(1), (10**12,))


GOOD = {"a.weight": torch.zeros(4, 4), "a.bias": torch.zeros(4), "b": torch.zeros(2)}
TORCH: dict[str, Callable[[], bytes]] = {
    "packed-to-a-thousandth": lambda: repacked(torch_file({"a": torch.zeros(30_000_000)})),
    "one-number-a-billion-times": lambda: torch_file({"a": torch.zeros(1).expand(10**9), "b": torch.zeros(1), "c": torch.zeros(1)}),
    "sparse": lambda: torch_file({"a": sparse()}),
    "meta": lambda: torch_file({"a": torch.zeros(10**9, device="meta")}),
    "complex": lambda: torch_file({"a": torch.zeros(2, dtype=torch.complex64)}),
    "flipped": lambda: torch_file({"a": torch.full((9,), 1.5)}).replace(struct.pack("<9f", *[1.5] * 9), struct.pack("<9f", *[1.25] * 9)),
    "cut-off": lambda: torch_file(GOOD)[:-300],
    "legacy-cut-off": lambda: torch_file(GOOD, _use_new_zipfile_serialization=False)[:-20],
    "legacy-head": lambda: torch_file(GOOD, _use_new_zipfile_serialization=False)[:30],
    "a-number": lambda: torch_file(5),
    "a-list": lambda: torch_file([torch.zeros(3)]),
    "nested": lambda: torch_file({"model": {"model": {"model": {}}}}),
    "code": lambda: torch_file({"a": os.getcwd}),
    "a-class": lambda: pickle.dumps(ConfigError("x")),
    "a-pickle-cut-off": lambda: b"\x80\x02}q",
    "a-pickle-of-nothing": lambda: b"\x80\x02.",
    "nothing": lambda: b"",
}  # fmt: skip


class Stored:
    """A storage as a pickle of torch names one."""

    def __init__(self, numbers: int = 4, kind: Any = torch.FloatStorage, key: Any = "0", word: str = "storage") -> None:
        self.told = (word, kind, key, "cpu", numbers)


class Made:
    """A tensor as a pickle of torch makes one, of any arguments."""

    def __init__(self, *arguments: Any, function: Any = torch._utils._rebuild_tensor_v2) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> Any:
        return self.function, self.arguments


def torch_zip(content: object, numbers: int = 4, **entries: bytes) -> bytes:
    """A file as torch.save writes it, of what it never writes."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            return value.told if isinstance(value, Stored) else None

    described = io.BytesIO()
    Pickler(described, 2).dump(content)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a/data.pkl", described.getvalue())
        archive.writestr("a/data/0", np.arange(numbers, dtype=np.float32).tobytes())
        for name, value in entries.items():
            archive.writestr(f"a/{name}", value)
    return out.getvalue()


def tensor(*arguments: Any, **changes: Any) -> bytes:
    return torch_zip({"a": Made(*arguments)}, **changes)


SHAPE = (2, 2), (2, 1), False, None
TORCH |= {
    "storage-larger-than-its-bytes": lambda: tensor(Stored(400), 0, (20, 20), (20, 1), False, None),
    "storage-smaller-than-its-bytes": lambda: tensor(Stored(2), 0, (2,), (1,), False, None),
    "storage-of-a-terabyte": lambda: tensor(Stored(2**38), 0, (2**38,), (1,), False, None),
    "storage-negative": lambda: tensor(Stored(-4), 0, *SHAPE),
    "storage-of-text": lambda: tensor(Stored("4"), 0, *SHAPE),
    "storage-of-true": lambda: tensor(Stored(True), 0, (1,), (1,), False, None, numbers=1),
    "storage-missing": lambda: tensor(Stored(key="7"), 0, *SHAPE),
    "storage-elsewhere": lambda: tensor(Stored(key="../data.pkl"), 0, *SHAPE),
    "storage-without-a-name": lambda: tensor(Stored(key=None), 0, *SHAPE),
    "storage-of-no-kind": lambda: tensor(Stored(kind="FloatStorage"), 0, *SHAPE),
    "storage-of-two-kinds": lambda: torch_zip([Made(Stored(), 0, *SHAPE), Made(Stored(kind=torch.IntStorage), 0, *SHAPE)]),
    "storage-of-another-word": lambda: tensor(Stored(word="module"), 0, *SHAPE),
    "offset-beyond": lambda: tensor(Stored(), 1, *SHAPE),
    "offset-negative": lambda: tensor(Stored(), -1, *SHAPE),
    "offset-400-digits": lambda: tensor(Stored(), 10**400, *SHAPE),
    "strides-beyond": lambda: tensor(Stored(), 0, (2, 2), (3, 1), False, None),
    "strides-negative": lambda: tensor(Stored(), 3, (2, 2), (-2, 1), False, None),
    "strides-of-nothing": lambda: tensor(Stored(), 0, (1000, 1000), (0, 0), False, None),
    "strides-fewer": lambda: tensor(Stored(), 0, (2, 2), (1,), False, None),
    "shape-negative": lambda: tensor(Stored(), 0, (-2, -2), (2, 1), False, None),
    "shape-of-text": lambda: tensor(Stored(), 0, "22", "21", False, None),
    "shape-deep": lambda: tensor(Stored(), 0, (1,) * 4000, (1,) * 4000, False, None),
    "no-storage": lambda: tensor([1, 2, 3, 4], 0, *SHAPE),
    "no-arguments": lambda: tensor(),
    "other-function": lambda: torch_zip({"a": Made(torch.zeros(3), function=torch.save)}),
    "os": lambda: torch_zip({"a": Made("true", function=os.system)}),
    "big-endian": lambda: tensor(Stored(), 0, *SHAPE, byteorder=b"big"),
    "a-storage-alone": lambda: torch_zip(Stored()),
    "deep-lists": lambda: torch_zip({"a": [[[[[]]]]]}),
}  # fmt: skip


def test_files_of_torch_are_read_as_torch_reads_them(tmp_path: Path) -> None:
    base = torch.arange(24.0).reshape(4, 6)
    linear = torch.nn.Linear(3, 2)
    content = {
        "plain": base, "view": base[1:3, 2:], "turned": base.T, "empty": torch.zeros(0, 3), "one": torch.tensor(5),
        "half": base.half(), "brain": base.bfloat16(), "bytes": base.to(torch.uint8), "truth": base > 4,
        "parameter": linear.weight, "state": linear.state_dict(), "numbers": [1, 2.5, None, "text", (1, {2: 3})],
    }  # fmt: skip
    torch.save(content, tmp_path / "w.pt")
    ours, theirs = read_torch_file(tmp_path / "w.pt"), torch.load(tmp_path / "w.pt", weights_only=True)
    for name in ("plain", "view", "turned", "empty", "one", "half", "brain", "bytes", "truth", "parameter"):
        assert ours[name].dtype == theirs[name].dtype
        assert torch.equal(ours[name], theirs[name])
    assert ours["view"].untyped_storage().data_ptr() == ours["plain"].untyped_storage().data_ptr()
    assert list(ours["state"]) == list(theirs["state"])
    assert ours["numbers"] == theirs["numbers"]


@pytest.mark.parametrize("name", TORCH)
def test_files_of_torch(name: str, tmp_path: Path) -> None:
    file = tmp_path / "w.pt"
    file.write_bytes(TORCH[name]())
    with pytest.raises(ConfigError):
        read_weights(file)
