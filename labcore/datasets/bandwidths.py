"""What the clips of a data set hold, for the automatic front end: rates of the files, and the spectra of a sample of clips.

What is measured of a clip is kept in the workspace's cache, so that runs on other folds, estimates and the pages decode only clips that
are new or changed.
"""

from __future__ import annotations

import contextlib
import json
import math
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import TypeAdapter

from labcore.audio import Recording, probe
from labcore.config import DataConfig, RunConfig
from labcore.config.framing import nearest_round
from labcore.config.front_end import Bandwidths, front_end
from labcore.datasets.caches import cache_of, opened_to_keep
from labcore.datasets.checks.kept import key_of
from labcore.datasets.checks.measure import Span
from labcore.datasets.several import several_in
from labcore.datasets.splits import of_classes, split_for
from labcore.datasets.table import Dataset, way_from
from labcore.device import usable_cores
from labcore.errors import AudioError, WorkspaceError
from labcore.reading import DamagedError, read_object
from labcore.texts import as_bytes
from labcore.workspace import Workspace

FILE, FORMAT = "bandwidths.json", 3
MOST_CLIPS, SECONDS = 64, 5.0
"""So many clips are measured, and of a longer one its middle."""
FRAME = 1024
"""Samples, for events: the shorter the higher the rate, as calls are."""
STEADY_SECONDS = 1024 / 8000
"""A frame for tones that last: bins narrow enough to tell 20 Hz from what lies beside it, at any rate."""
STEADY, FEWEST_STEADY = 5.0, 4
"""Such a tone has so many times the power of what lies beside it, over so many frames at least: fewer leave more to chance."""
MOST_FRAMES = 250
ROUNDING = (2.0**-15) ** 2 / 12
"""Power of what rounding to 16 bits adds; what is not well above it is nothing that a file holds."""
ABOVE = 10.0
FAINT = 1e-6
"""Nor is what lies 60 dB below the loudest frequency: images that resampling leaves."""
STANDS_OUT = 2.0
"""What has so many times the power of the noise beside it, in time or in frequency, stands out of it."""
NEIGHBOURS = 7
"""Bins on each side of one among which the noise beside it is looked for: it lies no lower than on the steeper side of a slope."""
LEAST = 0.01
"""Where less of the energy stands out than this share, nothing does: what is left is chance."""


class _Clip(NamedTuple):
    rate: int
    top: float
    low: float
    quarter: float
    high: float


_KEPT = TypeAdapter(dict[str, _Clip])


def bandwidths_in(workspace: Workspace, dataset: Dataset, rows: Sequence[int] | np.ndarray) -> Bandwidths:
    """What some clips of a data set hold. The same on every machine; clips that cannot be read are left out.

    Args:
        rows: of its table, those to learn from.
    """
    clips = [clip for clip in _measured(workspace, dataset, _sample(dataset, rows)) if clip is not None]
    if not clips:
        return Bandwidths(of=len(rows))
    rates, tops, lows, quarters, highs = zip(*clips, strict=True)
    return Bandwidths(rates, tops, lows, quarters, highs, len(rows))


def with_front_end(
    workspace: Workspace, config: RunConfig, dataset: Dataset, *, all_folds: bool = False
) -> tuple[RunConfig, str]:
    """The configuration with the front end that a run has, and why: a sentence without the final stop; "" where nothing is automatic.

    The clips it is chosen by are measured where they were not yet.

    Args:
        all_folds: as for :func:`training_rows`.

    Raises:
        DatasetError: the data set cannot be split so.
    """
    if config.audio.sample_rate is not None:
        return config, ""
    rows = training_rows(dataset, config.data, all_folds=all_folds)
    chosen = front_end(config, bandwidths_in(workspace, dataset, rows))
    return config.replace(chosen.changes), chosen.reason


def training_rows(dataset: Dataset, data: DataConfig, *, all_folds: bool = False) -> np.ndarray:
    """The clips that a front end is chosen by: those that are trained on or set aside for validation, before any sample is drawn.

    Args:
        all_folds: the clips of all folds that are not left out, nor of recordings that are: the runs of a cross-validation have one
            front end.

    Raises:
        DatasetError: as :func:`labcore.datasets.splits.split_for` does.
    """
    if not all_folds:
        parts = split_for(dataset, data)
        return np.sort(np.concatenate([parts.train, parts.validation]))
    table = dataset.table
    left = of_classes(table["label"].to_numpy(dtype=object), data.exclude_classes, several=several_in(table))
    there = ~table["group"].isin(table["group"][table["fold"] == data.leave_out]).to_numpy()
    return np.flatnonzero(~left & there & (table["label"] != "").to_numpy())


def _sample(dataset: Dataset, rows: Sequence[int] | np.ndarray) -> list[Span]:
    """The clips to measure: as good as random, and the same wherever the data set lies."""
    folder, table = dataset.folder, dataset.table
    spans = [Span(*each) for each in table[["path", "start_s", "end_s"]].iloc[list(rows)].itertuples(index=False)]
    return sorted(
        spans, key=lambda span: (zlib.crc32(as_bytes(f"{way_from(folder, span.path)}:{span.start_s:g}")), span)
    )[:MOST_CLIPS]


