"""Small data sets of every layout, as files by their paths, and the habits that real ones have."""

from __future__ import annotations

import csv as csv_rows
import io
import json
import random
import tarfile
import wave
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Files = dict[str, bytes]


def wav(seed: object, seconds: float = 0.02) -> bytes:
    """A WAV file of noise; another seed gives other contents."""
    drawn, out = random.Random(str(seed)), io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(drawn.randbytes(2 * round(8000 * seconds)))
    return out.getvalue()


def sounds(*paths: str) -> Files:
    """A sound of its own at each path."""
    return {path: wav(path) for path in paths}


def sheet(*lines: str) -> bytes:
    return ("\n".join(lines) + "\n").encode()


@dataclass(frozen=True)
class Made:
    """A data set, and what it is read as: the names of clips are those of their files."""

    files: Files
    labels: list[str]
    folds: list[str]
    clips: int
    groups: dict[str, str] = field(default_factory=dict)


def urbansound8k() -> Made:
    names = [f"{source}-{target}-0-{cut}.wav" for source, target in ((101, 3), (102, 1)) for cut in (0, 1)]
    lines = [
        f"{name},{name[:3]},{1 + (name[:3] == '102')},{name[4]},{'dog_bark' if name[4] == '3' else 'car_horn'}"
        for name in names
    ]
    audio = sounds(*(f"audio/fold{1 + (name[:3] == '102')}/{name}" for name in names))
    table = sheet("slice_file_name,fsID,fold,classID,class", *lines)
    files = audio | {"metadata/UrbanSound8K.csv": table}
    return Made(files, ["car_horn", "dog_bark"], ["1", "2"], 4, {names[0]: "101", names[3]: "102"})


def esc50() -> Made:
    names = [f"{fold}-{fold}0{target}-A-{target}.wav" for fold in (1, 2) for target in (0, 5)]
    lines = [f"{name},{name[0]},{name[-5]},{'dog' if name[-5] == '0' else 'cat'},{name[2:5]}" for name in names]
    table = sheet("filename,fold,target,category,src_file", *lines)
    files = sounds(*(f"audio/{name}" for name in names)) | {"meta/esc50.csv": table}
    return Made(files, ["dog", "cat"], ["1", "2"], 4, {names[0]: "100"})


def speech_commands() -> Made:
    names = [
        f"{word}/{speaker}_nohash_{take}.wav"
        for word in ("yes", "no")
        for speaker in ("a1b2", "c3d4", "e5f6")
        for take in "01"
    ]
    lists = {
        "validation_list.txt": sheet(*(name for name in names if "c3d4" in name)),
        "testing_list.txt": sheet(*(name for name in names if "e5f6" in name)),
    }
    files = sounds(*names, "_background_noise_/white_noise.wav") | lists
    return Made(files, ["no", "yes"], ["train", "val", "test"], 12, {"a1b2_nohash_0.wav": "a1b2"})


def gtzan() -> Made:
    names = [f"{genre}/{genre}.{number:05}.wav" for genre in ("blues", "rock") for number in range(3)]
    table = sheet(
        "filename,length,label", *(f"{name.partition('/')[2]},661794,{name.partition('/')[0]}" for name in names)
    )
    files = sounds(*(f"genres_original/{name}" for name in names))
    files |= {"features_30_sec.csv": table, "images_original/blues/blues00000.png": b"\x89PNG"}
    return Made(files, ["blues", "rock"], ["1", "2", "3", "4", "5"], 6)


def fsd50k() -> Made:
    dev = ['11,"Bark,Dog,Animal","/m/1,/m/2,/m/3",train', '12,"Rain,Water","/m/4,/m/5",val', "13,Rain,/m/4,train"]
    lists = {
        "FSD50K.ground_truth/dev.csv": sheet("fname,labels,mids,split", *dev),
        "FSD50K.ground_truth/eval.csv": sheet("fname,labels,mids", '21,"Bark,Dog,Animal","/m/1,/m/2,/m/3"'),
        "FSD50K.ground_truth/vocabulary.csv": sheet("0,Animal,/m/3", "1,Bark,/m/1"),
        "FSD50K.metadata/dev_clips_info_FSD50K.json": json.dumps(
            {"11": {"uploader": "ada"}, "13": {"uploader": "ada"}}
        ).encode(),
    }
    audio = sounds(*(f"FSD50K.dev_audio/{number}.wav" for number in (11, 12, 13)), "FSD50K.eval_audio/21.wav")
    groups = {"11.wav": "uploader ada", "13.wav": "uploader ada", "12.wav": "12"}
    return Made(lists | audio, ["Animal", "Bark", "Dog", "Rain", "Water"], ["train", "val", "test"], 4, groups)


