"""What a visitor tries to read of the machine: by lists, links, references and pinned files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from labcore.audio import content_of, decode, encode_wav, probe
from labcore.config.presets import preset
from labcore.datasets import find_dataset, list_datasets, open_store, register
from labcore.datasets.registry import place_of
from labcore.errors import AudioError, DatasetError, LabError
from labcore.runs import Run
from labcore.workspace import Workspace

TONE = encode_wav(np.sin(np.arange(1600) / 3).astype(np.float32) / 2, 8000)
OUTSIDE = encode_wav(np.sin(np.arange(2400) / 5).astype(np.float32) / 3, 16000)
KEY = b"the key of the lab: do not read"


class Machine:
    """A lab that others reach, in a folder: ``data`` may be opened, ``secret`` may not.

    Attributes:
        there: what visitors want is there. Otherwise nothing is, and everything has to look the same.
    """

    def __init__(self, folder: Path, there: bool) -> None:
        self.folder, self.there = folder, there
        self.data, self.secret, self.home = folder / "data", folder / "secret", folder / "home"
        for label in ("cat", "dog"):
            for number in range(3):
                self.write(self.data / "set" / label / f"{number}.wav", encode_wav(_tone(number + len(label)), 8000))
        if there:
            self.write(self.secret / "voice.wav", OUTSIDE)
            self.write(self.secret / "passwd", b"root:x:0:0")
            self.write(self.secret / "list.csv", b"path,label\nvoice.wav,hidden\n")
            self.write(self.home / ".access-key", KEY)
        self.secret.mkdir(exist_ok=True)

    @staticmethod
    def write(path: Path, content: bytes) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def list(self, name: str, cells: list[str], head: str = "path,label") -> Path:
        """A list in the data: six clips that may be heard, and what is asked for."""
        rows = [f"set/{label}/{number}.wav,{label}" for label in ("cat", "dog") for number in range(3)]
        return self.write(self.data / name, "\n".join([head, *rows, *(f"{cell},hidden" for cell in cells)]).encode())


def _tone(number: int) -> np.ndarray:
    return np.sin(np.arange(1600 + number) / (3 + number)).astype(np.float32) / 2


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], Machine]:
    """Makes the machine with or without what is wanted, at one and the same place."""

    def made(there: bool) -> Machine:
        root = tmp_path / "machine"
        if root.exists():
            root.rename(tmp_path / f"before-{there}")
        monkeypatch.setenv("LABCORE_HOME", str(root / "home"))
        monkeypatch.setenv("LABCORE_DATA_ROOTS", str(root / "data"))
        monkeypatch.setenv("HOME", str(root / "secret"))
        return Machine(root, there)

    return made


def absolute(machine: Machine) -> Path:
    return machine.list("list.csv", [f"{machine.secret}/{name}" for name in ("voice.wav", "passwd", "voice")])


def upwards(machine: Machine) -> Path:
    return machine.list("list.csv", ["../secret/voice.wav", "set/../../secret/passwd", "./.././secret/./voice.wav"])


def as_windows_writes(machine: Machine) -> Path:
    return machine.list("list.csv", ["..\\secret\\voice.wav", str(machine.secret / "passwd").replace("/", "\\")])


def as_an_address(machine: Machine) -> Path:
    return machine.list("list.csv", [f"file://{machine.secret}/voice.wav", f"file:{machine.secret}/%70asswd"])


def from_home(machine: Machine) -> Path:
    return machine.list("list.csv", ["~/voice.wav", "~/passwd", "'~/voice.wav'"])


def of_the_system(machine: Machine) -> Path:
    wanted = (
        "/etc/passwd",
        "/proc/self/environ",
        "/proc/self/cwd/voice.wav",
        "/proc/self/root/etc/passwd",
        "/dev/stdin",
    )
    return machine.list("list.csv", list(wanted))


def the_key(machine: Machine) -> Path:
    return machine.list("list.csv", [str(machine.home / ".access-key"), "../home/.access-key"])


def commented(machine: Machine) -> Path:
    list_ = machine.list("list.csv", [])
    return machine.write(list_, f"#{machine.secret}/voice.wav,x\n".encode() + list_.read_bytes())


def in_samples(machine: Machine) -> Path:
    rows = "".join(f"set/{label}/{number}.wav,{label},0,800\n" for label in ("cat", "dog") for number in range(3))
    content = f"path,label,start_sample,end_sample\n{rows}{machine.secret}/voice.wav,hidden,0,800\n"
    return machine.write(machine.data / "list.csv", content.encode())


def link_to_a_file(machine: Machine) -> Path:
    (machine.data / "set" / "dog" / "9.wav").symlink_to(machine.secret / "voice.wav")
    return machine.data / "set"


def link_that_a_list_names(machine: Machine) -> Path:
    (machine.data / "9.wav").symlink_to(machine.secret / "voice.wav")
    return machine.list("list.csv", ["9.wav"])


def link_to_a_folder(machine: Machine) -> Path:
    (machine.data / "set" / "hidden").symlink_to(machine.secret)
    return machine.data / "set"


def link_in_a_chain(machine: Machine) -> Path:
    (machine.data / "one").symlink_to(machine.data / "two")
    (machine.data / "two").symlink_to(machine.secret)
    return machine.list("list.csv", ["one/voice.wav", "two/voice.wav"])


def link_to_a_list(machine: Machine) -> Path:
    (machine.data / "set" / "train.csv").symlink_to(machine.secret / "list.csv")
    (machine.data / "set" / "validation_list.txt").symlink_to(machine.secret / "passwd")
    return machine.data / "set"


def link_for_audio(machine: Machine) -> Path:
    (machine.data / "set" / "audio").symlink_to(machine.secret)
    return machine.data / "set"


def urbansound(machine: Machine) -> Path:
    rows = "".join(f"{n}.wav,{n % 2 + 1},{n % 2},{'cat' if n % 2 else 'dog'}\n" for n in range(6))
    for number in range(6):
        machine.write(machine.data / "us" / "audio" / f"fold{number % 2 + 1}" / f"{number}.wav", TONE)
    head = "slice_file_name,fold,classID,class\n"
    hidden = "../../../../secret/voice.wav,1,0,dog\n" + f"{machine.secret}/passwd,1,1,cat\n"
    machine.write(machine.data / "us" / "metadata" / "UrbanSound8K.csv", f"{head}{rows}{hidden}".encode())
    return machine.data / "us"


def esc50(machine: Machine) -> Path:
    rows = "".join(f"{n}.wav,{n % 2 + 1},{n % 2},{'cat' if n % 2 else 'dog'}\n" for n in range(6))
    for number in range(6):
        machine.write(machine.data / "esc" / "audio" / f"{number}.wav", TONE)
    hidden = f"../../../secret/voice.wav,1,0,dog\n{machine.secret}/voice.wav,2,1,cat\n"
    content = f"filename,fold,target,category\n{rows}{hidden}"
    machine.write(machine.data / "esc" / "meta" / "esc50.csv", content.encode())
    return machine.data / "esc"


WAYS = [
    absolute, upwards, as_windows_writes, as_an_address, from_home, of_the_system, the_key, commented, in_samples, link_to_a_file,
    link_that_a_list_names, link_to_a_folder, link_in_a_chain, link_to_a_list, link_for_audio, urbansound, esc50,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_no_way_leads_out_and_none_tells_what_is_there(machines, way):
    said = []
    for there in (True, False):
        machine = machines(there)
        path = way(machine)
        workspace = Workspace.default()
        told: list[str] = []
        try:
            info = register(workspace, path, "mine")
            table = find_dataset(workspace, "mine")
            told += (
                info.warnings + [f"{p.path} {p.what}" for p in table.problems] + [f.sentence for f in table.findings]
            )
            told += [str(list_datasets(workspace))]
            for clip in table.table["path"]:
                assert Path(os.path.realpath(clip)).is_relative_to(machine.data)
            assert set(table.labels) <= {"cat", "dog"}
            store = open_store(workspace, table, 8000)
            assert max(store.seconds) < 0.22
        except LabError as error:
            told.append(str(error))
        said.append(told)
        assert "root:x" not in str(told)
    assert said[0] == said[1]


@pytest.mark.parametrize("kind", ["registered", "restored", "linked"])
def test_a_known_name_leads_nowhere_else(machines, kind):
    said = []
    for there in (True, False):
        machine = machines(there)
        workspace = Workspace.default()
        for label in ("cat", "dog") if there else ():
            machine.write(machine.secret / "set" / label / "a.wav", TONE)
        if kind == "linked":
            (workspace.datasets / "mine").symlink_to(machine.secret / "set")
        else:
            where = machine.secret / "set" if kind == "restored" else machine.data / ".." / "secret" / "set"
            machine.write(workspace.datasets / "mine.json", json.dumps({"path": str(where)}).encode())
        with pytest.raises(LabError) as error:
            find_dataset(workspace, "mine")
        said.append(str(error.value))
        assert [bool(info.error) for info in list_datasets(workspace) if info.name == "mine"] == [True]
        said[-1] += str(list_datasets(workspace)[0].error)
    assert said[0] == said[1]
    assert "outside the folders" in said[0]


@pytest.mark.parametrize(
    "place",
    [
        "",
        "runs",
        "runs/a/pinned/list.csv",
        "runs/a/pinned/sound.wav",
        ".access-key",
        "cache/list.csv",
        "datasets/../runs",
    ],
)
def test_the_rest_of_the_workspace_is_no_data_set(machines, place):
    machine = machines(True)
    workspace = Workspace.default()
    row = f"../../../../../{machine.secret}/voice.wav,hidden\n".encode()
    for name in ("runs/a/pinned/list.csv", "cache/list.csv"):
        machine.write(workspace.home / name, b"path,label\n" + row)
    machine.write(workspace.home / "runs/a/pinned/sound.wav", TONE)
    for ask in (find_dataset, register):
        with pytest.raises(LabError, match="outside the folders"):
            ask(workspace, str(workspace.home / place))
    assert place_of(workspace, "nothing").name == "nothing"


@pytest.mark.parametrize("read", [decode, probe, content_of], ids=lambda read: read.__name__)
@pytest.mark.parametrize("name", ["voice.wav", "passwd", ".", "missing", "link", "linked/voice.wav", "fifo"])
def test_what_lies_outside_is_not_there_when_it_is_opened(machines, read, name):
    """Also where a table names it, whoever made that: a list that changed since, or a clip that became a link."""
    said = []
    for there in (True, False):
        machine = machines(there)
        if there:
            os.mkfifo(machine.secret / "fifo")
        (machine.data / "link").symlink_to(machine.secret / "voice.wav")
        (machine.data / "linked").symlink_to(machine.secret)
        path = machine.data / name if "link" in name else machine.secret / name
        with pytest.raises(AudioError) as error:
            read(path)
        said.append(str(error.value))
    assert said[0] == said[1]
    assert "does not exist" in said[0]


def test_a_clip_that_becomes_a_link_is_not_followed(machines):
    machine = machines(True)
    workspace = Workspace.default()
    table = find_dataset(workspace, str(machine.data / "set"))
    clip = Path(table.table["path"][0])
    assert len(decode(clip)[0])
    clip.unlink()
    clip.symlink_to(machine.secret / "voice.wav")
    with pytest.raises(AudioError, match="does not exist"):
        decode(clip)
    assert str(clip) in [problem.path for problem in open_store(workspace, table, 8000).problems]


POLYGLOTS = [
    "list.csv",
    "list.tsv",
    "a.txt",
    "meta/esc50.csv",
    "..\\list.csv",
    "validation_list.txt",
    "x.csv\0.wav",
    ".csv",
    "list.wav.csv",
]


@pytest.mark.parametrize("name", POLYGLOTS, ids=repr)
def test_what_visitors_pin_is_no_list(machines, name):
    """A WAV that is also a CSV: its samples, or a chunk behind them, are rows."""
    from ui.train import tracked_clips

    machine = machines(True)
    rows = b"\npath,label\n/etc/passwd,a\n/proc/self/environ,b\n"
    content = TONE + b"LIST" + len(rows).to_bytes(4, "little") + rows
    run = Run.create(Workspace(machine.home), preset("quick"))
    kept = tracked_clips.pin(run, name, content)
    assert kept.parent == run.pinned
    assert kept.suffix == ".wav"
    assert rows not in kept.read_bytes()
    assert len(decode(kept)[0]) == 1600
    for path in (kept, kept.parent, run.path):
        with pytest.raises(LabError):
            find_dataset(Workspace(machine.home), str(path))
    copied = machine.write(machine.data / "copied" / kept.name, kept.read_bytes())
    with pytest.raises(DatasetError):
        find_dataset(Workspace(machine.home), str(copied))


def test_a_browser_gets_sounds_that_the_lab_encoded_and_no_bytes_of_files(tmp_path):
    from labcore.datasets.rows import Row
    from ui.datasets import listen
    from ui.train import tracked_clips

    note = b"what else stands in the file"
    file = tmp_path / "tone.wav"
    file.write_bytes(TONE + b"LIST" + len(note).to_bytes(4, "little") + note)
    for played in (
        tracked_clips._played(str(file), 0),
        listen._sound(Row(str(file), "tone", 0.0, None)),
        tracked_clips.prepared("a", file.read_bytes()),
    ):
        assert played[:4] == b"RIFF"
        assert note not in played
        assert len(decode(played)[0]) == 1600


def test_no_page_reads_a_file_to_hand_it_on():
    root = Path(__file__).parents[2]
    allowed = {
        "ui/auth/pages.py",
        "ui/train/tracked_clips.py",
    }  # the logo; a comparison of what is pinned with what is to be
    pages = [file for folder in ("ui", "pages") for file in (root / folder).rglob("*.py")]
    assert {str(file.relative_to(root)) for file in pages if "read_bytes(" in file.read_text()} == allowed
