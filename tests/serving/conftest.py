from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def find() -> Callable[[str], Path]:
    return Path
