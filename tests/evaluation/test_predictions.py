import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from labcore.errors import RunError
from labcore.evaluation.eval_set import PredictionPart
from labcore.evaluation.predictions import class_columns, known_of, read_predictions, record

LABELS = ["dog", "label", "caf\udc84"]


@pytest.fixture
def known():
    table = pd.DataFrame(
        {
            "path": [f"/set/dog/{n}.wav" for n in range(5)] + ["/elsewhere/caf\udc84.wav"],
            "label": ["dog", "label", "dog", "caf\udc84", "dog", "dog"],
            "fold": ["1", "2", "1", "1", "2", "1"],
            "group": ["g"] * 6,
            "start_s": [0.0, 1.5, 0.0, 0.0, 0.0, 0.0],
            "end_s": [np.nan] * 6,
        },
        dtype=object,
    )
    return known_of(table, np.arange(6), "/set")


def part(first, clips, width=2):
    draw = np.random.default_rng(first)
    said = draw.random((clips, 3)).astype(np.float32)
    bounds = np.stack([np.zeros(clips, dtype=np.int64), np.full(clips, 4000)], 1)
    return PredictionPart(
        said, np.arange(first, first + clips), bounds, said, draw.random((clips, width)).astype(np.float16)
    )


def test_a_row_a_clip_in_row_groups(known, tmp_path):
    file, parts = tmp_path / "p.parquet", [part(0, 4), part(4, 2)]
    predicted, trouble = record(file, known, LABELS, 8000, iter(parts))
    assert trouble is None
    said = np.concatenate([each.clip_probabilities for each in parts])
    assert predicted.tolist() == said.argmax(1).tolist()
    frame = read_predictions([file])
    assert list(frame) == [
        "clip",
        "start_s",
        "end_s",
        "group",
        "fold",
        "label",
        "dog",
        "class label",
        r"caf\x84",
        "embedding",
    ]
    assert frame["clip"].tolist() == [f"dog/{n}.wav" for n in range(5)] + [r"/elsewhere/caf\x84.wav"]
    assert frame["start_s"].tolist() == [0.0, 1.5, 0.0, 0.0, 0.0, 0.0]
    assert frame["end_s"].tolist() == [0.5, 2.0, 0.5, 0.5, 0.5, 0.5]
    np.testing.assert_array_equal(frame[class_columns(LABELS)].to_numpy(), said)
    np.testing.assert_array_equal(np.stack(frame["embedding"]), np.concatenate([each.embeddings for each in parts]))
    assert frame["embedding"][0].dtype == np.float16
    assert frame.attrs["labels"] == LABELS
    assert pq.ParquetFile(file).num_row_groups == 2
    assert os.listdir(tmp_path) == ["p.parquet"]  # noqa: PTH208


def test_a_network_without_a_last_layer_has_no_embeddings(known, tmp_path):
    record(tmp_path / "p", known, LABELS, 8000, [part(0, 6, width=0)])
    assert read_predictions([tmp_path / "p"])["embedding"].isna().all()


def test_a_full_disk_costs_the_file_and_not_the_result(known, tmp_path, monkeypatch):
    real = Path.open
    monkeypatch.setattr(
        Path, "open", lambda self, *mode: real(Path("/dev/full") if "p.parquet" in self.name else self, *mode)
    )
    predicted, trouble = record(tmp_path / "p.parquet", known, LABELS, 8000, [part(0, 4), part(4, 2)])
    assert len(predicted) == 6
    assert "No space left" in str(trouble)
    assert not list(tmp_path.iterdir())
    assert record(tmp_path / "no" / "folder", known, LABELS, 8000, [part(0, 6)])[1] is not None


def test_a_judging_that_fails_leaves_nothing(known, tmp_path):
    def parts():
        yield part(0, 4)
        raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        record(tmp_path / "p", known, LABELS, 8000, parts())
    assert not list(tmp_path.iterdir())


def test_folds_are_read_as_one(known, tmp_path):
    record(tmp_path / "a", known, LABELS, 8000, [part(0, 3)])
    record(tmp_path / "b", known, LABELS, 8000, [part(3, 3)])
    assert read_predictions([tmp_path / "a", tmp_path / "b"])["clip"].tolist() == known["clip"].tolist()
    record(tmp_path / "c", known, ["dog", "x", "y"], 8000, [part(0, 6)])
    with pytest.raises(RunError, match="other classes"):
        read_predictions([tmp_path / "a", tmp_path / "c"])


def test_what_is_none_is_refused(tmp_path):
    (tmp_path / "junk").write_bytes(b"PAR1" + bytes(100))
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "foreign")
    os.mkfifo(tmp_path / "pipe")
    for name in ("junk", "foreign", "pipe", "nothing"):
        with pytest.raises(RunError, match="cannot be read"):
            read_predictions([tmp_path / name])
    with pytest.raises(RunError, match="no predictions"):
        read_predictions([])
