"""A worker whose training is make-believe: the network's name says how it goes. Also loaded as a module by the tests."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

from labcore.config import RunConfig
from labcore.errors import DatasetError, OutOfMemoryError
from labcore.events import Epoch, Evaluated, Event, Preparing, TrainingStarted
from labcore.jobs.process import main
from labcore.runs import Run
from labcore.training.job import working
from labcore.workspace import Workspace


def train(config: RunConfig, run: Run, workspace: Workspace, should_stop: Callable[[], bool]) -> Iterator[Event]:
    """Epochs of 20 ms each; the number of the last one is the checkpoint."""
    kind = config.model.name
    done = int(run.checkpoint.read_text()) if run.checkpoint.exists() else 0
    yield Preparing(what="pretending", done=8, total=8)
    yield TrainingStarted(
        labels=["a", "b"], train_clips=8, val_clips=2, fold="1", device=config.runtime.device, device_reason="fake", precision="fp32",
        memory_format="contiguous", precision_reason="", parameters=1, epochs=config.optim.epochs, first_epoch=done + 1,
    )  # fmt: skip
    for number in range(done + 1, config.optim.epochs + 1):
        print(f"epoch {number} of {kind}", flush=True)
        time.sleep(0.02)
        if should_stop() and kind != "deaf":
            return
        run.checkpoint.write_text(str(number))
        yield Epoch(
            epoch=number, epochs=config.optim.epochs, train_loss=1 / number, train_accuracy=0.5, val_loss=1 / number,
            val_accuracy=0.5, lr=0.1, clips_per_second=400.0, seconds=0.02, seconds_left=0.0, averaged=False,
        )  # fmt: skip
        _misbehave(kind)
    yield Evaluated(
        accuracy=0.5, accuracy_low=0.1, accuracy_high=0.9, macro_f1=0.5, per_class={}, confusion={}, clips=2, fold="1"
    )


def _misbehave(kind: str) -> None:
    match kind:
        case "memory":
            raise OutOfMemoryError("a batch of 32 does not fit", "Take a batch size of 8", fits=8)
        case "data":
            raise DatasetError("the clips are gone", "Bring them back")
        case "fault":
            raise ZeroDivisionError("division by nothing")
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "mute":
            os._exit(0)


if __name__ == "__main__":
    sys.exit(main(doing=working(train)))
