"""Recordings and their annotations in a folder, as clips of a data set."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcore.config import DataConfig
from labcore.datasets import Dataset, labels, list_datasets, read_dataset, register
from labcore.datasets.timed.dataset import UnlabelledError
from labcore.datasets.timed.recordings import Recordings
from labcore.datasets.timed.report import as_rows, by_label
from labcore.errors import DatasetError
from labcore.workspace import Workspace

from .conftest import RATE, Lay


def clips(dataset: Dataset) -> list[tuple[str, str, float, float]]:
    table = dataset.table
    columns = (table[name] for name in ("path", "label", "start_s", "end_s"))
    return [(Path(path).name, label, start, end) for path, label, start, end in zip(*columns, strict=True)]


def fates(dataset: Dataset) -> list[tuple[int, str, str]]:
    assert dataset.annotated is not None
    return [(row.line, row.outcome, row.reason) for row in dataset.annotated.rows]


def read(root: Path, **data: Any) -> Dataset:
    return read_dataset(root, data=DataConfig.model_validate(data))


LABELS = "1\t2\tdog\n8\t9\tcat\n"


def test_annotations_beside_their_recordings(lay: Lay, told: Callable[..., list[str]]) -> None:
    root = lay({"a.wav": 20.0, "b.wav": 20.0, "a.txt": LABELS, "b.wav.labels.txt": LABELS, "readme.txt": "dogs"})
    dataset = read(root, window_seconds=2)
    assert dataset.layout == "annotations"
    assert clips(dataset) == [
        (f"{name}.wav", label, start, start + 2) for name in "ab" for label, start in (("dog", 0.5), ("cat", 7.5))
    ]
    assert dataset.table["group"].nunique() == 2
    assert dataset.table.groupby("group")["fold"].nunique().eq(1).all()
    assert told(dataset) == []
    assert any("2 files read as Audacity labels" in sentence for sentence in told(dataset, "note"))
    assert [row["clips"] for row in as_rows(dataset.annotated.rows)] == [1, 1, 1, 1]
    assert by_label(dataset.annotated.rows)[0] == {
        "label": "cat", "labels": 2, "used": 2, "merged": 0, "dropped": 0, "seconds": 2.0, "clips": 2,
    }  # fmt: skip


def test_a_recording_is_looked_up_once_however_many_labels_it_has(lay: Lay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that is not there, for which all others are looked through, and one that cannot be read."""
    head, names = "Begin Time (s)\tEnd Time (s)\tBegin File\tSpecies\n", ("a.wav", "gone.wav", "broken.wav")
    table = head + "".join(f"{n}\t{n + 1}\t{name}\t{'dog' if n % 2 else 'cat'}\n" for n in range(9) for name in names)
    root = lay({"a.wav": 20.0, "broken.wav": "no sound", "all.txt": table, "b.wav": 20.0, "b.txt": LABELS})
    asked: list[object] = []
    for of, name in ((Recordings, "_named"), (Recordings, "_like"), (Recordings, "facts"), (labels, "tidy")):
        true = getattr(of, name)
        note = functools.wraps(true)(lambda *given, true=true, **named: asked.extend(given) or true(*given, **named))
        monkeypatch.setattr(of, name, note)
    counts = Counter(row[2] for row in fates(read(root, windows="exact")))
    assert counts == {"": 11, "no recording": 9, "unreadable recording": 9}
    looked_up = Counter(Path(str(each)).name for each in asked)
    assert looked_up["gone.wav"] == 1
    assert max(looked_up[name] for name in ("a.wav", "b.wav", "broken.wav", "dog", "cat")) <= 3


@pytest.mark.parametrize(("folders", "told_of"), [(("dog", "cat"), ["cat, dog"]), (("north", "south"), [])])
def test_folders_called_like_labels_are_told_not_to_be_the_classes(
    lay: Lay, told: Callable[..., list[str]], folders: tuple[str, str], told_of: list[str]
) -> None:
    """As where predictions are written beside the sounds of class folders."""
    root = lay(
        {
            f"{folder}/{n}.{end}": 20.0 if end == "wav" else LABELS
            for folder in folders
            for n in "ab"
            for end in ("wav", "txt")
        }
    )
    sentences = [each for each in told(read(root), "note") if "not the folders" in each]
    assert [each.partition("folders: ")[2].partition(".")[0] for each in sentences] == told_of