def audioset() -> Made:
    head = (
        "# Segments csv created Sun Mar  5 10:54:25 2017",
        "# num_ytids=2",
        "# YTID, start_seconds, end_seconds, positive_labels",
    )
    lists = {
        "balanced_train_segments.csv": sheet(
            *head, '--4gqARaEJE, 0.000, 10.000, "/m/01,/m/02"', 'YaaaaBBBB_1, 30.000, 40.000, "/m/02"'
        ),
        "eval_segments.csv": sheet(*head, '0a-bCdEfGhI, 5.000, 15.000, "/m/01"'),
        "class_labels_indices.csv": sheet("index,mid,display_name", '0,/m/01,"Dog, barking"', "1,/m/02,Rain"),
    }
    audio = sounds(
        "audio/train/Y--4gqARaEJE.wav",
        "audio/train/YaaaaBBBB_1_30.000_40.000.wav",
        "audio/eval/0a-bCdEfGhI_5000_15000.wav",
    )
    groups = {"Y--4gqARaEJE.wav": "--4gqARaEJE", "YaaaaBBBB_1_30.000_40.000.wav": "YaaaaBBBB_1"}
    return Made(lists | audio, ["Dog, barking", "Rain"], ["train", "test"], 3, groups)


def birdclef() -> Made:
    rows = [
        "abethr1,\"['gre']\",Ada,abethr1/XC1.ogg",
        "abethr1,[],Ada,abethr1/XC2.ogg",
        "barswa,[],Ada,barswa/XC3.ogg",
        "barswa,[],Bob,barswa/XC4.ogg",
    ]
    audio = sounds(*(f"train_audio/{row.rpartition(',')[2]}" for row in rows), "test_soundscapes/one.ogg")
    files = audio | {"train_metadata.csv": sheet("primary_label,secondary_labels,author,filename", *rows)}
    return Made(files, ["abethr1", "barswa"], ["1", "2"], 4, {"XC1.ogg": "author Ada", "XC4.ogg": "author Bob"})


def audiofolder() -> Made:
    rows = [
        {"file_name": f"a/{number}.wav", "label": label, "path": f"/old/{number}.wav"}
        for number, label in enumerate(("dog", "cat", "dog"))
    ]
    lines = sheet(*(json.dumps(row) for row in rows))
    tests = sheet("file_name,label", "3.wav,cat")
    audio = sounds(*(f"data/train/a/{number}.wav" for number in range(3)), "data/test/3.wav")
    files = audio | {"data/train/metadata.jsonl": lines, "data/test/metadata.csv": tests}
    return Made(files, ["cat", "dog"], ["train", "test"], 4)


def fsdd() -> Made:
    names = [
        f"{digit}_{speaker}_{take}.wav" for digit in (0, 7) for speaker in ("jackson", "nicolas") for take in (0, 12)
    ]
    files = sounds(*(f"recordings/{name}" for name in names)) | {"metadata.py": b"x", "README.md": b"x"}
    return Made(files, ["0", "7"], ["1", "2"], 8, {"0_jackson_0.wav": "jackson"})


def audiomnist() -> Made:
    names = [
        f"{speaker}/{digit}_{speaker}_{take}.wav"
        for speaker in ("01", "02", "60")
        for digit in (3, 9)
        for take in (0, 49)
    ]
    files = sounds(*(f"data/{name}" for name in names)) | {"data/audioMNIST_meta.txt": b"{}"}
    return Made(files, ["3", "9"], ["1", "2", "3"], 12, {"3_60_49.wav": "60"})


def ravdess() -> Made:
    names = [
        f"Actor_{actor:02}/03-01-0{emotion}-01-02-01-{actor:02}.wav" for actor in (1, 12, 24) for emotion in (1, 5, 8)
    ]
    return Made(
        sounds(*names), ["neutral", "angry", "surprised"], ["1", "2", "3"], 9, {"03-01-05-01-02-01-12.wav": "Actor_12"}
    )


def crema_d() -> Made:
    names = [f"{actor}_DFA_{emotion}_XX.wav" for actor in (1001, 1002) for emotion in ("ANG", "SAD")]
    files = sounds(*(f"AudioWAV/{name}" for name in names)) | {
        "VideoDemographics.csv": sheet("ActorID,Age,Sex", "1001,51,Male")
    }
    return Made(files, ["anger", "sad"], ["1", "2"], 4, {"1001_DFA_ANG_XX.wav": "1001"})


