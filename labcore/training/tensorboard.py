"""What a run shows in TensorBoard, beside its events: curves, settings, pictures and sounds of a few clips, and the result."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from labcore.config import RunConfig, all_settings
from labcore.config.setting import as_text
from labcore.events import Epoch, Evaluated, EvaluatedLabels
from labcore.inference.classifier import Classifier
from labcore.inference.resident_clips import ResidentClips
from labcore.texts import shown

TAGS = {
    "train_loss": "loss/train",
    "val_loss": "loss/{watched}",
    "train_accuracy": "accuracy/train",
    "val_accuracy": "accuracy/{watched}",
    "val_mean_ap": "mean_average_precision/{watched}",
    "lr": "learning_rate",
    "clips_per_second": "clips_per_second",
}
FEW = 4
"""So many clips are shown and heard."""
LONGEST_SECONDS = 10.0
DEVIATIONS = 3.0
"""Normalised levels are shown from so many deviations below the mean, black, to as many above it, white."""
CELL, LETTERING, LONGEST_NAME = 22, 11, 24
"""Pixels of a cell of the confusion matrix and of its letters; letters of a name."""


class TensorBoardWriter:
    """Writes a run's summaries. What a resumed run repeats replaces what was written before.

    Args:
        folder: where TensorBoard looks.
        first_epoch: everything from this epoch on is to be written anew.
        epochs: how many there are in all.
        watched: what the clips of the curves are called: held_out or validation.
    """

    def __init__(self, folder: Path, first_epoch: int, epochs: int, watched: str = "held_out") -> None:
        begun = folder.is_dir() and any(folder.iterdir())
        self.writer = SummaryWriter(str(folder), purge_step=first_epoch if begun else None)
        self.epochs = epochs
        self.tags = {name: tag.format(watched=watched) for name, tag in TAGS.items()}

    def __enter__(self) -> TensorBoardWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.writer.close()

    def write(self, event: Epoch, changed: dict[str, Any] | None = None) -> None:
        """The scalars of an epoch, and the values that changed settings had in it (path → value)."""
        for name, tag in self.tags.items():
            if name.startswith("val_") and not event.evaluated:
                continue
            if (value := getattr(event, name)) is not None:
                self.writer.add_scalar(tag, value, event.epoch)
        for kind, seconds in event.spent.items():
            self.writer.add_scalar(f"seconds/{kind}", seconds, event.epoch)
        for path, value in (changed or {}).items():
            self.writer.add_scalar(f"settings/{path}", value, event.epoch)
        self.writer.flush()  # a killed run keeps its curves

    def show(self, epoch: int, images: Tensor | None) -> None:
        """Training clips as the network saw them in an epoch: (clips, 1, n_mels, frames), normalised log-mels.

        Those of the first epoch are shown, of the last, and of three between.
        """
        if images is not None and epoch in {1, *(max(1, round(self.epochs * part / 4)) for part in range(1, 5))}:
            self.writer.add_image("mel/training_clips", tiled(images[:FEW, 0]), epoch, dataformats="HW")

    def introduce(self, classifier: Classifier, waves: ResidentClips, rows: np.ndarray, labels: list[str]) -> None:
        """A few clips that are not trained on, to look at and to listen to; written with the first epoch.

        Args:
            classifier: its front end, with the normalisation fitted.
            waves: the waveform cache.
            rows: the clips, of which a few are taken, as far apart as possible.
            labels: of these rows.
        """
        chosen = sorted({round(place) for place in np.linspace(0, len(rows) - 1, FEW)}) if len(rows) else []
        sample_rate, images = classifier.sample_rate, []
        for number, place in enumerate(chosen, 1):
            row = torch.tensor([int(rows[place])])
            length = min(int(waves.lengths[row]), round(LONGEST_SECONDS * sample_rate))
            sound = waves.windows(row, torch.tensor([0]), length)
            with torch.inference_mode():
                window = waves.windows(row, torch.tensor([0]), classifier.config.clip_samples)
                images.append(classifier.log_mel(window)[0])
            tag = f"held_out_clip_{number}/{labels[place]}"
            self.writer.add_audio(tag, sound.cpu().clamp(-1, 1), 1, sample_rate=sample_rate)
        if images:
            self.writer.add_image("mel/held_out_clips", tiled(torch.stack(images)), 1, dataformats="HW")

    def conclude(self, config: RunConfig, result: Evaluated | EvaluatedLabels, labels: list[str]) -> None:
        """The result: hyper-parameters with the final figures, and the confusion matrix of one label a clip. They stand after the last
        epoch."""
        step = self.epochs + 1
        if isinstance(result, EvaluatedLabels):
            figures = {"result/mean_average_precision": result.mean_ap or 0.0, "result/macro_f1": result.macro_f1}
        else:
            figures = {"result/accuracy": result.accuracy, "result/macro_f1": result.macro_f1}
        values = {path: config.value(path) for path in all_settings()}
        told = {path: "automatic" if value is None else value for path, value in values.items()}
        told |= {path: as_text(value) for path, value in told.items() if isinstance(value, tuple)}
        told |= {path: shown(value) for path, value in told.items() if isinstance(value, str)}
        for summary in hparams(told, figures):
            self.writer._get_file_writer().add_summary(summary, step)  # add_hparams would make a run of its own
        for tag, value in figures.items():
            self.writer.add_scalar(tag, value, step)
        if isinstance(result, EvaluatedLabels):
            return
        self.writer.add_image("confusion", confusion_image(result.confusion, labels), step, dataformats="HWC")


def tiled(images: Tensor) -> np.ndarray:
    """Normalised log-mels one above the other, low bands at the bottom: (clips, n_mels, frames) → uint8 (height, frames)."""
    level = (images.float() / (2 * DEVIATIONS) + 0.5).clamp(0, 1).mul(255).byte().cpu().numpy()[:, ::-1]
    line = np.full((1, 2, level.shape[2]), 255, dtype=np.uint8)
    return np.concatenate([part for image in level for part in (image, line[0])][:-1])


def confusion_image(confusion: dict[str, dict[str, int]], labels: list[str]) -> np.ndarray:
    """The confusion matrix, true labels down, predicted ones across, darker where more of a row lies: uint8 (height, width, 3)."""
    font = ImageFont.load_default(LETTERING)
    names = [_drawable(label) or f"class {number}" for number, label in enumerate(labels, 1)]
    margin = 8 + round(max(font.getlength(name) for name in names))
    size = margin + CELL * len(labels)
    canvas = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(canvas)
    for down, label in enumerate(labels):
        row = confusion.get(label, {})
        total = max(1, sum(row.values()))
        top = margin + CELL * down
        draw.text((margin - 4, top + CELL / 2), names[down], "black", font, anchor="rm")
        for across, predicted in enumerate(labels):
            left, count = margin + CELL * across, row.get(predicted, 0)
            shade = round(245 - 190 * count / total)
            draw.rectangle((left, top, left + CELL - 2, top + CELL - 2), (shade, shade, 250 if count else shade))
            if count:
                ink = "white" if shade < 150 else "black"
                draw.text((left + CELL / 2, top + CELL / 2), str(count), ink, font, anchor="mm")
    head = Image.new("RGB", (margin, CELL * len(labels)), "white")  # turned by a quarter, it stands above the columns
    draw = ImageDraw.Draw(head)
    for number, name in enumerate(names):
        draw.text((4, CELL * (number + 0.5)), name, "black", font, anchor="lm")
    canvas.paste(head.transpose(Image.Transpose.ROTATE_90), (margin, 0))
    return np.asarray(canvas)


def _drawable(label: str) -> str:
    """A label in the letters that Pillow's own font has, the basic Latin ones; "" where it has others, of which nothing would be left, or
    what another label has too."""
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", label) if not unicodedata.combining(sign))
    if any(sign.isalnum() and not sign.isascii() for sign in bare):
        return ""
    plain = bare.encode("ascii", "ignore").decode().strip()
    return plain if len(plain) <= LONGEST_NAME else f"{plain[: LONGEST_NAME - 1]}."