def test_a_file_named_like_a_recording_that_nothing_can_read_is_told(lay: Lay, told: Callable[..., list[str]]) -> None:
    sheet = "filename;onset;offset;event_label\nb.wav;1,0;2,0;dog\n"
    files = {"a.wav": 20.0, "a.txt": LABELS, "a.json": "{}", "in/b.wav": 20.0, "in/b.csv": sheet, "notes.txt": "dogs"}
    assert [sentence.split(". ")[0] for sentence in told(read(lay(files))) if "annotations" in sentence] == [
        "1 file named like a recording cannot be read as annotations: b.csv"
    ]


def test_times_that_may_count_over_several_recordings_are_told(lay: Lay, told: Callable[..., list[str]]) -> None:
    """As Raven counts them; a table with offsets, or with times that cannot be such ones, says nothing."""

    def sentences(*starts: float, offset: str = "") -> list[str]:
        rows = zip(("a.wav", "a.wav", "b.wav", "b.wav"), starts, ("owl", "fox") * 2, strict=True)
        lines = [f"{path}\t{start}\t{start + 1}\t{label}\t{start}" for path, start, label in rows]
        head = "\t".join(("Begin File", "Begin Time (s)", "End Time (s)", "Annotation", offset or "Rank"))
        root = lay({"a.wav": 10.0, "b.wav": 60.0, "all.txt": "\n".join([head, *lines])})
        return [each for each in told(read(root)) if "may count" in each]

    assert sentences(2, 5, 11, 30) == [
        "The times in all.txt may count over its 2 recordings, and are taken as within each. "
        "If they do, add the measurement File Offset (s) to the table."
    ]
    assert sentences(2, 5, 9, 30) == sentences(2, 5, 11, 30, offset="File Offset (s)") == []


@pytest.mark.parametrize(("second", "groups"), [(1.5, 1), (8, 2)], ids=["overlapping", "apart"])
def test_two_events_of_the_only_recording(lay: Lay, second: float, groups: int) -> None:
    """Windows that overlap are not left out where that leaves but one part."""
    table = read(
        lay({"a.wav": 20.0, "a.txt": f"1\t2\towl\n{second}\t{second + 1}\tfox\n"}), mixed_windows="longest"
    ).table
    assert (len(table), table["group"].nunique()) == (2, groups)


def test_all_windows_of_a_recording_stay_in_one_fold(lay: Lay) -> None:
    root = lay(
        {
            f"{name}{ending}": content
            for name in "abcdef"
            for ending, content in ((".wav", 60.0), (".txt", LABELS + "20\t50\tdog\n"))
        }
    )
    for kind in ("centred", "grid", "exact"):
        table = read(root, windows=kind, window_overlap=0.5, annotations="complete").table
        assert table.groupby("path")["fold"].nunique().eq(1).all()
        assert table["fold"].nunique() == 5
        assert set(table["label"]) == {"dog", "cat", "background"}


def test_a_single_recording_is_split_by_time_though_its_windows_overlap(
    lay: Lay, told: Callable[..., list[str]]
) -> None:
    text = "".join(
        f"{start}\t{start + 10}\t{label}\n" for start, label in zip(range(0, 100, 10), ["dog", "cat"] * 5, strict=True)
    )
    dataset = read(
        lay({"a.wav": 100.0, "a.txt": text}),
        windows="grid",
        window_seconds=4,
        window_overlap=0.5,
        mixed_windows="longest",
    )
    table = dataset.table
    assert table["fold"].nunique() == 5
    for fold, held_out in table.groupby("fold"):
        rest = table[table["fold"] != fold]
        for start, end in zip(held_out["start_s"], held_out["end_s"].fillna(100.0), strict=True):
            assert not ((rest["start_s"] < end) & (rest["end_s"].fillna(100.0) > start)).any()
    assert any("Clips across the cuts are left out (" in sentence for sentence in told(dataset))


@pytest.mark.parametrize(
    ("recording", "annotations"),
    [
        ("night.wav", "night.Table.1.selections.txt"),
        ("night.wav", "night.BirdNET.results.txt"),
        ("night.wav", "night_labels.txt"),
        ("rec/site1/night.wav", "labels/site1/night.txt"),
        ("Night.WAV", "night.wav.txt"),
        ("rec/night.flac", "night.txt"),
        ("night.wav", "Label Track.txt"),
    ],
)
def test_annotations_are_found_by_the_name_of_their_recording(lay: Lay, recording: str, annotations: str) -> None:
    assert {path for path, *_ in clips(read(lay({recording: 20.0, annotations: LABELS})))} == {Path(recording).name}