def tess() -> Made:
    names = [
        f"{who}_{how}/{who}_{word}_{code}.wav"
        for who in ("OAF", "YAF")
        for how, code in (("angry", "angry"), ("Pleasant_surprise", "ps"))
        for word in ("back", "bar")
    ]
    return Made(
        sounds(*names),
        ["angry", "pleasant_surprise"],
        ["1", "2"],
        8,
        {"OAF_bar_ps.wav": "older woman", "YAF_back_angry.wav": "younger woman"},
    )


def csv() -> Made:
    files = sounds("a/1.wav", "a/2.wav", "b/3.wav") | {
        "clips.csv": sheet("path,label,fold", "a/1.wav,dog,1", "a/2.wav,cat,2", "b/3.wav,dog,2")
    }
    return Made(files, ["cat", "dog"], ["1", "2"], 3)


def folders() -> Made:
    return Made(
        sounds(*(f"{label}/{number}.wav" for label in ("dog", "cat") for number in range(3))),
        ["cat", "dog"],
        list("12345"),
        6,
    )


def annotations() -> Made:
    """Recordings with a label track each, of two labels."""
    names = ("night", "dawn")
    tracks = {f"{name}.txt": sheet("0.1\t0.2\towl", "1.6\t1.7\tfox") for name in names}
    return Made({f"{name}.wav": wav(name, 2.0) for name in names} | tracks, ["fox", "owl"], ["1", "2"], 4)


def machines() -> Made:
    kinds = [("id_00", "normal", 3), ("id_00", "abnormal", 1), ("id_02", "normal", 2), ("id_02", "abnormal", 1)]
    names = [f"{machine}/{kind}/{machine}_{kind}_{n}.wav" for machine, kind, many in kinds for n in range(many)]
    return Made(sounds(*names), ["abnormal", "normal"], ["1", "2"], 7, {"id_02_abnormal_0.wav": "id_02"})


EVERY: dict[str, Callable[[], Made]] = {
    each.__name__: each
    for each in (
        *(urbansound8k, esc50, speech_commands, gtzan, fsd50k, audioset, birdclef, audiofolder),
        *(annotations, csv, fsdd, audiomnist, ravdess, crema_d, tess, machines, folders),
    )
}
"""Layout → what makes a small data set of it."""


def laid_out(root: Path, files: Mapping[str, bytes]) -> Path:
    """The files in a folder."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def with_junk(files: Files) -> Files:
    """With what operating systems leave among files."""
    junk: Files = {".DS_Store": b"\0\0\0\1Bud1", "Thumbs.db": b"\xd0\xcf\x11\xe0", "desktop.ini": b"[x]"}
    for name in files:
        folder, _, file = name.rpartition("/")
        junk[f"__MACOSX/{folder}/._{file}".replace("//", "/")] = b"Mac OS X"
        junk[f"{folder}/._{file}".lstrip("/")] = b"\0\5\x16\7"
        junk[f"{folder}/.DS_Store".lstrip("/")] = b"Bud1"
        junk[f"{folder}/Thumbs.db".lstrip("/")] = b"x"
    return files | junk


def from_windows(files: Files) -> Files:
    """Lists with a mark of their byte order, semicolons, lines and paths as Windows has them and blanks behind cells; sounds with endings
    in upper case."""

    def text(name: str, content: bytes) -> bytes:
        lines = content.decode().replace("/XC", "\\XC").replace("a/", "a\\").splitlines()
        if name.endswith("_list.txt"):
            lines = [f"{line.replace('/', chr(92))}  " for line in lines]
        elif name.endswith(".csv"):
            rows = csv_rows.reader(lines, skipinitialspace=True)
            lines = [
                ";".join(f'"{cell} "' if ";" in cell or "," in cell else f"{cell} " for cell in row) for row in rows
            ]
        return b"\xef\xbb\xbf" + "".join(f"{line}\r\n" for line in lines).encode()

    def named(name: str) -> str:
        stem, dot, ending = name.rpartition(".")
        return f"{stem}{dot}{ending.upper()}" if ending in ("wav", "ogg") else name

    lists = {
        name: text(name, files[name])
        for name in files
        if name.endswith((".csv", ".txt")) and not name.endswith("meta.txt")
    }
    return {named(name): lists.get(name, content) for name, content in files.items()}


def zipped(path: Path, files: Mapping[str, bytes], **changes: object) -> Path:
    """The files in a zip archive, in their order."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for fact, value in changes.items():
                setattr(info, fact, value)
            archive.writestr(info, content)
    return path


def tarred(path: Path, files: Mapping[str, bytes], **changes: object) -> Path:
    """The files in a tar archive, in their order; compressed where its name says so."""
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for fact, value in changes.items():
                setattr(info, fact, value)
            archive.addfile(info, io.BytesIO(content))
    return path


def each_file(folder: Path) -> Iterator[str]:
    """The files below a folder, as paths from there."""
    return (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())
