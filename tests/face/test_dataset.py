"""Data sets in Python: by name or path, a fold of one, the check, and how they look in a notebook."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import labcore as lab
from labcore.datasets import registry
from labcore.errors import ConfigError, DatasetError
from labcore.face.dataset import name_of, part_and_whole
from labcore.workspace import Workspace


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LABCORE_HOME", str(tmp_path))
    return tmp_path


def test_by_name_or_path(tones: Path, home: Path) -> None:
    registry.register(Workspace(home), tones, "beeps")
    by_name, by_path = lab.load_dataset("beeps"), lab.load_dataset(tones)
    assert len(by_name) == len(by_path) == 20
    assert [name_of(by_name), name_of(by_path), name_of("beeps")] == ["beeps", str(tones), "beeps"]
    with pytest.raises(DatasetError, match=r"no data set 'beep'.*Did you mean 'beeps'"):
        lab.load_dataset("beep")


def test_the_demo_set_is_made_where_it_is_not_there(home: Path, monkeypatch: pytest.MonkeyPatch, tones: Path) -> None:
    made: list[Path] = []

    def make(path: Path, progress: object) -> Path:
        made.append(path)
        path.symlink_to(tones)
        return path

    monkeypatch.setattr("labcore.datasets.demo.make_demo", make)
    assert len(lab.load_dataset("demo")) == len(lab.load_dataset("demo")) == 20
    assert made == [home / "datasets" / "demo"]


def test_a_fold_is_a_data_set_that_knows_its_whole(data: lab.Dataset) -> None:
    part = data.fold(2)
    assert set(part.table["fold"]) == {"2"}
    assert list(part.table.index) == list(range(len(part)))
    assert sum(len(data.fold(fold)) for fold in data.folds) == len(data)
    assert part.fold("2").part_of is data
    fold, whole = part_and_whole(part, "2")
    assert fold == "2"
    assert whole is data
    with pytest.raises(ConfigError, match="those of fold 2, and fold 1 is named"):
        part_and_whole(part, "1")
    with pytest.raises(DatasetError, match=r"no fold 9.*There are: 1, 2"):
        data.fold("9")


def test_a_table_is_not_taken_and_it_says_how_to_write_it(data: lab.Dataset, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'cannot be found by DataFrame.*table\.to_csv\("clips\.csv", index=False\)'):
        lab.train(data.table)  # type: ignore[arg-type]
    data.table.to_csv(tmp_path / "clips.csv", index=False)
    again = lab.load_dataset(tmp_path / "clips.csv")
    pd.testing.assert_frame_equal(again.table, data.table)
    assert again != data
    assert data in (again, data)


def test_a_table_that_was_changed_is_not_passed_over(data: lab.Dataset, tones: Path, home: Path) -> None:
    assert name_of(data) == str(tones)
    data.table["fold"] = "1"
    with pytest.raises(ConfigError, match=r"table of tones was changed in memory\. Write it to a file.*to_csv"):
        name_of(data)
    part = lab.load_dataset(tones).fold("1")
    assert part_and_whole(part)[0] == "1"
    part.table.loc[0, "label"] = "another"
    with pytest.raises(ConfigError, match="changed in memory"):
        part_and_whole(part)


def test_how_it_looks(data: lab.Dataset) -> None:
    assert "clips 20, classes 2 (high, low)" in repr(data)
    assert "fold 1" in repr(data.fold("1"))
    assert "<td style" in data._repr_html_()


def test_the_check_tells_each_finding_with_its_files(tones: Path, home: Path) -> None:
    assert "all is well" in repr(lab.load_dataset(tones).check())
    faulty = home / "<faulty>"
    for label in ("low", "high"):
        (faulty / label).mkdir(parents=True)
        for clip in (tones / label).iterdir():
            (faulty / label / clip.name).write_bytes(clip.read_bytes())
    (faulty / "low" / "low0.wav").write_bytes(b"no sound")
    health = lab.load_dataset(faulty).check()
    found = next(finding for finding in health.found if finding.kind == "unreadable")
    assert [Path(file).name for file in found.files] == ["low0.wav"]
    assert "1 clip cannot be read and will be left out." in repr(health)
    assert "&lt;faulty&gt;" in health._repr_html_()
    assert "low0.wav" in health._repr_html_()
