from __future__ import annotations

import io
import os
import resource
import shutil
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from labcore.audio import blocks, decode
from labcore.datasets import find_dataset, open_store, read_dataset, store_writing
from labcore.errors import DatasetError, WorkspaceError


def stores(workspace) -> list[str]:
    folder = workspace.cache / "clips"
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock") if folder.exists() else []


def test_a_store_holds_every_clip_at_its_rate_in_order(workspace, class_folders):
    dataset = read_dataset(class_folders)
    seen = []
    store = open_store(workspace, dataset, 8000, lambda done, total: seen.append((done, total)))
    assert seen == [(i, 12) for i in range(1, 13)]
    assert len(store) == 12
    assert store.sample_rate == 8000
    assert store.samples.dtype == np.int16
    assert store.offsets.shape == (13,)
    assert list(store.lengths) == [2000] * 12
    assert list(store.seconds) == [0.25] * 12
    for i, path in enumerate(store.table["path"]):
        np.testing.assert_allclose(store.waveform(i), decode(path, 8000)[0], atol=1 / 32767)
    assert list(store.table["label"]) == list(dataset.table["label"])
    store.samples[0] = 7  # copy on write: a slip does not reach the file
    assert open_store(workspace, dataset, 8000).samples[0] != 7


def test_a_second_run_decodes_nothing(workspace, class_folders, monkeypatch):
    dataset = read_dataset(class_folders)
    first = open_store(workspace, dataset, 8000)
    monkeypatch.setattr(store_writing, "Recording", None)
    second = open_store(workspace, dataset, 8000, lambda *_: pytest.fail("built again"))
    np.testing.assert_array_equal(first.samples, second.samples)


def test_labels_and_folds_may_change_without_a_new_store(workspace, class_folders, monkeypatch):
    dataset = read_dataset(class_folders)
    open_store(workspace, dataset, 8000)
    monkeypatch.setattr(store_writing, "Recording", None)
    other = replace(dataset, table=dataset.table.assign(label="new", fold="9"))
    assert set(open_store(workspace, other, 8000).table["label"]) == {"new"}


def test_what_went_in_decides(workspace, class_folders, tone, write_wav):
    dataset = read_dataset(class_folders)
    before = open_store(workspace, dataset, 8000)
    open_store(workspace, dataset, 16000)
    assert len(stores(workspace)) == 2
    changed = Path(dataset.table["path"].iat[0])
    write_wav(changed, tone(555, 0.5))
    after = open_store(workspace, read_dataset(class_folders), 8000)
    assert after.lengths[0] == 4000
    assert len(stores(workspace)) == 2  # the one from before the change is gone
    assert before.lengths[0] == 2000  # but whoever had it open still has
    assert before.samples[:2000].any()
    part = replace(dataset, table=dataset.table.assign(start_s=0.1, end_s=0.2))
    assert list(open_store(workspace, part, 8000).lengths) == [800] * 12


def test_unreadable_clips_are_listed_and_left_out(workspace, class_folders):
    (class_folders / "high" / "2.wav").write_bytes(b"")
    (class_folders / "low tones" / "3.wav").write_text("not audio at all\n" * 9)
    (class_folders / "high" / "phone.m4a").write_bytes(b"m4a")
    dataset = read_dataset(class_folders)
    for _ in range(2):  # built, then opened
        store = open_store(workspace, dataset, 8000)
        assert len(store) == len(store.table) == 10
        assert list(store.table.index) == list(range(10))
        problems = {Path(problem.path).name: problem.what for problem in store.problems}
        assert set(problems) == {"2.wav", "3.wav", "phone.m4a"}
        assert problems["2.wav"] == "is empty: 0 bytes"
        for i, path in enumerate(store.table["path"]):
            assert len(store.waveform(i)) == 2000
            assert Path(path).name not in ("2.wav" if "high" in path else "3.wav")


def test_clips_of_many_lengths_and_levels(workspace, tmp_path, noise, write_wav):
    for i in range(40):
        write_wav(tmp_path / "set" / "ab"[i % 2] / f"{i}.wav", (i + 1) * noise(0.01 * (i + 1), seed=i), 16000, "FLOAT")
    store = open_store(workspace, read_dataset(tmp_path / "set"), 16000)
    for i, path in enumerate(store.table["path"]):
        wanted, _ = decode(path)
        np.testing.assert_allclose(store.waveform(i), wanted, atol=max(1, np.abs(wanted).max()) / 32767)


def test_few_clips_wait_where_they_are_large(workspace, class_folders, monkeypatch):
    monkeypatch.setattr(store_writing, "AHEAD_BYTES", 1)
    monkeypatch.setattr(store_writing, "FLUSH_BYTES", 1)
    assert len(open_store(workspace, read_dataset(class_folders), 8000)) == 12


def test_nothing_readable(workspace, class_folders):
    for path in class_folders.rglob("*.wav"):
        path.write_bytes(b"")
    with pytest.raises(DatasetError, match="none of the 12 clips"):
        open_store(workspace, read_dataset(class_folders), 8000)
    assert stores(workspace) == []


