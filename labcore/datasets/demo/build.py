"""Writes the demo set to disk, laid out as UrbanSound8K is."""

from __future__ import annotations

import csv
import io
import json
import secrets
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from labcore.datasets.demo.machines import air_conditioner, drilling, engine_idling, gun_shot, jackhammer
from labcore.datasets.demo.parts import RATE, Random, Sound
from labcore.datasets.demo.scene import Scene, make_scene
from labcore.datasets.demo.tones import car_horn, siren, street_music
from labcore.datasets.demo.voices import children_playing, dog_bark
from labcore.device import usable_cores
from labcore.errors import DatasetError, WorkspaceError
from labcore.jobs.following import OnProgress
from labcore.reading import read_object

SOUNDS: dict[str, Callable[[Random], Sound]] = {
    "air_conditioner": air_conditioner,
    "car_horn": car_horn,
    "children_playing": children_playing,
    "dog_bark": dog_bark,
    "drilling": drilling,
    "engine_idling": engine_idling,
    "gun_shot": gun_shot,
    "jackhammer": jackhammer,
    "siren": siren,
    "street_music": street_music,
}
"""The classes of UrbanSound8K in the order of their ids (Salamon, Jacoby and Bello, 2014), each with who sounds it."""

COLUMNS = ("slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class")
FOLDS = 10
SOURCES = 20
"""Of a class, in the full set."""
CLIP_SECONDS = 4.0
SHORT = ("car_horn", "dog_bark", "gun_shot")
"""Classes some of whose clips are shorter than 4 s, as in the real set."""
FORMAT = 1
"""Counts the changes that make other clips from the same seed."""


@dataclass(frozen=True)
class DemoSource:
    """One source: what its clips, all in the same fold, are cut from. ``slices`` are (occurrence, slice) numbers."""

    label: str
    class_id: int
    number: int
    fs_id: int
    fold: int
    slices: tuple[tuple[int, int], ...]


