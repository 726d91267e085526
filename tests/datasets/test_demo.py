"""The demo set: its layout and its folds, the same bytes from the same seed, clips that are fit to be heard, and not too easy."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from labcore.datasets import check_dataset, read_dataset
from labcore.datasets.demo import CLASSES, RATE, build, example_clip, make_demo
from labcore.errors import DatasetError, WorkspaceError
from tests.by_path import module_at

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """The script behind the published figures, so that test and figure come from the same code."""
    return module_at(ROOT / "benchmarks" / "demo_set.py")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of four sources a class."""
    return make_demo(tmp_path_factory.mktemp("small") / "demo", sources_per_class=4)


@pytest.fixture(scope="module")
def smallest(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[int, int]]]:
    """A set of one source a class, and what its making told."""
    seen: list[tuple[int, int]] = []
    place = tmp_path_factory.mktemp("smallest") / "demo"
    return make_demo(place, sources_per_class=1, progress=lambda done, total: seen.append((done, total))), seen


@pytest.fixture
def demo(smallest: tuple[Path, list[tuple[int, int]]], tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(smallest[0], tmp_path / "demo"))


def table(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "metadata" / "UrbanSound8K.csv")


def test_the_check_finds_nothing_in_it(small: Path) -> None:
    health = check_dataset(read_dataset(small))
    assert {finding.kind for finding in health.found} <= {"few clips", "missing"}, health.warnings  # it is a small one


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_it_is_laid_out_as_urbansound8k(small: Path) -> None:
    rows = table(small)
    assert list(rows.columns) == ["slice_file_name", "fsID", "start", "end", "salience", "fold", "classID", "class"]
    assert dict(zip(rows["classID"], rows["class"], strict=True)) == dict(enumerate(CLASSES))
    assert CLASSES[0] == "air_conditioner"
    assert CLASSES[9] == "street_music"
    assert set(rows["salience"]) <= {1, 2}
    named = {f"audio/fold{row.fold}/{row.slice_file_name}" for row in rows.itertuples()}
    assert {str(file.relative_to(small)) for file in small.glob("audio/**/*.wav")} == named
    for row in rows.itertuples():
        source, class_id, _, _ = row.slice_file_name.removesuffix(".wav").split("-")
        assert (int(source), int(class_id)) == (row.fsID, row.classID)


def test_an_example_is_the_file_that_the_set_has(small: Path) -> None:
    made = content(small)
    assert all(example_clip(label, number) in made.values() for label in ("dog_bark", "siren") for number in (0, 1))


def test_the_full_set_has_four_clips_a_class_and_fold_and_keeps_sources_together() -> None:
    recordings = [item for name in CLASSES for item in build._recordings(name, 0, 20)]
    rows = pd.DataFrame([(r.label, r.fold, r.fs_id, len(r.slices), len(set(r.slices))) for r in recordings])
    rows.columns = ["label", "fold", "source", "clips", "distinct"]
    assert (rows.groupby(["label", "fold"])["clips"].sum() == 4).all()
    assert rows["source"].is_unique  # one fold each: a source is dealt once
    assert (rows["clips"] == rows["distinct"]).all()
    assert rows["fold"].nunique() == 10


def test_the_same_seed_makes_the_same_bytes_and_another_seed_others(demo: Path, tmp_path: Path) -> None:
    again, other = (
        content(make_demo(tmp_path / name, seed=seed, sources_per_class=1)) for name, seed in (("b", 0), ("c", 1))
    )
    one = content(demo)
    assert one == again
    assert not {*one.values()} & {*other.values()}


def test_clips_are_fit_to_be_heard(small: Path, benchmark: ModuleType) -> None:
    for file in small.glob("audio/**/*.wav"):
        clip, rate = benchmark.read_wav(file)
        assert rate == RATE
        assert 1.2 * rate <= len(clip) <= 4 * rate
        peak = np.abs(clip).max()
        assert 0.01 < peak < 0.9, f"{file.name}: peak {peak}"
        assert abs(clip.mean()) < 0.01 * peak, f"{file.name}: constant part"
        edges = np.concatenate([clip[:32], clip[-32:]])
        assert np.abs(edges).max() < 0.05 * peak, f"{file.name}: clicks"


@pytest.mark.parametrize("label", CLASSES)
def test_sources_differ_and_so_do_the_clips_of_a_source(label: str) -> None:
    one, other = (build.SOUNDS[label](np.random.default_rng(seed)) for seed in (1, 2))
    first, second, third = (
        one(np.random.default_rng(5), RATE),
        one(np.random.default_rng(6), RATE),
        other(np.random.default_rng(5), RATE),
    )
    assert all(
        np.isfinite(sound).all() and len(sound) == RATE and sound.dtype == np.float32
        for sound in (first, second, third)
    )
    assert not np.allclose(first, second)
    assert not np.allclose(first, third)


def test_mean_spectra_alone_do_not_tell_the_classes_apart(small: Path, benchmark: ModuleType) -> None:
    accuracies = benchmark.nearest_centroid(small)
    assert max(accuracies.values()) < 0.75, accuracies
    assert max(accuracies.values()) > 0.3, accuracies  # chance is 0.1


def test_a_complete_set_is_left_as_it_is_and_a_torn_one_is_made_anew(demo: Path) -> None:
    """What a maker that was killed left beside it is swept up then, once it is old."""
    old, fresh = demo.with_name(".demo.making-0000"), demo.with_name(".demo.making-1111")
    for folder in (old, fresh):
        (folder / "audio").mkdir(parents=True)
    os.utime(old, (0, 0))
    whole = content(demo)
    file = next(demo.glob("audio/**/*.wav"))
    file.write_bytes(b"mine")
    assert make_demo(demo, sources_per_class=1) == demo
    assert file.read_bytes() == b"mine"
    file.unlink()
    make_demo(demo, sources_per_class=1)
    assert content(demo) == whole
    assert sorted(path.name for path in demo.parent.iterdir()) == [fresh.name, "demo"]


def test_progress_counts_the_clips(smallest: tuple[Path, list[tuple[int, int]]]) -> None:
    folder, seen = smallest
    total = len(table(folder))
    assert seen[-1] == (total, total)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_what_is_not_ours_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DatasetError, match="something other than the demo set"):
        make_demo(tmp_path, sources_per_class=1)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_another_seed_does_not_replace_a_set(demo: Path) -> None:
    before = content(demo)
    with pytest.raises(DatasetError, match="another seed"):
        make_demo(demo, seed=7, sources_per_class=1)
    assert content(demo) == before


def test_a_full_disk_is_told_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(WorkspaceError, match="No space left") as caught:
        make_demo(tmp_path / "demo", sources_per_class=1)
    assert caught.value.remedy
    assert not list(tmp_path.iterdir())


def test_a_stop_from_the_progress_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_demo(tmp_path / "demo", sources_per_class=1, progress=stop)
    assert not list(tmp_path.iterdir())
