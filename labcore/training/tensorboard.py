"""Scalars for TensorBoard, beside the events of a run."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from torch.utils.tensorboard import SummaryWriter

from labcore.events import Epoch

TAGS = {
    "train_loss": "loss/train",
    "val_loss": "loss/held_out",
    "train_accuracy": "accuracy/train",
    "val_accuracy": "accuracy/held_out",
    "lr": "learning_rate",
    "clips_per_second": "clips_per_second",
}


class Board:
    """Writes an epoch's scalars. What a resumed run repeats replaces what was written before."""

    def __init__(self, folder: Path, first_epoch: int) -> None:
        self.writer = SummaryWriter(str(folder), purge_step=first_epoch if first_epoch > 1 else None)

    def __enter__(self) -> Board:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.close()

    def write(self, event: Epoch) -> None:
        for name, tag in TAGS.items():
            self.writer.add_scalar(tag, getattr(event, name), event.epoch)
        self.writer.flush()  # a killed run keeps its curves
