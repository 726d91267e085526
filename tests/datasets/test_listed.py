"""Lists of clips: which columns and files are meant, what is left aside, and that all of it is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labcore.batch.tables import columns_of
from labcore.datasets import read_dataset
from labcore.errors import DatasetError

FILES = ("0.wav", "1.wav", "2.wav", "3.wav")


def pairs(dataset) -> list[tuple[str, str]]:
    return [(Path(path).name, label) for path, label in zip(dataset.table["path"], dataset.table["label"], strict=True)]


@pytest.mark.parametrize(
    ("header", "group"),
    [
        ("fname,label", ""),
        ("audio_path,scene_label", ""),
        ("wav_file,emotion,speaker_id", "speaker_id"),
        ("File Name,Genre,Artist", "Artist"),
        ("fileName,primary_label", ""),
        ("#filename,labels", ""),
        ("Begin File,Species", ""),
        ("id,class_name,subject", "subject"),
        ("ID,Class Label,ActorID", "ActorID"),
        ("anything,label", ""),
        ("file,condition,machine", "machine"),
        ("file,Fault Type,Machine ID", "Machine ID"),
    ],
)
@pytest.mark.parametrize("folder", ["", "wavs/", "audio/deep/"])
def test_names_of_columns(lay_out, told, header, group, folder):
    lines = [f"{n}.wav,{'ab'[n % 2]}" + (f",p{n}" if group else "") for n in range(4)]
    root = lay_out(*(folder + file for file in FILES), lists={"labels.csv": "\n".join([header, *lines])})
    dataset = read_dataset(root)
    assert pairs(dataset) == [(f"{n}.wav", "ab"[n % 2]) for n in range(4)]
    path, label = header.lstrip("#").split(",")[:2]
    note = told(dataset, "note")[-1]
    assert f"{path} → path, {label} → label" in note
    assert (f"{group} → group" in note) == bool(group)
    if group:
        assert list(dataset.table["group"]) == ["p0", "p1", "p2", "p3"]


def test_the_check_names_columns_that_are_not_used(lay_out, told):
    root = lay_out(
        *FILES,
        lists={
            "l.csv": "file,rms,label,duration,split\n" + "".join(f"{n},0.1,{'ab'[n % 2]},4,train\n" for n in range(4))
        },
    )
    (note,) = told(read_dataset(root), "note")
    assert note == "In l.csv: columns taken: file → path, label → label, split → fold; not used: rms, duration."


def test_a_group_that_all_clips_share_is_none(lay_out):
    root = lay_out(
        *FILES, lists={"l.csv": "file,label,source\n" + "".join(f"{n},{'ab'[n % 2]},freesound\n" for n in range(4))}
    )
    assert read_dataset(root).table["group"].nunique() == 4


class TestPartOfTheFiles:
    """Files that a list does not name are told."""

    CLASSES = tuple(f"{label}/{n}.wav" for label in ("cat", "dog") for n in range(6))
    LIST = "filename,rms,label\n" + "".join(
        f"{label}/{n}.wav,0.1,{label}\n" for label in ("dog", "cat") for n in range(2)
    )

    def test_beside_class_folders(self, lay_out, told):
        root = lay_out(*self.CLASSES, lists={"features.csv": self.LIST})
        dataset = read_dataset(root)
        assert len(dataset) == 4
        (warning,) = told(dataset)
        assert "8 of 12 audio files" in warning
        assert "features.csv" in warning
        (finding,) = (finding for finding in dataset.findings if finding.kind == "unlisted")
        assert finding.files == tuple(str(root / name) for name in self.CLASSES if name[4] not in "01")

    def test_where_the_list_itself_is_named_it_is_a_note(self, lay_out, told):
        dataset = read_dataset(lay_out(*self.CLASSES, lists={"features.csv": self.LIST}) / "features.csv")
        assert not told(dataset)
        assert "8 of 12 audio files" in told(dataset, "note")[-1]

    def test_rows_that_are_left_out_and_links_are_not_told_twice(self, lay_out, told):
        root = lay_out("0.wav", "1.wav", "2.wav", lists={"l.csv": "file,label\n0,a\nlink.wav,b\n2.wav,\n"})
        (root / "link.wav").symlink_to(root / "1.wav")
        assert not any("not named" in sentence for sentence in told(read_dataset(root)))


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("sources.csv", "file,label\nelsewhere.wav,dog\n", "none of its files exists"),
        ("features.csv", "filename,rms\ndog/0.wav,0.1\n", "it has no column for the label; it has: filename, rms"),
        ("classes.csv", "index,label\n0,dog\n", "it has no column for the path"),
        ("empty.csv", "", "is empty"),
        ("table.xlsx", "x", "it is not a CSV file; save it as one"),
        ("sample_submission.csv", "fname,label\ndog/0.wav,x\n", "it is a template for predictions"),
        ("metadata/ages.csv", "who,age\nx,3\n", "no columns for path and label"),
    ],
)
def test_a_list_that_was_not_taken_is_named_with_the_reason(lay_out, told, name, text, reason):
    dataset = read_dataset(lay_out(*TestPartOfTheFiles.CLASSES, lists={name: text}))
    assert (dataset.layout, len(dataset)) == ("folders", 12)
    (note,) = told(dataset, "note")
    assert name.rpartition("/")[2] in note
    assert reason in note


def test_a_list_of_names_that_several_files_have_is_a_warning(lay_out, told):
    dataset = read_dataset(lay_out(*TestPartOfTheFiles.CLASSES, lists={"all.csv": "file,label\n0.wav,x\n1.wav,y\n"}))
    assert dataset.labels == ["cat", "dog"]
    (warning,) = told(dataset)
    assert "as 0.wav fits 2 files: cat/0.wav, dog/0.wav. Write their paths" in warning


@pytest.mark.parametrize("per", ["file", "segment"])
def test_predictions_among_the_sounds_are_no_labels(lay_out, told, per):
    header = columns_of(["x", "y"], per)
    rows = [
        ",".join({"file": name, "label": "xy"[n % 2]}.get(each, "") for each in header)
        for n, name in enumerate(TestPartOfTheFiles.CLASSES)
    ]
    root = lay_out(*TestPartOfTheFiles.CLASSES, lists={"p.csv": "\n".join([",".join(header), *rows])})
    dataset = read_dataset(root)
    assert dataset.labels == ["cat", "dog"]
    assert "it holds results of this lab; give the file itself" in told(dataset, "note")[0]
    assert read_dataset(root / "p.csv").labels == ["x", "y"]


def test_the_report_on_labels_in_time_among_the_sounds_is_no_list(lay_out, write_wav, tone):
    tracks = {f"{n}.txt": f"0\t1\t{label}\n2\t3\t{label}\n" for n, label in enumerate(("cat", "dog"))}
    report = "file,line,recording,start_s,end_s,label,outcome,why\n0.txt,1,0.wav,0,1,cat,used,\n1.txt,1,1.wav,0,1,dog,used,\n"
    root = lay_out(lists=tracks | {"labels.csv": report})
    for name in ("0.wav", "1.wav"):
        write_wav(root / name, tone(seconds=4, sample_rate=8000), 8000)
    assert read_dataset(root).layout == "annotations"
    assert {Path(path).name for path in read_dataset(root / "labels.csv").table["path"]} == {"0.wav", "1.wav"}


def test_suspicious_labels_among_the_sounds_are_no_list(lay_out):
    header = "recording,label,suggested,quality,flagged,clip,start_s,end_s,fold,p_label\n"
    rows = "".join(f"r,{name[:3]},cat,0.1,True,{name},0,1,1,0.2\n" for name in TestPartOfTheFiles.CLASSES[5:7])
    assert len(read_dataset(lay_out(*TestPartOfTheFiles.CLASSES, lists={"s.csv": header + rows}))) == 12


def test_a_broken_list_beside_class_folders_is_a_warning(lay_out, told):
    root = lay_out(*TestPartOfTheFiles.CLASSES, lists={"l.csv": 'path,label\ndog/0.wav,"dog\ncat/0.wav,cat\n'})
    (warning,) = told(read_dataset(root))
    assert "the quote that opens in line 2" in warning


def test_lists_that_were_not_taken_are_named_where_nothing_else_says_what_the_clips_are(lay_out, many):
    root = lay_out(*FILES, lists={"l.csv": "file,volume\n0.wav,3\n"})
    with pytest.raises(
        DatasetError, match=r"no labels for them; the list l.csv was not used: .*no column for the label"
    ):
        read_dataset(root)


def test_they_are_named_where_folders_hold_one_class_too(lay_out):
    root = lay_out(*(f"wav/{file}" for file in FILES), lists={"l.csv": "file,volume\nwav/0.wav,3\n"})
    with pytest.raises(DatasetError, match=r"one class, 'wav'; the list l.csv was not used: .*no column for the label"):
        read_dataset(root)


def test_parts_with_lists(lay_out, told):
    """As competitions lay out their data."""
    files = [f"audio_train/{n}.wav" for n in range(4)] + [f"audio_test/{n}.wav" for n in range(4, 6)]
    lists = {"train.csv": "fname,label\n" + "".join(f"{n}.wav,{'ab'[n % 2]}\n" for n in range(4))}
    dataset = read_dataset(lay_out(*files, lists=lists))
    assert dataset.labels == ["a", "b"]
    assert len(dataset) == 4
    assert "2 of 6 audio files" in told(dataset)[0]
    lists["meta/test_final.csv"] = "fname,label\n4.wav,a\n5.wav,b\n"
    dataset = read_dataset(lay_out(*files, lists=lists))
    assert dataset.table["fold"].value_counts().to_dict() == {"train": 4, "test": 2}
    assert not told(dataset)
    lists["more.csv"] = "fname,label\n4.wav,a\n5.wav,b\n"
    with pytest.raises(DatasetError, match="holds 3 lists of clips"):
        read_dataset(lay_out(*files, lists=lists))


def test_labels(lay_out, told):
    cells = ["dog", "Dog", "dog\u200b", " dog\u00a0", '"dog\nbark"', "nan", "N/A", "", "None", "none", "cat", "CAT"]
    root = lay_out(
        *(f"{n}.wav" for n in range(len(cells))),
        lists={"l.csv": "path,label\n" + "".join(f"{n}.wav,{cell}\n" for n, cell in enumerate(cells))},
    )
    dataset = read_dataset(root)
    assert dataset.labels == ["CAT", "cat", "Dog", "dog", "dog bark", "none"]
    assert (dataset.table["label"] == "dog").sum() == 3
    assert [problem.what for problem in dataset.problems] == [
        f"has no label{written} (l.csv, line {line})"
        for written, line in ((" (nan)", 8), (" (N/A)", 9), ("", 10), (" (None)", 11))
    ]
    warnings = " ".join(told(dataset))
    for words in (
        "4 rows of l.csv without a label ('nan', 'N/A', empty, 'None') skipped",
        "merged: 'dog'",
        "'CAT' = 'cat'",
        "no_event",
    ):
        assert words in warnings
    assert "'none' is read as a class" in " ".join(told(dataset, "note"))


def test_times_of_other_names(lay_out, write_wav, tone):
    root = lay_out(lists={
        "a.csv": "path,label,offset,duration,group\nx.wav,a,1.0,0.5,1\nx.wav,b,2,1,2\n",
        "b.csv": "path,label,start_sample,end_sample\nx.wav,a,8000,12000\nx.wav,b,16000,24000\n",
        "c.csv": "path,label,start_frame\nx.wav,a,8\nx.wav,b,9\n",
    })  # fmt: skip
    write_wav(root / "x.wav", tone(seconds=3, sample_rate=8000), 8000)
    for name in ("a.csv", "b.csv"):
        table = read_dataset(root / name).table
        np.testing.assert_allclose(table["start_s"], [1, 2])
        np.testing.assert_allclose(table["end_s"], [1.5, 3])
    with pytest.raises(DatasetError, match=r"the column start_frame of c\.csv looks like a time"):
        read_dataset(root / "c.csv")


def test_files_found_by_name_in_other_folders(lay_out, told):
    rows = "bird/0.wav,a\nbird/1.wav,b\ndog/2.wav,a\ncat/2.wav,b\n"
    root = lay_out("x/0.wav", "x/1.wav", "cat/2.wav", lists={"l.csv": "path,label\n" + rows})
    dataset = read_dataset(root / "l.csv")
    assert pairs(dataset) == [("2.wav", "b"), ("0.wav", "a"), ("1.wav", "b")]  # dog/2.wav is not cat/2.wav
    assert [problem.path for problem in dataset.problems] == ["dog/2.wav"]
    assert "2 clips of l.csv were found by file name" in " ".join(told(dataset, "note"))


def test_the_parts_of_a_bad_file_are_one_problem(lay_out):
    rows = "".join(f"gone.wav,a,{n},{n + 1}\n" for n in range(3))
    root = lay_out("0.wav", "1.wav", lists={"l.csv": "path,label,start,end\n0.wav,a,,\n1.wav,b,,\n" + rows})
    problems = read_dataset(root).problems
    assert [(problem.path, problem.clips) for problem in problems] == [("gone.wav", 3)]


def test_rows_with_more_cells_than_the_header_names_are_left_out(lay_out):
    """A comma in a label without quotes would cut the label; empty cells behind the last one say nothing."""
    rows = "0.wav,dog,,\n1.wav,car, passing\n2.wav,cat\n"
    dataset = read_dataset(lay_out(*FILES, lists={"l.csv": f"path,label\n{rows}"}))
    assert pairs(dataset) == [("0.wav", "dog"), ("2.wav", "cat")]
    ((path, what),) = [(problem.path, problem.what) for problem in dataset.problems]
    assert (path, what.partition(":")[0]) == ("1.wav", "has 3 cells, but the header names 2 columns")
    assert what.endswith("(l.csv, line 3)")


def test_of_two_columns_of_one_name_the_first_counts(lay_out, told):
    lists = {"l.csv": "path,label,label\n" + "".join(f"{n}.wav,{'ab'[n % 2]},\n" for n in range(4))}
    dataset = read_dataset(lay_out(*FILES, lists=lists))
    assert dataset.labels == ["a", "b"]
    assert "not used: label.1" in told(dataset, "note")[0]


def test_a_fold_below_zero_is_none_of_the_others(lay_out):
    lists = {"l.csv": "path,label,fold\n0.wav,a,-1\n1.wav,b,1\n2.wav,a,fold-2\n3.wav,b,3.0\n"}
    assert list(read_dataset(lay_out(*FILES, lists=lists)).table["fold"]) == ["-1", "1", "2", "3"]


def test_folds_that_differ_in_case_alone_are_one(lay_out, told):
    lists = {"l.csv": "path,label,fold\n0.wav,a,Site A\n1.wav,b,Site A\n2.wav,a,site  a\n3.wav,b,B\n"}
    dataset = read_dataset(lay_out(*FILES, lists=lists))
    assert list(dataset.table["fold"]) == ["Site A", "Site A", "Site A", "B"]
    assert "'Site A' = 'site  a'" in told(dataset, "note")[-1]


def test_what_was_skipped_is_named_where_one_class_is_left(lay_out):
    lists = {"l.csv": "path,label\n0.wav,dog\n1.wav,dog\ngone.wav,cat\n"}
    with pytest.raises(DatasetError, match=r"one class, 'dog': 1 skipped; the first problem: gone.wav is missing"):
        read_dataset(lay_out(*FILES, lists=lists))


@pytest.mark.parametrize(("cells", "level"), [("ab", "warning"), ("12", "note")])
def test_a_list_whose_labels_nobody_recognises_is_a_warning(lay_out, told, cells, level):
    rows = "".join(f"{name},{cells[n % 2]}\n" for n, name in enumerate(TestPartOfTheFiles.CLASSES))
    dataset = read_dataset(lay_out(*TestPartOfTheFiles.CLASSES, lists={"l.csv": f"Datei,Klasse\n{rows}"}))
    assert dataset.labels == ["cat", "dog"]
    (sentence,) = told(dataset, level)
    assert "no column for the label; it has: Datei, Klasse" in sentence


def test_a_list_whose_files_are_gone_is_named(lay_out):
    with pytest.raises(DatasetError, match=r"no data set was recognised in .*; the list l.csv was not used: none of"):
        read_dataset(lay_out(lists={"l.csv": "path,label\n/gone/0.wav,a\n/gone/1.wav,b\n"}))


def test_a_group_in_two_spellings_of_unicode_is_one(lay_out):
    """macOS decomposes the letters of names: the recordings of one speaker would stand on both sides of a split."""
    names = ["M\u00fcller", "Mu\u0308ller", "Zoe\u0308", "Zo\u00eb"]
    lines = [f"{n}.wav,{'ab'[n % 2]},{name}" for n, name in enumerate(names)]
    dataset = read_dataset(lay_out(*FILES, lists={"labels.csv": "\n".join(["path,label,group", *lines])}))
    assert list(dataset.table["group"]) == [names[0], names[0], names[3], names[3]]
