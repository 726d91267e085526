"""Scripts, and what stands in for a training, as modules: they lie in no package."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any


def module_at(file: Path) -> Any:
    """A file of Python as a module of its own, run anew each time."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
