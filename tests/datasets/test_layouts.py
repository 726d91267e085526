from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from labcore.datasets import read_dataset, split
from labcore.errors import DatasetError


def rows(dataset, *columns):
    return sorted(zip(*(dataset.table[column] for column in columns), strict=True))


def csv_set(folder: Path, text: str | bytes, files=("a.wav", "b.wav", "c.wav", "d.wav"), name="clips.csv") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, file in enumerate(files):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"different contents %d" % number)
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


# --- UrbanSound8K


@pytest.mark.parametrize("point_at", [".", "audio", "metadata/UrbanSound8K.csv", "..", "metadata"])
def test_urbansound8k(urbansound, point_at):
    dataset = read_dataset(urbansound / point_at)
    assert dataset.layout == "urbansound8k"
    assert dataset.labels == ["car_horn", "dog_bark"]  # by class number
    assert dataset.folds == ["1", "2", "3"]
    assert len(dataset) == 12
    assert dataset.fold_note == "official folds: 1, 2, 3"
    assert set(dataset.table["group"]) == {f"{1000 + 10 * fold + target}" for fold in (1, 2, 3) for target in (1, 3)}
    assert all(Path(path).is_file() for path in dataset.table["path"])


@pytest.mark.parametrize("point_at", [".", "audio", ".."])
def test_urbansound8k_without_its_list(urbansound, point_at):
    with_list = read_dataset(urbansound)
    shutil.rmtree(urbansound / "metadata")
    (urbansound / "audio" / "fold1" / "other.wav").write_bytes(b"x")
    (urbansound / "audio" / "fold1" / ".DS_Store").write_bytes(b"x")
    dataset = read_dataset(urbansound / point_at)
    assert dataset.layout == "urbansound8k"
    assert rows(dataset, "path", "label", "fold", "group") == rows(with_list, "path", "label", "fold", "group")
    assert [Path(problem.path).name for problem in dataset.problems] == ["other.wav"]


def test_urbansound8k_with_a_missing_file(urbansound):
    (urbansound / "audio" / "fold2" / "1023-3-0-0.wav").unlink()
    dataset = read_dataset(urbansound)
    assert len(dataset) == 11
    assert [Path(problem.path).name for problem in dataset.problems] == ["1023-3-0-0.wav"]
    assert "missing" in dataset.problems[0].what


# --- ESC-50


def esc_set(root: Path, ending: str = "wav") -> Path:
    lines = ["filename,fold,target,category,esc10,src_file,take"]
    (root / "audio").mkdir(parents=True)
    for fold in range(1, 6):
        for target, label in ((38, "water_drops"), (0, "dog")):
            source = 100 * fold + target
            for take in "AB":
                name = f"{fold}-{source}-{take}-{target}.{ending}"
                (root / "audio" / name).write_bytes(name.encode())
                lines.append(f"{name},{fold},{target},{label},False,{source},{take}")
    (root / "meta").mkdir()
    (root / "meta" / "esc50.csv").write_text("\n".join(lines))
    return root


@pytest.mark.parametrize("ending", ["wav", "ogg"])
@pytest.mark.parametrize("point_at", [".", "audio", "meta/esc50.csv", "meta", "..", "../.."])
def test_esc50(tmp_path, ending, point_at):
    dataset = read_dataset(esc_set(tmp_path / "in" / "ESC-50-master", ending) / point_at)
    assert dataset.layout == "esc50"
    assert dataset.labels == ["dog", "water_drops"]
    assert dataset.folds == ["1", "2", "3", "4", "5"]
    assert len(dataset) == 20
    assert dataset.table["group"].nunique() == 10


def test_esc10(esc10):
    dataset = read_dataset(esc10)
    assert (dataset.layout, len(dataset), len(dataset.labels)) == ("esc50", 400, 10)
    parts = split(dataset, "1")
    assert (len(parts.train), len(parts.held_out)) == (320, 80)


# --- class folders


def test_class_folders(class_folders):
    for folder in (class_folders, class_folders.parent):
        dataset = read_dataset(folder)
        assert dataset.layout == "folders"
        assert dataset.labels == ["high", "low tones"]
        assert dataset.folds == ["1", "2", "3", "4", "5"]
        assert len(dataset) == dataset.table["group"].nunique() == 12
        assert "drawn" in dataset.fold_note


