"""What is packed in a way that is not read here, by its ending, and what to do about it."""

from __future__ import annotations

import re
from pathlib import Path

from labcore.datasets.scan import suffix_of
from labcore.errors import DatasetError

OTHER_ARCHIVES = frozenset(".7z .rar .zst .tzst .gz .bz2 .xz .lz .lz4 .lzma .br .iso .dmg .cab".split())  # noqa: SIM905
"""Endings of what is packed otherwise than :data:`labcore.datasets.packing.found.ARCHIVES`."""
_UNFINISHED = re.compile(r"\.(part|partial|crdownload|download|opdownload)")
_NUMBERED = re.compile(r"\.[zr]?\d{2,3}")


def refuse_packed_otherwise(path: Path) -> None:
    """Refuse an archive of another kind, a part of one, and a download that goes on.

    Raises:
        DatasetError: it is one by its ending.
    """
    ending = suffix_of(path.name)
    if ending in OTHER_ARCHIVES:
        what = f"{path} is packed in a way that is not read here ({ending})"
        raise DatasetError(what, "Unpack it and give the folder, or pack it as .zip, .tar.gz or .tar.xz")
    if _NUMBERED.fullmatch(ending):
        what = f"{path} is a part of an archive in several files"
        raise DatasetError(what, "Unpack all of them, as `7z x` does from the first one, and give the folder")
    if _UNFINISHED.fullmatch(ending):
        raise DatasetError(f"{path} is a download that has not finished", "Wait for its end, or fetch it again")
