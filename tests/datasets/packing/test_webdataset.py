"""Tars of samples: what each sound is, is told by the files beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labcore.datasets import find_dataset, read_dataset
from labcore.datasets.look import look
from labcore.datasets.packing import packed_at
from labcore.errors import DatasetError
from labcore.importing.job import Import, ImportPlan
from labcore.jobs.process import work
from labcore.workspace import Workspace
from tests.datasets.made import Files, folders, tarred, wav


def shards(root: Path, samples: dict[str, Files], *names: str) -> Path:
    """Tars that hold the same samples with other sounds: key → ending → content."""
    for shard in names:
        (root / shard).parent.mkdir(parents=True, exist_ok=True)
        files = {
            f"{key}.{end}": content or wav((shard, key))
            for key, fields in samples.items()
            for end, content in fields.items()
        }
        tarred(root / f"{shard}.tar", files)
    return root


def imported(workspace: Workspace, path: Path) -> Import:
    job = Import.create(workspace, ImportPlan(path=str(path), name="set"))
    work(job)
    return job


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"cls": b"dog\n"}, {"cls": b"cat\n"}),
        ({"cls": b"1"}, {"cls": b"0"}),
        ({"json": b'{"label": "dog", "path": "/old/x.wav"}'}, {"json": b'{"label": "cat"}'}),
        ({"json": b'{"label": 1}'}, {"json": b'{"label": 0}'}),
        ({"txt": b"dog"}, {"txt": b"cat"}),
        ({"label.txt": b"dog"}, {"label.txt": b"cat", "txt": b"the cry of a cat"}),
    ],
)
def test_labels(one: Files, other: Files, tmp_path: Path, workspace: Workspace) -> None:
    samples = {f"{number:03}": {"wav": b""} | (one if number % 2 else other) for number in range(4)}
    root = shards(tmp_path / "wds", samples, "train-000000", "train-000001", "val-000000")
    (root / "classes.txt").write_text("cat\ndog\n")
    found = look(workspace, root)
    assert found.sentence == "looks like WebDataset: 12 clips, 2 classes, the parts train, val"
    made = imported(workspace, root).result
    assert (made.clips, made.warnings) == (12, [])
    dataset = find_dataset(workspace, "set")
    assert (dataset.labels, dataset.folds) == (["cat", "dog"], ["train", "val"])
    first = dataset.table.set_index("path").loc[str(workspace.datasets / "set" / "train-000001" / "001.wav")]
    assert (first["label"], Path(first.name).read_bytes()) == ("dog", wav(("train-000001", "001")))


def test_the_speaker_in_the_json_is_the_group_and_folders_are_classes(tmp_path: Path, workspace: Workspace) -> None:
    samples = {
        f"{label}/{who}{take}": {"json": json.dumps({"speaker": who}).encode(), "wav": b""}
        for label in ("yes", "no")
        for who in "abc"
        for take in "12"
    }
    imported(workspace, shards(tmp_path / "wds", samples, "000000"))
    dataset = find_dataset(workspace, "set")
    assert (dataset.labels, set(dataset.table["group"])) == (["no", "yes"], set("abc"))
    assert dataset.folds == ["1", "2", "3"]


def test_several_labels_stay(tmp_path: Path, workspace: Workspace) -> None:
    samples = {
        str(number): {"json": json.dumps({"labels": labels}).encode(), "wav": b""}
        for number, labels in enumerate((["dog", "rain"], ["rain"], ["dog"]))
    }
    imported(workspace, shards(tmp_path / "wds", samples, "train-0", "test-0"))
    dataset = find_dataset(workspace, "set")
    assert dataset.several_labels
    assert dataset.labels == ["dog", "rain"]


def test_samples_without_a_sound_or_a_label(tmp_path: Path, workspace: Workspace) -> None:
    samples = {
        "1": {"cls": b"dog", "wav": b""},
        "2": {"cls": b"cat"},
        "3": {"wav": b"", "json": b"[broken"},
        "4": {"cls": b"cat", "wav": b""},
    }
    made = imported(workspace, shards(tmp_path / "wds", samples, "train-0", "test-0")).result
    assert made.clips == 4
    assert any("2 rows of metadata.jsonl without a label" in sentence for sentence in made.warnings)


def test_they_are_not_read_where_they_lie(tmp_path: Path, workspace: Workspace) -> None:
    root = shards(tmp_path / "wds", {"1": {"cls": b"dog", "wav": b""}}, "data/train-0", "data/test-0")
    with pytest.raises(DatasetError, match="are packed") as error:
        read_dataset(root)
    assert f"labcore datasets import {root}" in error.value.remedy


def test_a_tar_of_class_folders_is_none(tmp_path: Path) -> None:
    assert packed_at(tarred(tmp_path / "set.tar", folders().files | {"dog/0.txt": b"a note"})).is_archive is False
    assert packed_at(tarred(tmp_path / "set.tar", folders().files)).is_archive is True


def test_several_sounds_of_a_sample_belong_together(tmp_path: Path, workspace: Workspace) -> None:
    samples = {
        str(number): {"cls": [b"dog", b"cat"][number % 2], "left.wav": b"", "right.wav": b""} for number in range(4)
    }
    imported(workspace, shards(tmp_path / "wds", samples, "000000"))
    dataset = find_dataset(workspace, "set")
    assert (len(dataset), set(dataset.table["group"])) == (8, set("0123"))
