"""The check of a data set: a fault of each kind is planted and found, clean data raise nothing, and only what is new is decoded."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from labcore.datasets import Dataset, check_dataset, find_dataset, read_dataset, register
from labcore.datasets.checked import last_check
from labcore.datasets.checks import going_through, kept
from labcore.datasets.checks.fingerprint import SIZE, Fingerprinter
from labcore.datasets.folds import linked
from labcore.datasets.health import Health, file_for, known_copies, known_health
from labcore.datasets.remedies import Remedy
from labcore.jobs.following import Stopped
from labcore.workspace import Workspace

RATE = 8000


def sound(seed: int, seconds: float = 0.5, rate: int = RATE) -> np.ndarray:
    """A sound of its own: noise of a random band that swells and fades, (samples,) float32 within ±1."""
    random = np.random.default_rng(seed)
    count = round(seconds * rate)
    bins = np.fft.rfftfreq(count, 1 / rate)
    band = np.exp(-(((bins - random.uniform(300, 3000)) / random.uniform(200, 900)) ** 2))
    waves = np.fft.irfft(np.fft.rfft(random.normal(0, 1, count)) * band, count)
    waves *= np.interp(np.arange(count), np.linspace(0, count, 7), random.uniform(0.1, 1, 7))
    return (0.25 * waves / np.abs(waves).max()).astype(np.float32)


class Planted:
    """A data set of two classes, three folds and 24 clips of half a second, to which clips can be added."""

    def __init__(self, root: Path) -> None:
        self.root, self.lines = root, ["path,label,fold,group"]
        root.mkdir()
        for number in range(24):
            self.put(f"{number}.wav", sound(number), label="cat" if number % 2 else "dog", fold=number // 2 % 3 + 1)

    def put(
        self, name: str, samples: np.ndarray, *, label: str = "dog", fold: int = 1, group: str = "", rate: int = RATE
    ) -> Path:
        (self.root / name).parent.mkdir(exist_ok=True)
        soundfile.write(self.root / name, samples, rate)
        self.list(name, label=label, fold=fold, group=group)
        return self.root / name

    def list(self, name: str, *, label: str = "dog", fold: int = 1, group: str = "") -> None:
        self.lines.append(f"{name},{label},{fold},{group or name}")

    def read(self) -> Dataset:
        (self.root / "clips.csv").write_text("\n".join(self.lines) + "\n")
        return read_dataset(self.root / "clips.csv")

    def check(self) -> Health:
        return check_dataset(self.read())


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    return Planted(tmp_path / "planted")


def kinds(health: Health) -> list[str]:
    """Those of what was found in the clips and classes, not of how the list was read."""
    return [finding.id for finding in health.found if finding.kind != "columns"]


def test_clean_data_raise_nothing(planted: Planted) -> None:
    assert kinds(planted.check()) == []
    assert planted.check().ok


def silent(data: Planted) -> None:
    data.put("x.wav", np.zeros(4000, np.float32))


def clipped(data: Planted) -> None:
    data.put("x.wav", np.clip(20 * sound(100), -1, 1))


def shifted(data: Planted) -> None:
    data.put("x.wav", sound(100) + np.float32(0.1))


def opposite(data: Planted) -> None:
    data.put("x.wav", np.stack([sound(100), -0.9 * sound(100) + 0.1 * sound(101)], axis=1))


def lower_rate(data: Planted) -> None:
    data.put("x.wav", sound(100, rate=4000), rate=4000)


def long(data: Planted) -> None:
    data.put("x.wav", sound(100, seconds=9))


def unreadable(data: Planted) -> None:
    (data.root / "x.wav").write_bytes(b"RIFF of nothing")
    data.list("x.wav")


def equal(data: Planted) -> None:
    data.put("x.wav", sound(100), fold=1)
    shutil.copy(data.root / "x.wav", data.root / "y.wav")
    data.list("y.wav", fold=2)


def equal_in_one_fold(data: Planted) -> None:
    equal(data)
    data.lines[-1] = "y.wav,dog,1,x.wav"


def copied(data: Planted) -> None:
    """Another format, level, offset and 40 ms of silence before it."""
    data.put("x.wav", sound(100), fold=1)
    data.put("y.mp3", np.pad(0.3 * sound(100), (320, 0)), fold=2)


def copied_in_one_fold(data: Planted) -> None:
    data.put("x.wav", sound(100), fold=1)
    data.put("y.ogg", 0.5 * sound(100), fold=1)


def of_two_classes(data: Planted) -> None:
    data.put("x.wav", sound(100), label="cat")
    data.put("y.flac", 0.5 * sound(100), label="dog")


def one_source(data: Planted) -> None:
    data.put("x.wav", sound(100), fold=1, group="rec")
    data.put("y.wav", sound(101), fold=1, group="rec")
    data.put("z.wav", sound(102), fold=2, group="rec")


def few(data: Planted) -> None:
    for fold in (1, 2, 3):
        data.put(f"x{fold}.wav", sound(100 + fold), label="cow", fold=fold)


def uneven(data: Planted) -> None:
    few(data)
    for number in range(20):
        data.put(f"more{number}.wav", sound(200 + number), fold=number % 3 + 1)


def in_one_fold(data: Planted) -> None:
    for number in range(10):
        data.put(f"x{number}.wav", sound(100 + number), label="cow", fold=1)


def other_case(data: Planted) -> None:
    for number in range(11):
        data.put(f"x{number}.wav", sound(100 + number), label="Dog", fold=number % 3 + 1)


def slip(data: Planted) -> None:
    for number in range(60):
        label = "helicoptor" if number >= 50 else "helicopter"
        data.put(f"x{number}.wav", sound(100 + number), label=label, fold=number % 3 + 1)


@pytest.mark.parametrize(
    ("plant", "found", "files", "remedies"),
    [
        (silent, "silent", "x.wav", "exclude"),
        (clipped, "clipped", "x.wav", "exclude"),
        (shifted, "offset", "x.wav", "exclude"),
        (opposite, "opposite-phase", "x.wav", "left right exclude"),
        (lower_rate, "odd-rate", "x.wav", "exclude"),
        (long, "odd-length", "x.wav", "exclude"),
        (unreadable, "unreadable", "x.wav", "exclude"),
        (equal, "duplicates", "x.wav y.wav", "exclude"),
        (equal_in_one_fold, "copies", "x.wav y.wav", "exclude"),
        (copied, "near-duplicates", "x.wav y.mp3", "exclude"),
        (copied_in_one_fold, "near-copies", "x.wav y.ogg", "exclude"),
        (of_two_classes, "mislabelled-", "x.wav y.flac", "exclude relabel=cat relabel=dog"),
        (one_source, "straddling", "x.wav y.wav z.wav", "exclude"),
        (few, "few-clips", "x1.wav x2.wav x3.wav", "exclude"),
        (uneven, "imbalance", "", ""),
        (in_one_fold, "missing", "", ""),
        (other_case, "alike-", "{Dog}", "merge=dog merge=Dog"),
        (slip, "alike-", "{helicoptor}", "merge=helicopter merge=helicoptor"),
    ],
)
def test_a_planted_fault_is_found_with_its_clips_and_what_can_be_done(
    planted: Planted, plant: Callable[[Planted], None], found: str, files: str, remedies: str
) -> None:
    plant(planted)
    dataset = planted.read()
    health = check_dataset(dataset)
    more = {"imbalance": {"few-clips"}}.get(found, set())
    others = [each for each in kinds(health) if not each.startswith(found)]
    assert set(others) <= more, others
    (finding,) = [each for each in health.found if each.id.startswith(found)]
    if files.startswith("{"):
        wanted = set(dataset.table["path"][dataset.table["label"] == files.strip("{}")])
    else:
        wanted = {str(planted.root / name) for name in files.split()}
    assert {clip.path for clip in finding.clips} == wanted
    assert [remedy.name for remedy in finding.remedies] == remedies.split()
    assert all(
        remedy.clips and set(remedy.clips) <= {*finding.clips, *_all_clips(dataset)} for remedy in finding.remedies
    )
    assert finding.sentence.endswith(".")


def _all_clips(dataset: Dataset) -> set[tuple[str, float]]:
    return set(zip(dataset.table["path"], dataset.table["start_s"], strict=True))


def test_silence_is_told_as_silence_alone(planted: Planted) -> None:
    for fold, label in ((1, "cat"), (2, "dog")):
        planted.put(f"still{fold}.wav", np.zeros(4000, np.float32), label=label, fold=fold)
    assert kinds(planted.check()) == ["silent"]


def test_what_was_measured_and_which_belong_together_is_told_of_each_clip(planted: Planted) -> None:
    planted.put("loud.wav", np.clip(20 * sound(100), -1, 1))
    planted.put("a.wav", sound(110), fold=1)
    planted.put("b.ogg", 0.5 * sound(110), fold=2)
    found = {finding.id: finding for finding in planted.check().found}
    assert re.fullmatch(r"[\d.]+ % at full scale", found["clipped"].details[0])
    assert [[Path(clip.path).name for clip in same] for same in found["near-duplicates"].sets] == [["a.wav", "b.ogg"]]
    assert found["near-duplicates"].to_dict()["sets"] == [
        [[f"{planted.root}/{name}", 0.0] for name in ("a.wav", "b.ogg")]
    ]


def test_what_is_kept_of_copies_and_of_recordings(planted: Planted) -> None:
    one_source(planted)
    copied(planted)
    planted.lines = [line for line in dict.fromkeys(planted.lines) if line != "x.wav,dog,1,x.wav"]
    found = {finding.id: finding for finding in planted.check().found}
    (excluded,) = found["straddling"].remedies
    assert [Path(clip.path).name for clip in excluded.clips] == ["z.wav"]
    (excluded,) = found["near-duplicates"].remedies
    assert [Path(clip.path).name for clip in excluded.clips] == ["y.mp3"]


def test_a_class_that_lacks_high_frequencies_is_told(planted: Planted) -> None:
    for number in range(12):
        planted.put(f"x{number}.wav", sound(100 + number, rate=4000), label="cow", fold=number % 3 + 1, rate=4000)
    (finding,) = [each for each in planted.check().found if each.kind == "odd rate"]
    assert finding.what.startswith(
        "all clips of cow have a sample rate of 4000 Hz, those of other classes at least 8000"
    )
    assert len(finding.clips) == 12


def test_classes_that_are_no_slips(planted: Planted) -> None:
    for label in ("track001", "track002", "male", "mile", "great_horned_owl", "great_horned_cow"):
        for number in range(10 if label.endswith(("1", "e", "owl")) else 60):
            planted.lines.append(f"{number % 24}.wav,{label},{number % 3 + 1},{label}{number}")
    dataset = planted.read()
    assert not [each for each in check_dataset(dataset).found if each.kind == "alike"]


class TestKept:
    """What was measured is kept in the workspace."""

    @pytest.fixture
    def decoded(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The names of the files that are decoded."""
        names: list[str] = []

        def measure(span):
            names.append(Path(span.path).name)
            return was(span)

        was = going_through.measure
        monkeypatch.setattr(going_through, "measure", measure)
        return names

    @pytest.fixture
    def name(self, planted: Planted, workspace: Workspace) -> str:
        copied(planted)
        planted.read()
        return register(workspace, planted.root / "clips.csv", "planted").name

    def test_only_what_is_new_is_decoded(self, planted, workspace, name, decoded) -> None:
        dataset = find_dataset(workspace, name)
        assert known_health(dataset) is None
        assert last_check(dataset).sentence == "The data set was not checked yet."
        first = check_dataset(dataset)
        assert len(decoded) == 26
        assert known_health(dataset).to_dict() == first.to_dict()
        assert check_dataset(dataset.fold(1)).clips < 26
        assert check_dataset(dataset).to_dict() == first.to_dict()
        assert len(decoded) == 26
        assert last_check(dataset).sentence.startswith(
            "1 finding of the check is open. 1 sound found several times, in several folds"
        )
        assert [[Path(dataset.table["path"][row]).name for row in pair] for pair in known_copies(dataset)] == [
            ["x.wav", "y.mp3"]
        ]
        planted.put("y.mp3", sound(300), fold=2)
        planted.lines.pop()
        dataset = find_dataset(workspace, name)
        assert known_health(dataset) is None
        assert last_check(dataset).sentence == "The data set has changed since it was checked."
        assert known_copies(dataset) == []
        assert check_dataset(dataset).ok
        assert decoded[26:] == ["y.mp3"]
        assert last_check(dataset).sentence == "The check found nothing that would harm training."

    def test_a_check_that_finds_nothing_new_counts_from_now(self, workspace, name, decoded, monkeypatch) -> None:
        dataset = find_dataset(workspace, name)
        for now in (1000.0, 2000.0):
            monkeypatch.setattr(kept.time, "time", lambda now=now: now)
            check_dataset(dataset)
            assert last_check(dataset).at == now
        assert len(decoded) == 26

    def test_a_check_that_was_stopped_goes_on(self, workspace, name, decoded) -> None:
        dataset = find_dataset(workspace, name)

        def stop(done: int, total: int) -> None:
            if done == 10:
                raise Stopped

        with pytest.raises(Stopped):
            check_dataset(dataset, stop)
        assert known_health(dataset) is None
        begun = len(decoded)
        check_dataset(dataset)
        assert len(decoded) <= 26 + begun - 10
        assert known_health(dataset) is not None

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", None])
    def test_what_is_damaged_is_measured_anew(self, workspace, name, decoded, content) -> None:
        dataset = find_dataset(workspace, name)
        first = check_dataset(dataset).to_dict()
        file = file_for(dataset)
        assert file is not None
        file.write_bytes(file.read_bytes()[:-40] if content is None else content)
        assert known_health(dataset) is None
        assert check_dataset(dataset).to_dict() == first
        assert len(decoded) == 52


