"""Events that a test makes up: of what it does not care for, the same each time."""

from __future__ import annotations

from typing import Any

from labcore.events import Epoch, Evaluated


def made_epoch(epoch: int = 1, **facts: Any) -> Epoch:
    usual: dict[str, Any] = {
        "epochs": 8, "train_loss": 1.0, "train_accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5, "lr": 0.1,
        "clips_per_second": 100.0, "seconds": 1.0, "seconds_left": 0.0, "averaged": False,
    }  # fmt: skip
    return Epoch(epoch=epoch, **usual | facts)


def made_result(accuracy: float = 0.5, **facts: Any) -> Evaluated:
    usual: dict[str, Any] = {
        "accuracy_low": 0.4, "accuracy_high": 0.95, "macro_f1": 0.5, "per_class": {}, "confusion": {}, "clips": 40, "fold": "1",
    }  # fmt: skip
    return Evaluated(accuracy=accuracy, **usual | facts)
