"""Events that people add, change and delete, and what follows for clips, runs and what is written."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labcore.config import DataConfig, RunConfig
from labcore.datasets import Dataset, check_dataset, find_dataset, list_datasets, register
from labcore.datasets.annotations import annotate, decided
from labcore.datasets.corrections import Corrections
from labcore.datasets.keeping import rename
from labcore.datasets.mending import mend
from labcore.datasets.registry import find_uncorrected, find_uncut, register_unlabelled
from labcore.datasets.resuming import find_again, pin
from labcore.datasets.timed.dataset import Annotated
from labcore.datasets.timed.edits import (
    EventEdit,
    EventEdits,
    edit_event,
    edits_of,
    event_key,
    file_of,
    say_complete,
    take_back,
)
from labcore.datasets.timed.writing import as_files, as_text, as_zip, not_written, tracks_of
from labcore.errors import DatasetError
from labcore.owners import NotYoursError
from labcore.runs import Run
from labcore.tracks import Track
from labcore.workspace import Workspace

from .conftest import Lay

LABELS = "1\t2\tdog\n8\t9\tcat\n"


@pytest.fixture
def nights(lay: Lay, workspace: Workspace) -> Path:
    """Two recordings of 20 s, of which the first has a file of annotations; a data set of the workspace."""
    root = lay({"a.wav": 20.0, "b.wav": 20.0, "a.txt": LABELS})
    register(workspace, root, "nights")
    return root


@pytest.fixture
def edit(workspace: Workspace, nights: Path) -> Callable[..., EventEdit]:
    """edit("add", start_s=1, end_s=2, label="owl") of the recording a.wav."""

    def make(what: Any, recording: str = "a.wav", **facts: Any) -> EventEdit:
        return edit_event(workspace, "nights", nights, str(nights / recording), what, **facts)

    return make


def clips(workspace: Workspace, **data: Any) -> list[tuple[str, str, float]]:
    table = find_dataset(workspace, "nights", DataConfig.model_validate({"window_seconds": 2, **data})).table
    return [
        (Path(path).stem, label, start)
        for path, label, start in zip(table["path"], table["label"], table["start_s"], strict=True)
    ]


def told(dataset: Dataset, kind: str) -> list[str]:
    return [finding.sentence for finding in dataset.findings if finding.kind == kind]


def test_events_are_added_changed_and_deleted_and_taken_back(workspace, nights, edit):
    before, held = clips(workspace), (nights / "a.txt").read_bytes()
    assert before == [("a", "dog", 0.5), ("a", "cat", 7.5)]
    edit("add", start_s=12, end_s=13, label=" owl ", low_hz=300, high_hz=900)
    edit("add", "b.wav", start_s=4, end_s=5, label="dog")
    edit("change", event=event_key(1, 2, "dog"), start_s=3, end_s=4, label="wolf")
    gone = edit("delete", event=event_key(8, 9, "cat"))
    assert clips(workspace) == [("a", "wolf", 2.5), ("a", "owl", 11.5), ("b", "dog", 3.5)]
    assert edits_of(workspace, "nights").sentence == "events of revision 4: 2 added, 1 changed, 1 deleted"
    rows = {row.label: row for row in find_dataset(workspace, "nights").annotated.rows}
    assert [rows[label].edited for label in ("wolf", "owl", "dog")] == ["changed", "added", "added"]
    assert (rows["owl"].low_hz, rows["owl"].line, rows["owl"].file) == (300, 1, file_of(workspace, "nights"))

    assert take_back(workspace, "nights", "last", "").id == gone.id
    assert ("a", "cat", 7.5) in clips(workspace)
    for _ in range(3):
        take_back(workspace, "nights", "last", "")
    assert clips(workspace) == before
    assert (nights / "a.txt").read_bytes() == held
    assert edits_of(workspace, "nights").revision == 8
    with pytest.raises(DatasetError, match="there is no edit by you"):
        take_back(workspace, "nights", "last", "")


def test_one_of_two_calls_that_are_close_is_deleted(workspace, nights, edit):
    """As 30 ms after ten hours; an edit that names both by six digits, as before, still counts."""
    (nights / "a.txt").write_text("12.34561\t12.4\tdog\n12.34562\t12.4\tdog\n1\t2\tcat\n")

    def starts() -> list[float]:
        return [row.start_s for row in find_dataset(workspace, "nights").annotated.rows]

    edit("delete", event=event_key(12.34562, 12.4, "dog"))
    assert starts() == [12.34561, 1.0]
    edit("delete", event="12.3456 to 12.4 dog")
    assert starts() == [1.0]
    assert not told(find_dataset(workspace, "nights"), "edited events")[1:]


def test_an_added_event_is_changed_and_deleted_as_any_other(workspace, edit):
    added = edit("add", start_s=12, end_s=13, label="owl")
    edit("change", event=added.id, start_s=14, end_s=15, label="fox")
    assert clips(workspace)[-1] == ("a", "fox", 13.5)
    last = edit("delete", event=added.id)
    assert len(clips(workspace)) == 2
    take_back(workspace, "nights", last.id[:8], "")
    assert clips(workspace)[-1] == ("a", "fox", 13.5)


def test_background_comes_from_recordings_that_are_said_to_be_complete(workspace, nights):
    said = say_complete(workspace, "nights", nights, str(nights / "a.wav"), complete=True)
    found = clips(workspace, background_ratio=1)
    assert [label for _, label, _ in found].count("background") == 2
    assert {name for name, label, _ in found if label == "background"} == {"a"}
    dataset = find_dataset(workspace, "nights", DataConfig(window_seconds=2))
    assert "2 windows of background from 1 recording that somebody said to be complete" in told(dataset, "windows")[0]
    say_complete(workspace, "nights", nights, str(nights / "a.wav"), complete=False)
    assert len(clips(workspace, annotations="complete")) == 2
    take_back(workspace, "nights", "last", "")
    take_back(workspace, "nights", said.id, "")
    assert len(clips(workspace)) == 2


def test_a_deleted_event_is_background_where_all_is_labelled(workspace, nights, edit):
    edit("delete", event=event_key(8, 9, "cat"))
    say_complete(workspace, "nights", nights, str(nights / "a.wav"), complete=True)
    found = clips(workspace, background_ratio=100)
    assert ("a", "background", 8.0) in found
    assert ("a", "background", 0.0) not in found


def test_a_decision_on_a_window_is_told_where_windows_are_cut_otherwise(workspace, nights):
    size = (nights / "a.wav").stat().st_size
    annotate(workspace, "nights", decided(("a.wav", 0.5, "dog"), "wrong", who="ann", size=size))
    assert clips(workspace) == [("a", "", 0.5), ("a", "cat", 7.5)]
    dataset = find_dataset(workspace, "nights", DataConfig(window_seconds=3))
    assert told(dataset, "annotations")[-1].startswith("1 annotation does not count: the windows are cut otherwise, ")
    assert told(dataset, "annotation files") == ["1 file read as Audacity labels."], "also once there are decisions"


def test_labels_that_were_merged_are_merged_however_windows_are_cut(workspace, nights):
    (nights / "b.txt").write_text("3\t4\tDog\n10\t11\tcat\n")
    cut = DataConfig(window_seconds=2)
    check_dataset(find_dataset(workspace, "nights", cut))
    mend(workspace, "nights", "alike", "merge=dog", data=cut)
    for windows in ({}, {"windows": "grid", "window_seconds": 1}, {"windows": "exact"}):
        assert {label for _, label, _ in clips(workspace, **windows)} == {"cat", "dog"}, windows
        dataset = find_dataset(workspace, "nights", DataConfig.model_validate({"window_seconds": 2, **windows}))
        assert told(dataset, "annotations") == [
            "Labels of revision 1: 1 corrected. `labcore datasets annotations nights` lists them."
        ]
    (nights / "b.wav").write_bytes((nights / "a.wav").read_bytes() + b"\0\0")  # another recording
    assert {label for _, label, _ in clips(workspace, windows="exact")} == {"cat", "dog", "Dog"}


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"start_s": 3, "end_s": 2, "label": "owl"}, "ends .2 s. before it begins"),
        ({"start_s": 1, "end_s": 2, "label": "  "}, "no label"),
        ({"start_s": 1, "end_s": 2, "label": "NA"}, "'NA' stands for no label"),
        ({"start_s": None, "end_s": 2, "label": "owl"}, "before it begins"),
        ({"start_s": 1, "end_s": 2, "label": "owl", "low_hz": 500.0}, "one of the two frequencies is missing"),
        ({"start_s": 1, "end_s": 2, "label": "owl", "low_hz": 500.0, "high_hz": 500.0}, "is not below the high one"),
    ],
)
def test_what_is_no_event_is_refused_and_nothing_is_written(workspace, edit, facts, why):
    with pytest.raises(DatasetError, match=why):
        edit("add", **facts)
    assert edits_of(workspace, "nights").revision == 0
    with pytest.raises(DatasetError, match="not there any more"):
        edit("add", "gone.wav", start_s=1, end_s=2, label="owl")


def test_edits_that_do_not_count_are_told(workspace, nights, edit):
    edit("change", event=event_key(8, 9, "fox"), start_s=3, end_s=4, label="wolf")
    edit("add", "b.wav", start_s=4, end_s=5, label="dog")
    (nights / "b.wav").write_bytes((nights / "b.wav").read_bytes()[:-800])
    with file_of(workspace, "nights").open("a") as file:
        file.write("{}\n")
    dataset = find_dataset(workspace, "nights")
    assert [sentence.split(":")[0] for sentence in told(dataset, "edited events")] == [
        "Events of revision 3", "1 line of the edited events cannot be read and count for nothing.", "2 edits of events do not count",
    ]  # fmt: skip
    assert len(clips(workspace)) == 2


def test_the_list_and_renaming_follow_edits(workspace, edit):
    edit("add", start_s=12, end_s=13, label="owl")
    assert [(info.clips, info.classes) for info in list_datasets(workspace)] == [(3, 3)]
    rename(workspace, "nights", "days")
    assert edits_of(workspace, "days").revision == 1
    assert "owl" in find_dataset(workspace, "days").labels


def test_another_persons_edit_is_taken_back_only_where_that_is_meant(workspace, nights):
    made = edit_event(
        workspace, "nights", nights, str(nights / "a.wav"), "add", who="ann", start_s=1, end_s=2, label="x"
    )
    with pytest.raises(NotYoursError):
        take_back(workspace, "nights", made.id, "ben")
    take_back(workspace, "nights", made.id, "ben", anyone=True)
    assert not edits_of(workspace, "nights").lines


def test_a_run_keeps_the_events_that_it_began_with(workspace, edit):
    edit("add", start_s=12, end_s=13, label="owl")
    config = RunConfig().replace({"data.dataset": "nights", "data.window_seconds": 2.0})
    run = Run.create(workspace, config)
    pin(run, workspace, config.cutting)
    assert Corrections.of_run(run).sentence == "events of revision 1: 1 added"
    edit("add", start_s=15, end_s=16, label="owl")
    assert len(find_dataset(workspace, "nights", config.cutting)) == 4
    assert len(find_again(run, workspace, "nights", config.cutting)) == 3

    other = Run.create(workspace, config)
    pin(other, workspace, config.cutting)
    assert Corrections.of_run(other).events.revision == 2


def test_what_is_written_is_read_back(workspace, nights, edit, lay):
    edit("add", "b.wav", start_s=4.25, end_s=5, label="Bubo bubo, Eagle-Owl", low_hz=300.0, high_hz=900.5)
    edit("delete", event=event_key(8, 9, "cat"))
    edit("add", start_s=8, end_s=8, label='"tick" \t or "click"')
    source = find_uncut(workspace, "nights").annotated
    tracks = tracks_of(source.gathered(DataConfig()), source.recordings)
    quoted, owl = '"tick" or "click"', "Bubo bubo, Eagle-Owl"
    expected = [("a.wav", 1.0, 2.0, "dog"), ("a.wav", 8.0, 8.0, quoted), ("b.wav", 4.25, 5.0, owl)]
    (nights / "a.txt").unlink()
    written = [
        as_files(tracks, "raven"),
        as_files(tracks, "audacity"),
        {"all.selections.txt": as_text(tracks, "raven")},
    ]
    for files in written:
        for name, text in files.items():
            (nights / name).write_text(text)
        rows = find_dataset(Workspace(workspace.home / "other"), nights, DataConfig(windows="exact")).annotated.rows
        assert [(Path(row.recording).name, row.start_s, row.end_s, row.label) for row in rows] == expected
        assert (rows[-1].low_hz, rows[-1].high_hz) == (300.0, 900.5)
        for name in files:
            (nights / name).unlink()
    head, _, _, last = written[2]["all.selections.txt"].splitlines()
    assert head.endswith("File Offset (s)\tAnnotation")  # no detector, no score
    assert last.split("\t")[3:10] == ["24.250000", "25.000000", "300.0", "900.5", "b.wav", "b.wav", "4.250000"]


def test_what_is_not_written_is_told_with_its_reason_and_where_it_stands(lay: Lay):
    root = lay({"a.wav": 10.0, "b.wav": 10.0, "a.txt": "1\t2\tdog\n12\t13\tcat\n", "b.txt": "1\t2\tcat\n5\t6\tdog\n"})
    (root / "b.wav").write_bytes((root / "b.wav").read_bytes()[:-1000])  # its recorder lost its power
    found = Annotated(root, tuple((root / name, "audacity") for name in ("a.txt", "b.txt"))).gathered(DataConfig())
    source = Annotated(root, ())
    (track,) = tracks_of(found, source.recordings)
    assert [(event.start_s, event.label) for event in track.events] == [(1.0, "dog")], "and none behind the end"
    told = not_written(found)
    assert told.startswith("3 labels not written: the recording cannot be read (b.wav is cut off: ")
    assert told.endswith(
        "; 2); outside of the recording (it is from 12 to 13 s, and a.wav lasts 10 s; 1); "
        "keep what they stand in: a.txt line 2; b.txt lines 1, 2"
    )


def test_no_file_is_written_outside_of_its_folder():
    tracks = [Track("/rec/../a.wav", 1.0, [], (0, 1)), Track("C:\\rec\\b.wav", 1.0, [], (0, 1))]
    files = as_files(tracks, "audacity")
    assert list(files) == ["rec/a.wav.labels.txt", "C:/rec/b.wav.labels.txt"]
    with zipfile.ZipFile(io.BytesIO(as_zip(files))) as archive:
        assert archive.namelist() == list(files)


def test_recordings_without_any_label_are_begun_by_hand(lay: Lay, workspace: Workspace):
    root = lay({"a.wav": 20.0, "b.wav": 20.0})
    with pytest.raises(DatasetError, match="no labels for them"):
        register(workspace, root, "nights")
    for _ in range(2):  # added twice, it is begun once
        assert register_unlabelled(workspace, root, "nights", who="Ada").clips == 0
    assert edits_of(workspace, "nights").revision == 1
    (info,) = list_datasets(workspace)
    assert (info.layout, info.clips) == ("annotations", 0)
    assert "no event is labelled yet" in info.error.lower()
    assert find_uncut(workspace, "nights").annotated.recordings.files == [("a.wav",), ("b.wav",)]
    for recording, label in (("b.wav", "dog"), ("a.wav", "cat")):
        edit_event(workspace, "nights", root, str(root / recording), "add", start_s=1.0, end_s=3.0, label=label)
    assert clips(workspace) == [("a", "cat", 1.0), ("b", "dog", 1.0)]
    assert [(info.error, info.clips, info.classes) for info in list_datasets(workspace)] == [("", 2, 2)]
    kept = edits_of(workspace, "nights").to_dict()
    with pytest.raises(DatasetError, match="no edit"):  # that it was begun is none
        take_back(workspace, "nights", "last", "Ada")
    for _ in range(2):
        take_back(workspace, "nights", "last", "")
    assert "no event is labelled yet" in list_datasets(workspace)[0].error.lower()
    edits = EventEdits.from_dict(kept)  # of a run that began before
    assert find_uncorrected(workspace, "nights", DataConfig(window_seconds=2), edits).labels == ["cat", "dog"]


def test_what_has_labels_or_no_sound_is_not_begun_by_hand(nights: Path, workspace: Workspace, tmp_path: Path):
    with pytest.raises(DatasetError, match="has labels already"):
        register_unlabelled(workspace, nights, "other")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no data set was recognised"):
        register_unlabelled(workspace, tmp_path / "empty")
    assert [info.name for info in list_datasets(workspace)] == ["nights"]
    assert not list(workspace.datasets.glob("*.events.jsonl"))