def test_a_combined_table_names_its_recordings(lay: Lay) -> None:
    head = "Selection\tBegin Time (s)\tEnd Time (s)\tBegin Path\tFile Offset (s)\tAnnotation\n"
    rows = "1\t1\t2\tD:\\old\\s1\\x.wav\t1\tdog\n2\t41\t42\tD:\\old\\s2\\x.wav\t11\tcat\n3\t95\t96\tD:\\old\\s3\\y.wav\t5\tcat\n"
    root = lay({"s1/x.wav": 30.0, "s2/x.wav": 30.0, "all.txt": head + rows})
    for place in (root, root / "all.txt"):
        dataset = read(place, windows="exact")
        assert [(Path(path).parent.name, start) for path, start in zip(dataset.table["path"], dataset.table["start_s"], strict=True)] == [
            ("s1", 1.0), ("s2", 11.0),
        ]  # fmt: skip
        (finding,) = [each for each in dataset.findings if each.kind == "labels dropped"]
        assert "1 of 3 labels (cat 1) dropped: no such recording" in finding.what
        assert "y.wav" in finding.what
        assert "all.txt line 4" in finding.what


def test_the_report_names_every_label_that_is_dropped_or_merged_with_its_row(
    lay: Lay, told: Callable[..., list[str]]
) -> None:
    text = (
        "1\t2\tdog\n"  # 1 used
        "1.5\t3\tdog\n"  # 2 merged
        "5\t6\tdog\n5.5\t7\tcat\n"  # 3, 4 overlap
        "25\t26\tcat\n"  # 5 outside
        "9\t8\tcat\n"  # 6 ends before it begins
        "x\t8\tcat\n"  # 7 no time
        "10\t11\t\n"  # 8 no label
        "12\t13\tcat\t0.1\n"  # 9 unsure
        "15\t16\tcat\t0.9\n"  # 10 used
        "19.5\t21\tdog\n"  # 11 cut off
    )
    dataset = read(
        lay({"a.wav": 20.0, "a.txt": text, "gone.txt": "1\t2\tfox\n"}), window_seconds=1.5, least_confidence=0.5
    )
    found = {(row.file.name, row.line): (row.outcome, row.reason) for row in dataset.annotated.rows}
    assert found == {
        ("a.txt", 1): ("used", ""),
        ("a.txt", 2): ("merged", "overlaps its own class"),
        ("a.txt", 3): ("dropped", "overlaps another class"),
        ("a.txt", 4): ("dropped", "overlaps another class"),
        ("a.txt", 5): ("dropped", "outside the recording"),
        ("a.txt", 6): ("dropped", "damaged row"),
        ("a.txt", 7): ("dropped", "damaged row"),
        ("a.txt", 8): ("dropped", "no label"),
        ("a.txt", 9): ("dropped", "low confidence"),
        ("a.txt", 10): ("used", ""),
        ("a.txt", 11): ("used", ""),
        ("gone.txt", 1): ("dropped", "no recording"),
    }
    text = "\n".join([*told(dataset), *told(dataset, "note")])
    for words in (
        "2 rows (cat 1) dropped: not readable", "a.txt lines 6, 7", "1 of 12 labels (dog 1) merged", "a.txt line 2",
        "2 of 12 labels (dog 1, cat 1) dropped: another class in each of the windows", "a.txt lines 3, 4",
        "from 25 to 26 s, and a.wav lasts 20 s", "No clip is left of fox", "gone.txt line 1",
        "1 label cut off at the end of the recording: a.txt line 11",
    ):  # fmt: skip
        assert words in text, words


def test_background_only_where_annotations_are_complete(lay: Lay) -> None:
    held: dict[str, float | str | bytes] = {
        "a.wav": 20.0,
        "a.txt": LABELS + "12\t13\t\n",
        "b.wav": 20.0,
        "b.txt": LABELS + "x\ty\tdog\n",
    }
    root = lay(held | {"c.wav": 20.0})  # c was not labelled
    assert set(read(root, window_seconds=2).table["label"]) == {"dog", "cat"}
    dataset = read(root, window_seconds=2, annotations="complete", background_ratio=100)
    background = [(name, start) for name, label, start, _ in clips(dataset) if label == "background"]
    # nothing from b, in which a row cannot be read, and nothing that touches a label, one without a name as well
    assert background == [("a.wav", float(start)) for start in (2, 4, 6, 10, 14, 16, 18)]
    few = read(root, window_seconds=2, annotations="complete", background_ratio=0.5).table
    assert (few["label"] == "background").sum() == 2


