"""What TensorBoard gets to show."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import AUDIO, IMAGES, EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.summary.writer import event_file_writer

from labcore.events import Epoch, Evaluated, TrainingStarted
from labcore.runs import Run
from labcore.training import tensorboard
from labcore.training.loop import train
from labcore.training.tensorboard import TensorBoardWriter, confusion_image, tiled
from tests.made_events import made_result


def load(run):
    board = EventAccumulator(str(run.tensorboard), size_guidance={IMAGES: 0, AUDIO: 0})
    board.Reload()
    return board


def test_a_run_and_one_that_was_killed_show_the_same(tiny, monkeypatch):
    # Files are read in the order of their names, which end in a number: within one second "10" would come before "9".
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(100))
    config = tiny.config.replace({"optim.epochs": 3, "data.validation_share": 0.2})
    whole, parts = (Run.create(tiny.workspace, config) for _ in range(2))
    for run in (whole, parts):
        run.override({"model.dropout": 0.5}, epoch=2)
    for event in train(config, whole, tiny.workspace):
        whole.append(event)
    for last in (TrainingStarted, Epoch, Epoch, Evaluated):  # killed when this is to be told; then all over again
        for event in train(config, parts, tiny.workspace):
            if isinstance(event, last) and not isinstance(event, TrainingStarted):
                break
            parts.append(event)
            if isinstance(event, TrainingStarted) and last is TrainingStarted:
                break
    for event in train(config, parts, tiny.workspace):
        parts.append(event)
    for run in (whole, parts):
        board = load(run)
        tags = board.Tags()
        for tag in ("loss/train", "loss/validation", "seconds/network", "learning_rate"):
            assert [scalar.step for scalar in board.Scalars(tag)] == [1, 2, 3]
        assert [(scalar.step, scalar.value) for scalar in board.Scalars("settings/model.dropout")] == [
            (2, 0.5),
            (3, 0.5),
        ]
        assert [image.step for image in board.Images("mel/training_clips")] == [1, 2, 3]
        assert [image.step for image in board.Images("mel/held_out_clips")] == [1]
        assert [image.step for image in board.Images("confusion")] == [4]
        assert len(tags["audio"]) == 4
        assert all([sound.step for sound in board.Audio(tag)] == [1] for tag in tags["audio"])
        assert {tag.partition("/")[2] for tag in tags["audio"]} == {"clicks", "noise", "tone"}
        (accuracy,) = board.Scalars("result/accuracy")
        assert accuracy.value == pytest.approx(run.last_event(Evaluated).accuracy)
        image = Image.open(io.BytesIO(board.Images("mel/training_clips")[0].encoded_image_string))
        assert image.size[1] == 4 * 16 + 3 * 2


def test_hyper_parameters_stand_with_the_result(tmp_path, tiny):
    result = made_result(0.5, accuracy_low=0, accuracy_high=1, macro_f1=0.4, confusion={"a": {"b": 1}}, clips=1)
    with TensorBoardWriter(tmp_path, 1, 3) as board:
        board.conclude(tiny.config, result, ["a", "b"])
    loaded = EventAccumulator(str(tmp_path))
    loaded.Reload()
    content = loaded.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    told = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
    assert told["optim.epochs"].number_value == 4
    assert told["optim.lr"].string_value == "automatic"
    assert told["model.name"].string_value == "compact"


def test_pictures_put_low_bands_at_the_bottom():
    import torch

    images = torch.zeros(2, 3, 5)
    images[0, 0] = 10.0  # the lowest band is loud
    drawn = tiled(images)
    assert drawn.shape == (3 + 2 + 3, 5)
    assert drawn.dtype == np.uint8
    assert drawn[2].tolist() == [255] * 5
    assert drawn[0, 0] == 127


@pytest.mark.parametrize(
    ("label", "drawn"),
    [("Käuzchen é", "Kauzchen e"), ("собака a", ""), ("日本 1", ""), ("🦉 owl", "owl"), ("dog", "dog")],
)
def test_a_label_is_drawn_where_all_its_letters_can_be(label: str, drawn: str) -> None:
    assert tensorboard._drawable(label) == drawn


def test_the_confusion_is_drawn_true_down_predicted_across():
    drawn = confusion_image({"a": {"b": 5}, "日本": {"日本": 1}}, ["a", "b", "日本"])
    assert drawn.shape == (drawn.shape[0], drawn.shape[0], 3)
    margin = drawn.shape[0] - 3 * 22
    corner = drawn[margin:, margin:][::22, ::22]  # a pixel of each cell
    blue = (corner[..., 2].astype(int) - corner[..., 0]) > 50
    assert blue.tolist() == [[False, True, False], [False, False, False], [False, False, True]]