def _measured(workspace: Workspace, dataset: Dataset, spans: Sequence[Span]) -> list[_Clip | None]:
    """What each clip holds; only those are decoded of which it is not known yet. One that holds nothing is not kept: it may be readable
    the next time, as with another decoder."""
    file, keys = cache_of(workspace, dataset.root) / FILE, [key_of(span) for span in spans]
    known = _known(file)
    missing = {key: span for key, span in zip(keys, spans, strict=True) if key not in known}
    if missing:
        with ThreadPoolExecutor(usable_cores(), thread_name_prefix="bandwidths") as pool:
            clips = zip(missing, pool.map(_measure, missing.values()), strict=True)
            found = {key: clip for key, clip in clips if clip is not None}
        known |= found
        with contextlib.suppress(WorkspaceError):  # then they are measured anew the next time
            kept = _known(file) | found  # another process may have measured others meanwhile
            with opened_to_keep(file) as stream:
                stream.write(json.dumps({"format": FORMAT, "clips": kept}).encode())
    return [known.get(key) for key in keys]


def _known(file: Path) -> dict[str, _Clip]:
    """What was measured before: clip → what it holds. Nothing where the file is missing, damaged, or of another version."""
    with contextlib.suppress(OSError, DamagedError, ValueError, KeyError):
        kept = read_object(file)
        if kept["format"] == FORMAT:
            return _KEPT.validate_python(kept["clips"])
    return {}


def _measure(span: Span) -> _Clip | None:
    """What a clip holds; None where it cannot be read or is silent."""
    try:
        end = probe(span.path).seconds if math.isnan(span.end_s) else span.end_s
        start = span.start_s + max(0.0, (end - span.start_s - SECONDS) / 2)
        sound = Recording(span.path, start_s=start, end_s=min(end, start + SECONDS)).whole()
    except AudioError:
        return None
    return spectrum_of(sound.waveform, sound.sample_rate)


def spectrum_of(waveform: np.ndarray, rate: int) -> _Clip | None:
    """Where in the spectrum the sound of a waveform lies: float32 (samples,) at ``rate`` Hz; None where there is none."""
    hertz, powers, there = _spectra(waveform, rate, FRAME)
    if not there.any():
        return None
    top = float(hertz[np.flatnonzero(there)[-1]])
    shares = _shares(hertz, powers, there)
    if not any(shares) and (longer := nearest_round(STEADY_SECONDS * rate)) > FRAME:
        hertz, powers, there = _spectra(waveform, rate, longer)
        if len(powers) >= FEWEST_STEADY:
            shares = _shares(hertz, powers, there, STEADY)
    return _Clip(rate, top, *shares)


def _spectra(waveform: np.ndarray, rate: int, frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(samples,) → bins in Hz (bins,), powers (frames, bins), and at which bins there is anything at all (bins,)."""
    samples = waveform - waveform.mean() if len(waveform) else waveform  # an offset leaks into the lowest bins
    samples = np.pad(samples, (0, max(0, frame - len(samples))))
    window = np.hanning(frame).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, frame)[:: frame // 2]
    frames = frames[:: math.ceil(len(frames) / MOST_FRAMES)]
    powers = np.square(np.abs(np.fft.rfft(frames * window, axis=1)))[:, 1:]
    mean = powers.mean(axis=0)
    there = mean > max(ABOVE * ROUNDING * np.square(window).sum(), FAINT * mean.max())
    return np.fft.rfftfreq(frame, 1 / rate)[1:], powers, there


def _shares(
    hertz: np.ndarray, powers: np.ndarray, there: np.ndarray, times: float = STANDS_OUT
) -> tuple[float, float, float]:
    """Below which 5 %, 25 % and 95 % of the energy lies of what stands out, in Hz; 0 where nothing does."""
    mean = powers.mean(axis=0)
    sums = np.cumsum(np.where(there, _salient(powers, mean, times), 0.0))
    if sums[-1] < LEAST * mean.sum():
        return 0.0, 0.0, 0.0
    low, quarter, high = (float(hertz[np.searchsorted(sums, share * sums[-1])]) for share in (0.05, 0.25, 0.95))
    return low, quarter, high


def _salient(powers: np.ndarray, mean: np.ndarray, times: float) -> np.ndarray:
    """(frames, bins) → (bins,) the power of what stands out of noise: events in time, and tones that last."""
    in_time = np.median(powers, axis=0) / math.log(2)  # the mean of noise that is there all the time
    medians = np.median(
        np.lib.stride_tricks.sliding_window_view(np.pad(mean, NEIGHBOURS, mode="edge"), NEIGHBOURS), axis=1
    )
    beside = np.maximum(medians[: len(mean)], medians[NEIGHBOURS + 1 :])
    noise = np.minimum(in_time, beside)
    return np.where(mean > times * noise, mean - noise, 0.0)