def test_a_fingerprint_does_not_depend_on_blocks_level_or_offset() -> None:
    whole, pieces = Fingerprinter(RATE, 1.0), Fingerprinter(RATE, 1.0)
    wave = sound(1, seconds=1.01)
    whole.add(wave)
    for part in np.array_split(0.1 * wave + np.float32(0.05), 37):
        pieces.add(part)
    gain = np.concatenate([np.full(SIZE // 2, -20.0), np.zeros(SIZE // 2)])
    assert pieces.result() == pytest.approx(whole.result() + gain, abs=0.5)
    nothing = Fingerprinter(RATE, 1.0)
    nothing.add(np.zeros(3, np.float32))
    assert not nothing.result().any()


def test_sets_of_what_is_tied_together() -> None:
    assert linked([(3, 4), (0, 9), (4, 1)]) == [[0, 9], [1, 3, 4]]
    assert linked([]) == []


def test_what_remedies_are_called() -> None:
    names = [Remedy("channel", "", (), channel=number).name for number in (1, 2, 3)]
    assert names == ["left", "right", "channel=3"]


def test_clips_of_esc10(esc10: Path) -> None:
    """Ten clips of each of three classes: real recordings, of which only one is there twice under two names."""
    dataset = read_dataset(esc10)
    wanted = [os.path.basename(path) for path in dataset.table["path"]]  # noqa: PTH119
    twice = {"2-28314-A-12.ogg", "2-30322-A-12.ogg"}
    few = [row for row, name in enumerate(wanted) if name in twice or name.endswith(("B-11.ogg", "B-12.ogg"))]
    health = check_dataset(replace(dataset, table=dataset.table.iloc[few].reset_index(drop=True)))
    found = [finding for finding in health.found if finding.kind not in ("missing", "few clips")]
    assert [finding.id for finding in found] == ["near-copies"]
    assert {Path(path).name for path in found[0].files} == twice
