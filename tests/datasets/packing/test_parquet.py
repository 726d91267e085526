"""Parquet as Hugging Face writes it: lists of clips, and files that hold the sounds themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from labcore.datasets import find_dataset, read_dataset
from labcore.datasets.look import look
from labcore.errors import DatasetError
from labcore.importing.job import Import, ImportPlan
from labcore.jobs.process import work
from labcore.workspace import Workspace
from tests.datasets.made import laid_out, sounds, wav

AUDIO = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
CLASSES = {
    "info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}, "audio": {"_type": "Audio"}}}
}


def parquet(path: Path, rows: list[dict[str, Any]], kinds: dict[str, Any], features: dict[str, Any] = CLASSES) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = pyarrow.schema(list(kinds.items()), metadata={"huggingface": json.dumps(features)})
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema), path)
    return path


def packed(root: Path) -> Path:
    """Two parts of two sounds each, their classes by number."""
    for part in ("train", "test"):
        rows = [
            {
                "audio": {"bytes": wav((part, n)), "path": f"{n}.wav" if n else None},
                "label": n,
                "speaker_id": f"{part}{n}",
            }
            for n in (0, 1)
        ]
        parquet(
            root / "data" / f"{part}-00000-of-00001.parquet",
            rows,
            {"audio": AUDIO, "label": pyarrow.int64(), "speaker_id": pyarrow.string()},
        )
    return root


def test_sounds_inside_are_unpacked(tmp_path: Path, workspace: Workspace) -> None:
    root = packed(tmp_path / "hf")
    (root / "README.md").write_text("A card.")
    with pytest.raises(DatasetError, match="are packed"):
        read_dataset(root)
    assert look(workspace, root).sentence == "looks like Parquet with sounds: 4 clips, 2 classes, the parts train, test"
    job = Import.create(workspace, ImportPlan(path=str(root), name="hf"))
    work(job)
    assert (job.result.clips, job.result.warnings) == (4, [])
    dataset = find_dataset(workspace, "hf")
    assert (dataset.labels, dataset.folds) == (["cat", "dog"], ["train", "test"])
    assert set(dataset.table["group"]) == {"train0", "train1", "test0", "test1"}
    sound = workspace.datasets / "hf" / "data" / "train-00000-of-00001" / "000001.wav"
    assert sound.read_bytes() == wav(("train", 0))


def test_one_file_of_them(tmp_path: Path, workspace: Workspace) -> None:
    packed(tmp_path / "hf")
    assert look(workspace, tmp_path / "hf" / "data" / "train-00000-of-00001.parquet").clips == 2


def test_a_list_beside_the_sounds(tmp_path: Path) -> None:
    root = laid_out(tmp_path / "set", sounds("a.wav", "b.wav", "c.wav"))
    rows = [{"file_name": f"{name}.wav", "label": number % 2, "vector": [0.5]} for number, name in enumerate("abc")]
    parquet(
        root / "metadata.parquet",
        rows,
        {"file_name": pyarrow.string(), "label": pyarrow.int8(), "vector": pyarrow.list_(pyarrow.float32())},
    )
    for place in (root, root / "metadata.parquet"):
        assert read_dataset(place).labels == ["cat", "dog"]


def test_a_column_of_paths_alone(tmp_path: Path) -> None:
    root = laid_out(tmp_path / "set", sounds("a.wav", "b.wav"))
    rows = [
        {"audio": {"bytes": None, "path": f"{name}.wav"}, "tags": tags}
        for name, tags in (("a", ["x", "y"]), ("b", ["y"]))
    ]
    parquet(root / "clips.parquet", rows, {"audio": AUDIO, "tags": pyarrow.list_(pyarrow.string())})
    dataset = read_dataset(root)
    assert (dataset.several_labels, list(dataset.table["label"])) == (True, ["x;y", "y"])


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(40) + b"PAR1", b"path,label\n"])
def test_damaged_ones(content: bytes, tmp_path: Path, workspace: Workspace) -> None:
    (tmp_path / "x.parquet").write_bytes(content)
    found = look(workspace, tmp_path / "x.parquet")
    assert "cannot be read" in found.error