def test_an_empty_table_of_a_complete_recording_is_background(lay: Lay) -> None:
    head = "Selection\tBegin Time (s)\tEnd Time (s)\tAnnotation\n"
    root = lay({"a.wav": 10.0, "b.wav": 10.0, "a.txt": head + "1\t1\t2\tdog\n", "b.txt": head})
    table = read(root, window_seconds=2, annotations="complete", background_ratio=100).table
    assert {Path(path).name for path in table["path"][table["label"] == "background"]} == {"a.wav", "b.wav"}


def test_one_class_can_be_added_and_becomes_two_with_background(workspace: Workspace, lay: Lay) -> None:
    root = lay({"a.wav": 20.0, "a.txt": "1\t2\tdog\n9\t9.5\tdog\n", "b.wav": 20.0, "b.txt": "1\t2\tdog\n"})
    info = register(workspace, root)
    assert (info.layout, info.clips, info.classes) == ("annotations", 3, 1)
    assert any("--data.annotations complete" in warning for warning in info.warnings)
    with pytest.raises(DatasetError, match="of one class, 'dog'"):
        read(root)
    assert read(root, annotations="complete").labels == ["background", "dog"]


def test_labels_that_touch_each_other_can_be_added(workspace: Workspace, lay: Lay) -> None:
    root = lay({"a.wav": 3.0, "a.txt": "".join(f"{n / 10}\t{n / 10 + 0.1}\t{'ab'[n % 2]}\n" for n in range(30))})
    info = register(workspace, root)
    assert (info.clips, info.classes) == (30, 2)
    assert any("leave nothing: no label" in warning for warning in info.warnings)
    with pytest.raises(DatasetError, match="another class in each of the windows") as error:
        read(root)
    assert "--data.windows exact" in error.value.remedy
    assert len(read(root, windows="exact").table) == 30


def test_times_in_samples(lay: Lay) -> None:
    root = lay({"a.wav": 20.0, "a.csv": f"FRAME,VALUE,DURATION,LABEL\n{RATE},0,{RATE},dog\n{8 * RATE},0,{RATE},cat\n"})
    assert [clip[1:] for clip in clips(read(root, windows="exact"))] == [("dog", 1.0, 2.0), ("cat", 8.0, 9.0)]


def test_the_last_window_reaches_the_end(lay: Lay) -> None:
    *_, (_, _, start, end) = clips(read(lay({"a.wav": 14.0, "a.txt": LABELS + "13.8\t14.5\tdog\n"}), window_seconds=2))
    assert (start, math.isnan(end)) == (12.0, True)


def test_labels_that_look_the_same_are_one_class(lay: Lay) -> None:
    root = lay({"a.wav": 20.0, "a.txt": "1\t2\tdog\n1.5\t2.5\tdog\u200b\n8\t9\tcat\n"})
    assert fates(read(root))[:2] == [(1, "used", ""), (2, "merged", "overlaps its own class")]


def test_one_class_in_two_spellings_is_told_once(lay: Lay, told: Callable[..., list[str]]) -> None:
    """And whose accuracy is too good, since the only recording of one spelling is parted: that of all classes that are in it."""
    held = {f"{name}.txt": LABELS for name in "abcdef"} | {"a.txt": f"{LABELS}12\t13\tDog\n15\t16\tDog\n"}
    sentences = told(read(lay(held | {f"{name}.wav": 20.0 for name in "abcdef"})))
    assert len([each for each in sentences if "similar spelling" in each]) == 1
    (parted,) = [each for each in sentences if "split by time" in each]
    assert "The class Dog has only one recording (a.wav)" in parted
    assert "optimistic, and so is that of cat, dog, which it holds too" in parted
    assert parted.endswith("A split of your own by source keeps recordings whole.")


def test_an_empty_file_says_that_nothing_occurs(lay: Lay, told: Callable[..., list[str]]) -> None:
    """As Audacity writes a track without labels; one that is named like no recording says nothing."""
    root = lay({"a.wav": 20.0, "a.txt": LABELS, "b.wav": 20.0, "b.txt": "", "notes.txt": ""})
    dataset = read(root, window_seconds=2, annotations="complete", background_ratio=100)
    assert {label for name, label, *_ in clips(dataset) if name == "b.wav"} == {"background"}
    assert any("2 files read as Audacity labels" in sentence for sentence in told(dataset, "note"))
    (root / "b.txt").unlink()
    assert {name for name, *_ in clips(read(root, window_seconds=2, annotations="complete"))} == {"a.wav"}


