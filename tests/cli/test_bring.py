"""``labcore datasets look``, ``import`` and ``table``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcore.datasets import find_dataset
from labcore.importing import work as importing
from labcore.importing.job import Import
from labcore.workspace import Workspace
from tests.datasets.made import fsd50k, laid_out, urbansound8k, wav, zipped

Labcore = Callable[..., Any]


def test_a_look_adds_nothing_and_names_what_cannot_be_read(
    labcore: Labcore, workspace: Workspace, tmp_path: Path
) -> None:
    files = urbansound8k().files
    files["audio/fold1/101-3-0-0.wav"] = b"no sound"
    root = laid_out(tmp_path / "UrbanSound8K", files)
    told = labcore("datasets", "look", root)
    lines = told.out.splitlines()
    assert (told.status, lines[0]) == (
        0,
        "looks like UrbanSound8K: 4 clips, 2 classes, 2 folds; 1 of the files cannot be read",
    )
    assert lines[1] == f"unreadable: {root}/audio/fold1/101-3-0-0.wav: is a text file, not audio"
    (facts,) = labcore("datasets", "look", root, "--json").lines
    assert (facts["layout"], facts["clips"], facts["folds"], facts["recognised"]) == (
        "urbansound8k",
        4,
        ["1", "2"],
        True,
    )
    assert facts["unreadable"] == [{"path": f"{root}/audio/fold1/101-3-0-0.wav", "what": "is a text file, not audio"}]
    assert labcore("datasets", "list", "--json").out == ""


def test_where_nothing_is_recognised_the_layouts_are_told(
    labcore: Labcore, workspace: Workspace, tmp_path: Path
) -> None:
    root = laid_out(tmp_path / "x", {"notes.pdf": b"%PDF"})
    told = labcore("datasets", "look", root)
    assert told.status == 2
    assert told.out.splitlines()[:3] == [f"no data set was recognised in {root}", "seen: 1 .pdf", "layouts:"]
    assert "  RAVDESS: Actor_12/03-01-05-01-02-01-12.wav" in told.out.splitlines()
    (facts,) = labcore("datasets", "look", root, "--json").lines
    assert (facts["recognised"], facts["layout"]) == (False, "")


def test_an_archive_is_imported(labcore: Labcore, workspace: Workspace, tmp_path: Path) -> None:
    path = zipped(tmp_path / "UrbanSound8K.zip", urbansound8k().files)
    assert f"`labcore datasets import {path}` unpacks 1 MB into the workspace" in labcore("datasets", "look", path).out
    told = labcore("datasets", "import", path, "--name", "us8k", "--json")
    assert told.status == 0, told.err
    (facts,) = told.lines
    assert (facts["name"], facts["layout"], facts["clips"], facts["classes"]) == ("us8k", "urbansound8k", 4, 2)
    assert find_dataset(workspace, "us8k").folds == ["1", "2"]
    again = labcore("datasets", "import", path, "--name", "us8k")
    assert (again.status, "the name 'us8k' is used" in again.err) == (2, True)
    assert len(Import.every(workspace)) == 1
    assert labcore("datasets", "remove", "us8k", "--yes").status == 0
    assert list(workspace.datasets.iterdir()) == []


def test_an_import_that_is_refused_or_stopped(
    labcore: Labcore, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = labcore("datasets", "import", zipped(tmp_path / "evil.zip", urbansound8k().files | {"../x.wav": wav(1)}))
    assert (told.status, "a name that leads out of it" in told.err) == (2, True)
    assert Import.every(workspace) == []  # what cannot be done as it was asked for leaves nothing behind

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importing, "copy", interrupt)
    told = labcore("datasets", "import", zipped(tmp_path / "good.zip", urbansound8k().files))
    monkeypatch.undo()
    monkeypatch.setenv("LABCORE_HOME", str(workspace.home))
    assert (told.status, "labcore jobs resume" in told.err) == (130, True)
    assert list(workspace.datasets.iterdir()) == []
    assert labcore("jobs", "list").out.count("stopped") == 1


def test_the_table_of_clips_is_a_list_again(labcore: Labcore, workspace: Workspace, tmp_path: Path) -> None:
    root = laid_out(tmp_path / "FSD50K", fsd50k().files)
    rows = list(csv.DictReader(io.StringIO(labcore("datasets", "table", root).out)))
    assert [row["label"] for row in rows] == ["Bark;Dog;Animal", "Rain;Water", "Rain", "Bark;Dog;Animal"]
    assert rows[0] | {"path": Path(rows[0]["path"]).name} == {
        "path": "11.wav", "label": "Bark;Dog;Animal", "fold": "train", "group": "uploader ada", "start_s": "0.0", "end_s": "",
    }  # fmt: skip
    first = tmp_path / "first.csv"
    assert labcore("datasets", "table", root, "--labels", "first", "-o", first).status == 0
    dataset = find_dataset(workspace, first)
    assert (dataset.labels, dataset.folds, len(dataset)) == (["Bark", "Rain"], ["train", "val", "test"], 4)
    assert list(dataset.table["group"])[:2] == ["uploader ada", "12"]


def test_a_training_learns_several_labels(
    labcore: Labcore, workspace: Workspace, tmp_path: Path, tiny: tuple[str, ...]
) -> None:
    root = laid_out(tmp_path / "FSD50K", fsd50k().files)
    told = labcore("train", "--dataset", root, "--epochs", "1", *tiny, "--json")
    assert told.status == 0, told.err
    events = [json.loads(line) for line in told.out.splitlines()]
    (result,) = (event for event in events if event["type"] == "evaluated_labels")
    assert set(result["per_class"]) == {"Animal", "Bark", "Dog", "Rain", "Water"}
    (epoch,) = (event for event in events if event["type"] == "epoch")
    assert (epoch["val_accuracy"], epoch["train_accuracy"]) == (None, None)


def test_inner_folders_are_the_classes_where_somebody_says_so(
    labcore: Labcore, workspace: Workspace, tmp_path: Path
) -> None:
    ways = [f"{site}/{label}/{n}.wav" for site in ("north", "south") for label in ("cat", "dog") for n in range(3)]
    root = laid_out(tmp_path / "sites", {way: wav(way) for way in ways})
    told = labcore("datasets", "look", root).out
    assert "`labcore datasets import PATH --class-folders inner`" in told
    told = labcore("datasets", "look", root, "--class-folders", "inner").out
    assert told.startswith("is read as class folders: 12 clips, 2 classes, 2 folds")
    assert "2 folds drawn by outer folder, stratified by class; 2 groups" in told
    assert f"`labcore datasets import {root} --class-folders inner` adds it" in told
    assert list(workspace.datasets.iterdir()) == []

    def kept() -> list[object]:
        (facts,) = labcore("datasets", "list", "--json").lines
        rows = csv.DictReader(io.StringIO(labcore("datasets", "table", "sites").out))
        return [
            facts["classes"],
            *sorted({(row["label"], row["group"]) for row in rows if row["path"].endswith("0.wav")}),
        ]

    inner = [2, ("cat", "north"), ("cat", "south"), ("dog", "north"), ("dog", "south")]
    assert labcore("datasets", "import", root, "--class-folders", "inner", "--json").lines[0]["classes"] == 2
    assert kept() == inner
    assert labcore("datasets", "look", "sites").out.startswith("is read as class folders: 12 clips, 2 classes")
    assert labcore("datasets", "import", "sites", "--class-folders", "outer").status == 0
    assert kept()[:2] == [2, ("north", "north/cat/0.wav")]
    assert labcore("datasets", "import", root, "--class-folders", "inner").status == 0
    assert kept() == inner
    told = labcore("datasets", "split", "sites", "--by", "source", "--folds", "2", "--as", "two", "--json")
    assert told.status == 0, told.err
    assert labcore("datasets", "check", "sites").status == 0
    told = labcore(
        "datasets",
        "import",
        laid_out(tmp_path / "flat", {"a/1.wav": wav(1), "b/1.wav": wav(2)}),
        "--class-folders",
        "inner",
    )
    assert (told.status, "cannot be the inner folders" in told.err) == (2, True)
    assert [facts["name"] for facts in labcore("datasets", "list", "--json").lines] == ["sites"]


def test_an_archive_is_imported_by_its_inner_folders(labcore: Labcore, workspace: Workspace, tmp_path: Path) -> None:
    ways = [f"all/{site}/{label}/{n}.wav" for site in ("north", "south") for label in ("cat", "dog") for n in range(3)]
    path = zipped(tmp_path / "sites.zip", {way: wav(way) for way in ways})
    assert "--class-folders inner` unpacks" in labcore("datasets", "look", path, "--class-folders", "inner").out
    assert labcore("datasets", "import", path, "--class-folders", "inner", "--json").lines[-1]["classes"] == 2
    assert find_dataset(workspace, "sites").labels == ["cat", "dog"]
    assert labcore("datasets", "import", "sites", "--class-folders", "outer", "--json").lines[-1]["classes"] == 2
    assert find_dataset(workspace, "sites").labels == ["north", "south"]