@pytest.mark.parametrize(
    ("names", "folds"),
    [
        (("train", "val", "test"), ["train", "val", "test"]),
        (("Training", "valid", "TEST"), ["train", "val", "test"]),
        (("train", "dev"), ["train", "val"]),
        (("train", "validation"), ["train", "val"]),
        (("fold1", "fold2", "fold10"), ["1", "2", "10"]),
        (("fold_0", "fold_1"), ["0", "1"]),
    ],
)
def test_class_folders_in_parts(tmp_path, class_folders, names, folds):
    for number, name in enumerate(names):
        for label in ("high", "low tones"):
            target = tmp_path / "parts" / name / label / f"{number}.wav"
            target.parent.mkdir(parents=True)
            shutil.copy(class_folders / label / f"{number}.wav", target)
    dataset = read_dataset(tmp_path / "parts")
    assert dataset.folds == folds
    assert dataset.labels == ["high", "low tones"]
    assert len(dataset) == 2 * len(names)


def test_a_single_part_gets_folds_of_its_own(tmp_path, class_folders):
    shutil.copytree(class_folders, tmp_path / "only" / "train")
    dataset = read_dataset(tmp_path / "only")
    assert dataset.folds == ["1", "2", "3", "4", "5"]
    assert dataset.labels == ["high", "low tones"]


def test_clips_deeper_down_belong_to_the_class_on_top(class_folders):
    (class_folders / "high" / "speaker 7").mkdir()
    (class_folders / "high" / "0.wav").rename(class_folders / "high" / "speaker 7" / "0.wav")
    dataset = read_dataset(class_folders)
    assert dataset.labels == ["high", "low tones"]
    assert len(dataset) == 12


def test_what_is_hidden_or_not_audio_is_passed_over(class_folders):
    for junk in (
        "high/._0.wav",
        ".hidden/a.wav",
        "__MACOSX/high/0.wav",
        "high/.DS_Store",
        "_background_noise_/hum.wav",
    ):
        (class_folders / junk).parent.mkdir(exist_ok=True, parents=True)
        (class_folders / junk).write_bytes(b"junk")
    (class_folders / "high" / "notes.txt").write_text("notes")
    (class_folders / "LICENCE").write_text("licence")
    (class_folders / "high" / "phone.m4a").write_bytes(b"m4a")
    (class_folders / "loose.wav").write_bytes(b"loose")
    dataset = read_dataset(class_folders)
    assert (len(dataset), dataset.passed_over) == (12, 2)
    assert [Path(problem.path).name for problem in dataset.problems] == ["phone.m4a"]
    finding, noise = dataset.findings
    assert (finding.level, finding.files) == ("warning", (str(class_folders / "loose.wav"),))
    assert finding.sentence.startswith("1 file lies outside the class folders")
    assert (noise.level, noise.files) == ("note", (str(class_folders / "_background_noise_" / "hum.wav"),))


def test_a_list_of_something_else_beside_class_folders_is_not_predicted_as_the_clips(class_folders):
    (class_folders / "sources.csv").write_text("file,label,url\nunknown.wav,dog,http\n")
    dataset = read_dataset(class_folders)
    assert dataset.layout == "folders"
    (finding,) = dataset.findings
    assert finding.level == "note"
    assert finding.what == "the list sources.csv was not used: none of its files exists"


