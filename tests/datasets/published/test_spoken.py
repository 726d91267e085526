"""Sets of speech by the names of their files: what else lies there, copies, and names that only look alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from labcore.datasets import read_dataset
from labcore.errors import DatasetError
from tests.datasets.made import crema_d, fsdd, laid_out, ravdess, sheet, sounds, tess, wav


def test_files_of_other_names_are_told(tmp_path: Path) -> None:
    files = {f"x/{name}": content for name, content in crema_d().files.items()} | sounds(
        *(f"AudioWAV/10{n:02}_IEO_HAP_LO.wav" for n in range(20))
    )
    dataset = read_dataset(laid_out(tmp_path, files | {"AudioWAV/my own take.wav": wav(1)}))
    assert (dataset.layout, len(dataset)) == ("crema_d", 24)
    assert [(Path(problem.path).name, problem.what) for problem in dataset.problems] == [
        ("my own take.wav", "is not named as CREMA-D names its files")
    ]


def test_copies_of_a_folder_are_taken_once(tmp_path: Path) -> None:
    """As downloads hold them: all speakers, and the same again one folder deeper."""
    files = ravdess().files
    dataset = read_dataset(
        laid_out(tmp_path, files | {f"audio_speech_actors_01-24/{name}": content for name, content in files.items()})
    )
    assert (len(dataset), len(dataset.table["group"].unique())) == (9, 3)
    assert any(finding.what.startswith("9 copies left out") for finding in dataset.findings)
    assert not dataset.problems


def test_the_same_takes_in_another_format_are_taken_once(tmp_path: Path) -> None:
    files = crema_d().files
    files |= {name.replace("WAV", "MP3").replace(".wav", ".mp3"): wav(name) for name in files if name.endswith("wav")}
    dataset = read_dataset(laid_out(tmp_path, files))
    assert {Path(path).suffix for path in dataset.table["path"]} == {".wav"}
    assert len(dataset) == 4


def test_the_speaker_is_told_to_be_the_group(tmp_path: Path) -> None:
    dataset = read_dataset(laid_out(tmp_path, fsdd().files))
    (finding,) = dataset.findings
    assert "the speaker is the group" in finding.what
    assert "takes 0 to 4 as test" in finding.what
    assert dataset.fold_note == "2 folds drawn by speaker, stratified by class"


def test_two_sets_side_by_side_are_not_two_classes(tmp_path: Path) -> None:
    files = {
        f"{name}/{path}": content
        for name, made in (("Tess", tess()), ("Ravdess", ravdess()))
        for path, content in made.files.items()
    }
    with pytest.raises(DatasetError, match="holds 2 data sets: Ravdess, Tess"):
        read_dataset(laid_out(tmp_path, files))


def test_a_list_that_somebody_wrote_goes_before_the_names(tmp_path: Path) -> None:
    lines = [f"{name},{'loud' if 'ANG' in name else 'soft'}" for name in crema_d().files if name.endswith("wav")]
    dataset = read_dataset(laid_out(tmp_path, crema_d().files | {"mine.csv": sheet("path,label", *lines)}))
    assert (dataset.layout, dataset.labels) == ("csv", ["loud", "soft"])


@pytest.mark.parametrize(
    "names",
    [
        [
            f"{label}/{number}_{label}_0.wav" for label in ("dog", "cat") for number in range(3)
        ],  # FSDD's, in folders of classes
        [
            f"{label}/{number}_01_2.wav" for label in ("dog", "cat") for number in range(3)
        ],  # AudioMNIST's, in others than of speakers
        [f"{label}/2024-01-0{number}-01-02-01-12.wav" for label in ("dog", "cat") for number in range(3)],
        [f"{label}/09-01-0{number}-01-02-01-12.wav" for label in ("dog", "cat") for number in range(1, 4)],
        [f"{label}/ABC_word_angry{number}.wav" for label in ("dog", "cat") for number in range(3)],
    ],
)
def test_names_that_only_look_alike(names: list[str], tmp_path: Path) -> None:
    dataset = read_dataset(laid_out(tmp_path, sounds(*names)))
    assert (dataset.layout, dataset.labels) == ("folders", ["cat", "dog"])
