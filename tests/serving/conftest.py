from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """The engine takes torch's threads for itself; the tests after these want them back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def find() -> Callable[[str], Path]:
    return Path