def test_links_are_followed_and_loops_are_not(tmp_path, class_folders):
    (class_folders / "low tones" / "again").symlink_to(class_folders, target_is_directory=True)
    (class_folders / "high" / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    (class_folders / "linked").symlink_to(class_folders / "high", target_is_directory=True)
    dataset = read_dataset(class_folders)
    assert "linked" in dataset.labels
    assert [Path(problem.path).name for problem in dataset.problems].count("gone.wav") >= 1
    by_path = dataset.table.set_index("path")["group"]
    same = [by_path[str(class_folders / folder / "0.wav")] for folder in ("high", "linked")]
    assert same[0] == same[1]  # one file under two names


def test_equal_contents_are_one_group_and_stay_in_one_fold(class_folders):
    for number in range(6):
        shutil.copy(class_folders / "high" / "0.wav", class_folders / "high" / f"copy {number}.wav")
    table = read_dataset(class_folders).table
    copies = table[table["path"].str.contains("copy") | table["path"].str.endswith("high/0.wav")]
    assert len(copies) == 7
    assert copies["group"].nunique() == copies["fold"].nunique() == 1


def test_recordings_are_known_by_the_names_of_their_clips(tmp_path):
    for label in ("x", "y"):
        for source in range(4):
            for cut in range(3):
                path = tmp_path / label / f"{source}{ord(label)}-3-0-{cut}.wav"
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(path.name.encode())
    table = read_dataset(tmp_path).table
    assert table["group"].nunique() == 8
    assert (table.groupby("group")["fold"].nunique() == 1).all()


def test_names_in_any_script(tmp_path, tone, write_wav):
    for label in ("犬", "Kükén", "a b  c", "100%"):
        write_wav(tmp_path / "säts" / label / "ñandú – 1.wav", tone(seconds=0.1))
    assert sorted(read_dataset(tmp_path / "säts").labels) == sorted(["犬", "Kükén", "a b  c", "100%"])


def test_numbered_labels_are_sorted_as_numbers(tmp_path, tone, write_wav):
    for label in (10, 9, 2):
        write_wav(tmp_path / str(label) / "x.wav", tone(seconds=0.1))
    assert read_dataset(tmp_path).labels == ["2", "9", "10"]


# --- a CSV file


def test_a_list_with_all_columns(tmp_path):
    text = "path,label,fold,group,start,end\na.wav,dog,1,r1,0,1.5\nb.wav,cat,2,r2,2,\nsub/c.wav,dog,2,r3,,\n"
    path = csv_set(tmp_path, text, ("a.wav", "b.wav", "sub/c.wav"))
    for place in (path, tmp_path):
        dataset = read_dataset(place)
        assert dataset.layout == "csv"
        table = dataset.table
        assert list(table["label"]) == ["dog", "cat", "dog"]
        assert list(table["group"]) == ["r1", "r2", "r3"]
        assert list(table["start_s"]) == [0, 2, 0]
        np.testing.assert_array_equal(table["end_s"], [1.5, np.nan, np.nan])
        assert dataset.folds == ["1", "2"]


@pytest.mark.parametrize(
    "text",
    [
        "path,label\na.wav,dog\nb.wav,cat\n",
        "Path;Label\r\na.wav;dog\r\nb.wav;cat\r\n",
        "filename\tcategory\na.wav\tdog\nb.wav\tcat\n",
        "label|file\ndog|a.wav\ncat|b.wav\n",
        b"\xef\xbb\xbfFILE_NAME,CLASS\na.wav,dog\nb.wav,cat\n",
        "path,label\na.wav,dog\nb.wav,cat\n".encode("utf-16"),
        'path,label,note\n"a.wav","dog","one, two"\n\n"b.wav","cat",""\n',
        "a.wav,dog\nb.wav,cat",
        "path,label\n.\\a.wav,dog\nb, cat \n",
    ],
)
def test_lists_as_people_write_them(tmp_path, text):
    dataset = read_dataset(csv_set(tmp_path, text))
    assert [(Path(p).name, label) for p, label in rows(dataset, "path", "label")] == [
        ("a.wav", "dog"),
        ("b.wav", "cat"),
    ]
    assert not dataset.problems


def test_a_list_beside_its_audio_folder(tmp_path):
    csv_set(tmp_path / "audio", "", ("a.wav", "b.wav"), "unused.txt")
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "labels.csv").write_text("path,label\na.wav,dog\nb.wav,cat\n")
    assert len(read_dataset(tmp_path / "meta" / "labels.csv")) == 2


def test_rows_that_cannot_be_used_are_listed_and_the_rest_works(tmp_path):
    bad = ["b.wav,,,", ",cat,,", "no.wav,cat,,", "c.wav,cat,3,1", "c.wav,cat,x,", "c.wav,cat,-1,", "d.wav,cat,nan,"]
    text = "\n".join(["path,label,start,end", "a.wav,dog,,", *bad, 'd.wav,7,"0,5",'])
    dataset = read_dataset(csv_set(tmp_path, text))
    assert rows(dataset, "label", "start_s") == [("7", 0.5), ("dog", 0.0)]
    assert len(dataset.problems) == 7
    assert all("line" in problem.what for problem in dataset.problems)


