"""Log-mels of clips as small images, made once and kept in the cache."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from labcore.config import RunConfig
from labcore.datasets.caches import cache_of
from labcore.datasets.rows import Row
from labcore.datasets.table import Dataset
from labcore.device import usable_cores
from labcore.errors import AudioError, WorkspaceError
from labcore.explore.render import colour_map
from labcore.texts import as_bytes
from labcore.workspace import Workspace, stamp_of, write_atomically

FOLDER = "thumbnails"
WIDTH, HEIGHT = 192, 72
SECONDS = 10.0
"""Of a longer clip its beginning is drawn."""
DECIBELS = 80.0
FORMAT = 1
MOST_KEPT = 20_000
"""A data set's images beyond that go, the oldest first: about 100 MB stay."""


def thumbnails(workspace: Workspace, dataset: Dataset, rows: Iterable[Row]) -> list[bytes | None]:
    """The images of some clips as PNG of :data:`WIDTH` × :data:`HEIGHT`, in their order; None for one that cannot be read.

    What is missing in the cache is made on all cores. A cache that cannot be written costs time and nothing else.
    """
    folder = cache_of(workspace, dataset.root) / FOLDER
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(usable_cores(), thread_name_prefix="thumbnails") as pool:
        made = list(pool.map(lambda row: _thumbnail(folder, row), rows))
    if any(new for _, new in made):
        _tidy(folder)
    return [image for image, _ in made]


def _thumbnail(folder: Path, row: Row) -> tuple[bytes | None, bool]:
    """An image, and whether it is new."""
    size, time = stamp_of(row.path)
    name = f"{FORMAT} {row.path}\0{row.start_s} {row.end_s} {size} {time}" + f" {row.channel}" * bool(row.channel)
    file = folder / f"{hashlib.sha256(as_bytes(name)).hexdigest()[:24]}.png"
    with contextlib.suppress(OSError):
        return file.read_bytes(), False
    try:
        image = render(row)
    except AudioError:
        return None, False
    with contextlib.suppress(WorkspaceError):
        write_atomically(file, image, durable=False)
    return image, True


def render(row: Row) -> bytes:
    """The log-mel of a clip by the default front end, low bands below, its loudest 80 dB in the colours of the pages.

    Raises:
        AudioError: it cannot be read.
    """
    from labcore.explore.views import view_of

    config = RunConfig()
    sound = row.recording(config.sample_rate, SECONDS).whole()
    view = view_of("log-mel", sound.waveform, config)
    low, high = view.colour_range(DECIBELS)
    numbers = np.clip((view.levels[::-1] - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    image = Image.fromarray(numbers).resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    image.putpalette(colour_map("magma").tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _tidy(folder: Path) -> None:
    files = list(folder.glob("*.png"))
    if len(files) <= MOST_KEPT:
        return
    with contextlib.suppress(OSError):
        for file in sorted(files, key=lambda file: file.stat().st_mtime_ns)[: len(files) - MOST_KEPT]:
            file.unlink(missing_ok=True)