def make_demo(
    folder: Path,
    *,
    seed: int = 0,
    progress: OnProgress = lambda done, total: None,
    sources_per_class: int = SOURCES,
) -> Path:
    """Make the demo set: 400 synthetic clips of ten city sounds, in UrbanSound8K's own layout, in about 15 s.

    The same seed makes the same bytes (with the same numpy on the same kind of processor). Several clips share a source with its
    room, distance and background, and lie in one fold, so that a split by fold is an honest one.

    Args:
        folder: where it goes; its parent is made when missing. Nothing is seen there before the set is complete. If a complete
            one is there, it is left as it is.
        seed: another seed makes another set.
        progress: called with (clips written, clips in all), from the calling thread.
        sources_per_class: fewer make a smaller set, two sources (four clips) a fold being the full one.

    Returns:
        The folder.

    Raises:
        DatasetError: something else is in the folder, or a demo set of another seed or size.
        WorkspaceError: the disk is full, or the place cannot be written.
    """
    folder = Path(folder)
    made_from = {"what": "Audio GPU Lab demo set", "seed": seed, "sources_per_class": sources_per_class}
    if _complete(folder, made_from):
        return folder
    recordings = [item for name in SOUNDS for item in _recordings(name, seed, sources_per_class)]
    making = folder.with_name(f".{folder.name}.making-{secrets.token_hex(4)}")
    remedy = "Free about 100 MB there, or choose another workspace with LABCORE_HOME"
    try:
        with WorkspaceError.on_os_error(f"the demo set cannot be written to {folder}", remedy):
            _sweep(folder)
            rows = _write_clips(making, recordings, seed, progress)
            (making / "metadata").mkdir()
            with (making / "metadata" / "UrbanSound8K.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerows([COLUMNS, *sorted(rows)])
            (making / "demo.json").write_text(json.dumps({**made_from, "format": FORMAT}) + "\n", encoding="utf-8")
            _put_in_place(making, folder, made_from)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder


def _sweep(folder: Path) -> None:
    """Remove what makers that were killed left beside the folder: nothing is made for an hour."""
    for left in folder.parent.glob(f".{folder.name}.making-*"):
        if time.time() - left.stat().st_mtime > 3600:
            shutil.rmtree(left, ignore_errors=True)


def _recordings(label: str, seed: int, count: int) -> list[DemoSource]:
    """The sources of a class, dealt to the folds in turn; the two sources of a fold have four clips between them."""
    class_id = list(SOUNDS).index(label)
    rng = np.random.default_rng([seed, class_id])
    shares = rng.integers(1, 4, FOLDS)
    ids = rng.choice(np.arange(1000, 20_000), count, replace=False) * len(SOUNDS) + class_id
    recordings = []
    for number in range(count):
        round_, fold = divmod(number, FOLDS)
        clips = int(shares[fold] if round_ % 2 == 0 else 4 - shares[fold])
        cuts = tuple((cut // 2, cut % 2 + int(rng.integers(0, 3)) * 2) for cut in range(clips))
        recordings.append(DemoSource(label, class_id, number, int(ids[number]), fold + 1, cuts))
    return recordings


def _write_clips(
    folder: Path, recordings: list[DemoSource], seed: int, progress: OnProgress
) -> list[tuple[object, ...]]:
    """Write the clips of all recordings and return their rows of the table. Threads serve: numpy lets go of the interpreter."""
    for fold in {recording.fold for recording in recordings}:
        (folder / "audio" / f"fold{fold}").mkdir(parents=True)
    total, rows = sum(len(recording.slices) for recording in recordings), []
    with ThreadPoolExecutor(usable_cores()) as pool:
        tasks = [pool.submit(_write_recording, folder, recording, seed) for recording in recordings]
        try:
            for task in as_completed(tasks):
                rows += task.result()
                progress(len(rows), total)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return rows


def example_clip(label: str, number: int = 0) -> bytes:
    """One file of the demo set of seed 0, without making the set: the first clip of a source, as WAV.

    Args:
        label: one of :data:`SOUNDS`.
        number: which of the sources of its class, from 0.
    """
    class_id = list(SOUNDS).index(label)
    _, sound, scene = _source(label, class_id, number, 0)
    return _wav(_clip(sound, scene, np.random.default_rng([0, class_id, number, 1]), label))


def sources_of(fold: int) -> list[int]:
    """The numbers of the sources of any class whose clips lie in a fold (1 to 10), as :func:`example_clip` takes them."""
    return list(range(fold - 1, SOURCES, FOLDS))


def _source(label: str, class_id: int, number: int, seed: int) -> tuple[Random, Sound, Scene]:
    rng = np.random.default_rng([seed, class_id, number])
    sound = SOUNDS[label](rng)
    return rng, sound, make_scene(rng)


def _clip(sound: Sound, scene: Scene, rng: Random, label: str) -> np.ndarray:
    short = label in SHORT and rng.uniform() < 0.4
    samples = int((rng.uniform(1.2, CLIP_SECONDS) if short else CLIP_SECONDS) * RATE)
    return scene.record(sound(rng, samples), rng)


def _write_recording(folder: Path, recording: DemoSource, seed: int) -> list[tuple[object, ...]]:
    rng, sound, scene = _source(recording.label, recording.class_id, recording.number, seed)
    rows: list[tuple[object, ...]] = []
    start = round(float(rng.uniform(0, 20)), 6)
    for cut, (occurrence, slice_) in enumerate(recording.slices):
        of_clip = np.random.default_rng([seed, recording.class_id, recording.number, cut + 1])
        clip = _clip(sound, scene, of_clip, recording.label)
        name = f"{recording.fs_id}-{recording.class_id}-{occurrence}-{slice_}.wav"
        (folder / "audio" / f"fold{recording.fold}" / name).write_bytes(_wav(clip))
        end = round(start + len(clip) / RATE, 6)
        rows.append(
            (name, recording.fs_id, start, end, scene.salience, recording.fold, recording.class_id, recording.label)
        )
        start = round(end + float(rng.uniform(0, 8)), 6)
    return rows


def _wav(clip: np.ndarray) -> bytes:
    """PCM 16 bit, mono."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.round(clip * 32767).astype(np.int16), RATE, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def _complete(folder: Path, made_from: dict[str, object]) -> bool:
    """Whether the set asked for is there, whole. A DatasetError where something else is there."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return False
    try:
        there = read_object(folder / "demo.json")
        differing = [name for name in made_from if there.get(name) != made_from[name]]
    except (OSError, ValueError, AttributeError):
        differing = ["what"]
    if "what" in differing:
        raise DatasetError(
            f"{folder} contains something other than the demo set", "Choose another folder, or move it away"
        )
    if differing:
        raise DatasetError(
            f"{folder} contains a demo set with another {' and '.join(differing)}",
            "Delete it first, or choose another folder",
        )
    try:
        with (folder / "metadata" / "UrbanSound8K.csv").open(newline="", encoding="utf-8") as file:
            names = [folder / "audio" / f"fold{row['fold']}" / row["slice_file_name"] for row in csv.DictReader(file)]
    except (OSError, KeyError):
        return False
    return bool(names) and all(name.is_file() for name in names)


def _put_in_place(making: Path, folder: Path, made_from: dict[str, object]) -> None:
    """Rename the finished set to its place. A set with clips missing gives way, one that another process made meanwhile stays."""
    if folder.is_dir() and not _complete(folder, made_from):
        old = making.with_name(making.name + "-old")
        folder.rename(old)
        shutil.rmtree(old, ignore_errors=True)
    try:
        making.rename(folder)
    except OSError:
        if not _complete(folder, made_from):
            raise