@pytest.mark.parametrize(
    ("cells", "folds"),
    [
        ("0 1 2 0", ["0", "1", "2"]),
        ("1.0 2.0 10 2", ["1", "2", "10"]),
        ("training dev Test test", ["train", "val", "test"]),
        ("fold1 fold2 fold3 fold1", ["1", "2", "3"]),
        ("A B C A", ["A", "B", "C"]),
        (f"fold{'9' * 5000} ² 10 2", ["2", "10", f"fold{'9' * 5000}", "²"]),
    ],
)
def test_folds_of_a_list(tmp_path, cells, folds):
    lines = [
        f"{c}.wav,{label},{fold}" for c, label, fold in zip("abcd", ("x", "y", "x", "y"), cells.split(), strict=True)
    ]
    assert read_dataset(csv_set(tmp_path, "path,label,fold\n" + "\n".join(lines))).folds == folds


def test_clips_without_a_fold_are_only_trained_on(tmp_path):
    dataset = read_dataset(csv_set(tmp_path, "path,label,fold\na.wav,x,test\nb.wav,y,test\nc.wav,x,\nd.wav,y,\n"))
    assert dataset.folds == ["train", "test"]
    assert list(split(dataset).train) == [2, 3]
    assert "2 clips without a fold" in dataset.fold_note


def test_parts_of_one_file_stay_together(tmp_path):
    lines = [f"{c}.wav,{'xy'[i % 2]},{i},{i + 1}" for c in "abcd" for i in range(6)]
    table = read_dataset(csv_set(tmp_path, "path,label,start,end\n" + "\n".join(lines))).table
    assert (table.groupby("path")["fold"].nunique() == 1).all()
    assert table["group"].nunique() == 4


def test_a_data_set_that_cannot_be_written_to_is_not_written_to(class_folders):
    before = {path: path.stat().st_mtime_ns for path in class_folders.rglob("*")}
    read_dataset(class_folders)
    assert {path: path.stat().st_mtime_ns for path in class_folders.rglob("*")} == before


def test_thousands_of_clips(tmp_path):
    for label in range(20):
        (tmp_path / f"class {label}").mkdir()
        for clip in range(150):
            (tmp_path / f"class {label}" / f"{clip}.wav").write_bytes(b"%d %d" % (label, clip))
    dataset = read_dataset(tmp_path)
    assert len(dataset) == 3000
    sizes = dataset.table.groupby(["label", "fold"]).size()
    assert sizes.min() == sizes.max() == 30


# --- what is none


def test_what_is_no_data_set(tmp_path, class_folders, tone, write_wav):
    clip = write_wav(tmp_path / "flat" / "a.wav", tone())
    two = tmp_path / "two"
    shutil.copytree(class_folders, two / "one")
    csv_set(two / "another", "path,label\na.wav,x\nb.wav,y\n")
    esc_set(two / "third")
    (tmp_path / "nothing").mkdir()
    shutil.copytree(class_folders / "high", tmp_path / "one class" / "high")
    write_wav(tmp_path / "flat parts" / "train" / "a.wav", tone())
    write_wav(tmp_path / "flat parts" / "test" / "a.wav", tone())
    cases = {
        tmp_path / "no such": "there is no data set",
        clip: "single clip",
        clip.parent: "1 audio file, but no labels for it",
        tmp_path / "nothing": "no data set was recognised",
        two: "data sets",
        tmp_path / "one class": "one class, 'high'",
        tmp_path / "flat parts": "no class folders",
        csv_set(tmp_path / "l1", "name,kind\na.wav,x\n"): "no column for the label",
        csv_set(tmp_path / "l6", "title,kind\na,x\n"): "no columns for path and label",
        csv_set(tmp_path / "l2", ""): "is empty",
        csv_set(tmp_path / "l3", "path,label\n"): "has no clips",
        csv_set(tmp_path / "l4", "path,label\nno.wav,x\n"): "no.wav is missing",
        csv_set(tmp_path / "l5", "path,label\na.wav,x\nb.wav,x\n"): "one class, 'x'",
    }
    for path, message in cases.items():
        with pytest.raises(DatasetError, match=message) as caught:
            read_dataset(path)
        assert caught.value.remedy