def test_an_interrupted_build_leaves_nothing(workspace, class_folders):
    dataset = read_dataset(class_folders)

    def interrupt(done: int, _: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_store(workspace, dataset, 8000, interrupt)
    assert stores(workspace) == []
    assert len(open_store(workspace, dataset, 8000)) == 12


def test_a_full_disk_is_told_as_such(workspace, class_folders):
    dataset = read_dataset(class_folders)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(WorkspaceError, match="clip store") as caught:
            open_store(workspace, dataset, 8000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "MB" in caught.value.remedy
    assert stores(workspace) == []


def saved(**arrays: object) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def changed(folder: Path, **changes: object) -> None:
    """An index with other arrays, whole as a file."""
    with np.load(folder / "index.npz") as index:
        known = dict(index)
    (folder / "index.npz").write_bytes(saved(**{name: change(known[name]) for name, change in changes.items()}, **{
        name: array for name, array in known.items() if name not in changes
    }))  # fmt: skip


def flipped(folder: Path) -> None:
    content = bytearray((folder / "index.npz").read_bytes())
    content[200] ^= 1
    (folder / "index.npz").write_bytes(content)


def bomb(folder: Path) -> None:
    with zipfile.ZipFile(folder / "index.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("offsets.npy", saved(a=np.zeros(10**6)))


DAMAGE = {
    "short samples": lambda folder: os.truncate(folder / "samples.i16", 100),
    "no meta": lambda folder: (folder / "meta.json").unlink(),
    "garbled meta": lambda folder: (folder / "meta.json").write_text("{"),
    "deep meta": lambda folder: (folder / "meta.json").write_text("[" * 100_000),
    "a list as meta": lambda folder: (folder / "meta.json").write_text("[1]"),
    "meta of bytes": lambda folder: (folder / "meta.json").write_bytes(b"\xff\xfe"),
    "meta without problems": lambda folder: (folder / "meta.json").write_text('{"format": 2}'),
    "problems beyond": lambda folder: (folder / "meta.json").write_text(
        '{"format": 2, "problems": [[99, "x"]], "notes": []}'
    ),
    "problems of text": lambda folder: (folder / "meta.json").write_text('{"format": 2, "problems": "x", "notes": []}'),
    "no index": lambda folder: (folder / "index.npz").unlink(),
    "garbled index": lambda folder: (folder / "index.npz").write_bytes(b"PK garbled"),
    "empty index": lambda folder: (folder / "index.npz").write_bytes(b""),
    "a zip of nothing": lambda folder: (folder / "index.npz").write_bytes(b"PK\5\6" + bytes(18)),
    "index cut off": lambda folder: os.truncate(folder / "index.npz", 300),
    "a bit of the index": flipped,
    "a bomb": bomb,
    "rows beyond": lambda folder: changed(folder, rows=lambda rows: rows + 5),
    "rows negative": lambda folder: changed(folder, rows=lambda rows: rows - 3),
    "rows twice": lambda folder: changed(folder, rows=lambda rows: rows * 0),
    "offsets back": lambda folder: changed(folder, offsets=lambda offsets: np.r_[0, offsets[:0:-1]]),
    "offsets of text": lambda folder: changed(folder, offsets=lambda offsets: offsets.astype(str)),
    "offsets of objects": lambda folder: changed(folder, offsets=lambda offsets: offsets.astype(object)),
    "no offsets": lambda folder: changed(folder, offsets=lambda offsets: offsets[:0]),
    "scales not finite": lambda folder: changed(folder, scales=lambda scales: scales * np.float32(np.nan)),
    "fewer scales": lambda folder: changed(folder, scales=lambda scales: scales[1:]),
    "a file in its place": lambda folder: (shutil.rmtree(folder), folder.write_text("x")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_store_is_built_again(workspace, class_folders, damage):
    dataset = read_dataset(class_folders)
    first = open_store(workspace, dataset, 8000)
    assert not first.made_again
    wanted = np.array(first.samples)
    (folder,) = (workspace.cache / "clips").glob("tones-*")
    DAMAGE[damage](folder)
    again = open_store(workspace, dataset, 8000)
    np.testing.assert_array_equal(again.samples, wanted)
    assert again.made_again
    assert not open_store(workspace, dataset, 8000).made_again


BUILD = """
import sys, time
from pathlib import Path
from labcore.datasets import open_store, read_dataset
from labcore.workspace import Workspace
home, folder = sys.argv[1:]
def progress(done, total):
    print(done, flush=True)
    time.sleep(30)
open_store(Workspace(Path(home)), read_dataset(folder), 8000, progress)
"""


def test_a_killed_build_leaves_nothing_half_valid(workspace, class_folders):
    command = [sys.executable, "-c", BUILD, str(workspace.home), str(class_folders)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "1\n"
        child.kill()
    assert all(name.startswith(".") for name in stores(workspace))
    assert len(open_store(workspace, read_dataset(class_folders), 8000)) == 12
    assert len(stores(workspace)) == 1


def test_two_builds_at_once_make_one_store(workspace, class_folders):
    """In two threads; the lock is one of files, as between processes."""
    begun, asked, built = threading.Event(), threading.Event(), []

    def progress(done, total):
        begun.set()
        assert asked.wait(30)

    def build():
        built.append(open_store(workspace, read_dataset(class_folders), 8000, progress))

    other = threading.Thread(target=build)
    other.start()
    assert begun.wait(30)
    threading.Timer(0.02, asked.set).start()
    store = open_store(workspace, read_dataset(class_folders), 8000, lambda *_: pytest.fail("built twice"))
    other.join()
    assert len(store) == len(built[0]) == 12
    assert len(stores(workspace)) == 1


def test_torch_takes_the_samples_as_they_are(workspace, class_folders):
    torch = pytest.importorskip("torch")
    store = open_store(workspace, read_dataset(class_folders), 8000)
    assert torch.from_numpy(store.samples).shape == (24000,)  # a warning would be an error


def test_a_part_beyond_the_end_of_its_file(workspace, class_folders):
    text = "path,label,start,end\nhigh/0.wav,a,0.2,9\nhigh/1.wav,b,7,8\nhigh/2.wav,b,0,0.1\n"
    (class_folders / "clips.csv").write_text(text)
    store = open_store(workspace, find_dataset(workspace, str(class_folders / "clips.csv")), 8000)
    assert list(store.lengths) == [400, 800]
    assert "the part to read starts at 7 s" in store.problems[0].what


def test_real_clips(workspace, esc10):
    dataset = read_dataset(esc10)
    few = replace(dataset, table=dataset.table.iloc[:24].reset_index(drop=True))
    store = open_store(workspace, few, 32000)
    assert len(store) == 24
    assert np.median(store.seconds) == pytest.approx(5, abs=0.02)


def test_how_clips_were_read_is_kept_with_the_store(workspace, tmp_path, noise, write_wav):
    sound = noise(0.3)
    write_wav(tmp_path / "set" / "cat" / "0.wav", np.stack([sound, -sound], axis=1))
    write_wav(tmp_path / "set" / "dog" / "0.wav", noise(0.3, seed=2))
    dataset = read_dataset(tmp_path / "set")
    for _ in range(2):  # made, and found
        store = open_store(workspace, dataset, 16000)
        (note,) = store.notes
        assert note.path.endswith("cat/0.wav")
        assert "cancel" in note.what
        np.testing.assert_allclose(store.waveform(0), sound, atol=1e-3)


def test_a_bad_file_of_many_spans_is_one_problem(workspace, tmp_path, tone, write_wav):
    for name in ("a.wav", "b.wav"):
        write_wav(tmp_path / "set" / name, tone(seconds=0.2))
    (tmp_path / "set" / "bad.wav").write_bytes(b"no sound")
    rows = [f"bad.wav,x,{n},{n + 1}" for n in range(4)]
    (tmp_path / "set" / "l.csv").write_text("\n".join(["path,label,start,end", "a.wav,x,,", "b.wav,y,,", *rows]))
    for _ in range(2):  # built, and read back
        store = open_store(workspace, read_dataset(tmp_path / "set"), 8000)
        assert [(Path(problem.path).name, problem.clips) for problem in store.problems] == [("bad.wav", 4)]
        assert len(store) == 2


def test_long_clips_are_written_block_by_block(workspace, tmp_path, noise, write_wav, monkeypatch):
    monkeypatch.setattr(blocks, "ONE_GO", 10_000)
    monkeypatch.setattr(blocks, "BLOCK", 4000)
    for number, seconds in enumerate([0.3, 4.0, 0.2, 3.0, 2.0]):
        write_wav(tmp_path / "set" / "a" / f"{number}.wav", noise(seconds, seed=number))
    loud = noise(3.0, seed=7)
    loud[40_000] = 2.5  # the scale is known when most of it has been written
    write_wav(tmp_path / "set" / "b" / "loud.wav", loud, subtype="FLOAT")
    bad = noise(3.0, seed=8)
    bad[40_000] = np.nan
    write_wav(tmp_path / "set" / "b" / "bad.wav", bad, subtype="FLOAT")
    seen = []
    store = open_store(workspace, read_dataset(tmp_path / "set"), 8000, lambda done, total: seen.append((done, total)))
    assert [problem.path.rpartition("/")[2] for problem in store.problems] == ["bad.wav"]
    assert len(store) == 6
    assert seen[-1] == (7, 7)
    for number, path in enumerate(store.table["path"]):
        wanted = decode(path, 8000)[0]
        assert len(store.waveform(number)) == len(wanted)
        np.testing.assert_allclose(store.waveform(number), wanted, atol=max(1, np.abs(wanted).max()) / 32000)
