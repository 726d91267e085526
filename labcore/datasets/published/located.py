"""The sounds of a folder by their paths, however these are written: case, ending, backslashes."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from labcore.datasets.scan import find_audio
from labcore.texts import composed


class Located:
    """Finds what lists name below a folder that is known to hold it.

    Args:
        folder: it may be missing, and holds nothing then.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def files(self) -> list[str]:
        """All audio files, as whole paths."""
        found = find_audio(self.folder).files if self.folder.is_dir() else []
        return [str(self.folder.joinpath(*parts)) for parts in found]

    def find(self, name: str) -> str | None:
        """The file of a path from the folder on, with or without its ending; None where it is missing."""
        return self._by_path.get(_key(name)) or self._by_path.get(_key(os.path.splitext(name)[0]))  # noqa: PTH122

    @cached_property
    def _by_path(self) -> dict[str, str]:
        start = len(str(self.folder)) + 1
        whole = {_key(path[start:]): path for path in self.files}
        return {_key(os.path.splitext(path[start:])[0]): path for path in self.files} | whole  # noqa: PTH122 (called for every file)


def _key(path: str) -> str:
    return composed(path.replace("\\", "/").strip()).casefold()