def test_files_that_cannot_be_read_harm_no_others(lay: Lay, told: Callable[..., list[str]]) -> None:
    root = lay(
        {
            "a.wav": 20.0,
            "a.txt": LABELS,
            "b.wav": 20.0,
            "b.TextGrid": 'File type = "ooTextFile"\n"TextGrid"\n0\n20\n<exists>\n1\n',
        }
    )
    dataset = read(root)
    assert len(dataset.table) == 2
    assert any("b.TextGrid is not a whole TextGrid" in sentence for sentence in told(dataset))
    (root / "a.txt").unlink()
    with pytest.raises(DatasetError, match="is not a whole TextGrid"):
        read(root)


def test_a_recording_that_is_no_audio(lay: Lay, told: Callable[..., list[str]]) -> None:
    root = lay({"a.wav": 20.0, "a.txt": LABELS, "b.wav": b"RIFF", "b.txt": LABELS})
    dataset = read(root)
    assert {name for name, *_ in clips(dataset)} == {"a.wav"}
    assert any("dropped: the recording cannot be read (b.wav " in sentence for sentence in told(dataset))
    with pytest.raises(DatasetError, match="is left: no such recording"):
        read(lay({"only/c.wav": 5.0, "only/zz.txt": "1\t2\tdog\n", "only/d.wav": 5.0}) / "only" / "zz.txt")


def test_what_a_sketch_of_an_archive_holds(lay: Lay) -> None:
    dataset = read(lay({"a.wav": b"", "a.txt": LABELS, "b.flac": b"", "b.txt": LABELS}), window_seconds=2)
    assert clips(dataset)[:2] == [("a.wav", "dog", 0.5, 2.5), ("a.wav", "cat", 7.5, 9.5)]


def test_other_layouts_stay_what_they_are(lay: Lay, told: Callable[..., list[str]]) -> None:
    folders: dict[str, float | str | bytes] = {f"{label}/{n}.wav": 1.0 for label in ("dog", "cat") for n in range(3)}
    dataset = read(lay(folders | {"dog/0.txt": "0\t1\tbark\n"}))
    assert (dataset.layout, len(dataset.table)) == ("folders", 6)
    assert any("1 file of annotations was not used" in sentence for sentence in told(dataset, "note"))
    dataset = read(lay({"list.csv": "path,label\ndog/0.wav,x\ncat/0.wav,y\n"}))
    assert dataset.layout == "csv"


def test_recordings_in_folders_of_sites_of_which_a_few_are_labelled_are_no_class_folders(
    lay: Lay, told: Callable[..., list[str]]
) -> None:
    root = lay({f"{site}/{n}.wav": 70.0 for site in ("site1", "site2") for n in range(3)})
    assert any("The folders site1, site2 look like sites" in each for each in told(read(root)))
    (root / "site2" / "1.txt").write_text(LABELS)
    dataset = read(root)
    assert (dataset.layout, dataset.labels) == ("annotations", ["cat", "dog"])


def test_a_recording_and_a_folder_of_more_are_no_class(lay: Lay) -> None:
    with pytest.raises(UnlabelledError, match="holds 1 audio file, but no labels for it"):
        read(lay({"a.wav": 1.0, "more/b.wav": 1.0}))


def test_parts_by_the_names_of_the_files(lay: Lay) -> None:
    head = "filename\tonset\toffset\tevent_label\n"
    root = lay({"audio/a.wav": 10.0, "audio/b.wav": 10.0, "meta/train.tsv": head + "a.wav\t1\t2\tdog\na.wav\t5\t6\tcat\n",
                "meta/validation.tsv": head + "b.wav\t1\t2\tdog\nb.wav\t5\t6\tcat\n"})  # fmt: skip
    table = read(root).table
    assert dict(zip(table["path"].map(lambda path: Path(path).name), table["fold"], strict=True)) == {
        "a.wav": "train",
        "b.wav": "val",
    }


def test_a_label_that_is_added_is_seen_at_once(workspace: Workspace, lay: Lay) -> None:
    root = lay({"a.wav": 20.0, "a.txt": LABELS})
    register(workspace, root)
    (root / "a.txt").write_text(LABELS + "12\t13\tfox\n")
    assert [(info.clips, info.classes) for info in list_datasets(workspace)] == [(3, 3)]
