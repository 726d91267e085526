"""The state of a run in training: what a step and an epoch do to it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from labcore.config import RunConfig
from labcore.device import is_out_of_memory
from labcore.errors import LabError, RunError
from labcore.events import BatchSplit, Epoch, Log
from labcore.inference.classifier import Classifier
from labcore.models import compiling
from labcore.models.dropout import set_dropout
from labcore.task.kind import Watched
from labcore.training.captured import CapturedStep
from labcore.training.memory import largest_batch, out_of_memory, out_of_memory_of_part
from labcore.training.optimizer import body_of, make_optimizer, make_scaler
from labcore.training.pace import EpochPace
from labcore.training.schedule import Schedule
from labcore.training.session import Session
from labcore.training.step_timer import StepTimer
from labcore.training.tensorboard import FEW
from labcore.training.watching import evaluated_every, is_evaluated
from labcore.training.weight_average import weight_average


class Trainer:
    """The state of a run in training."""

    def __init__(self, session: Session) -> None:
        self.session, self.config, self.context = session, session.config, session.context
        self.device = session.device.torch()
        self._benchmark = torch.backends.cudnn.benchmark
        torch.backends.cudnn.benchmark = True  # all batches have one shape
        self.task = session.classifier.task
        self.classes = len(session.classifier.labels)
        self.targets = torch.from_numpy(session.clips.targets).to(
            session.pipeline.waves.values.device
        )  # beside the clips
        self.batch = min(self.config.optim.batch_size, len(session.train_rows))
        self.steps = len(session.train_rows) // self.batch
        fitted = (session.checkpoint or {}).get("micro_batch", self.batch)  # where memory ran out before
        self.micro_batch: int = min(self.config.runtime.micro_batch or self.batch, fitted, self.batch)
        network = session.classifier.network
        if self.micro_batch >= -(-self.batch // self.context.size):  # micro-batches have statistics of their own
            network = self.context.synchronised(network, self.device)
        self.network = session.precision.lay_out(network)
        self.forward: Callable[[Tensor], Tensor] = (
            session.precision.forward_of(self.network)
            if self.context.alone
            else self.context.wrap(self.network, self.device)
        )
        self.average = weight_average(self.network) if self.config.optim.averaging else None
        optim, freezes = self.config.optim, self.config.model.freeze_epochs > 0
        wanted = self.context.alone and self.config.runtime.cuda_graph == "auto"
        on_graph = wanted and session.precision.on_graph(self.device)
        self.optimizer = make_optimizer(optim, self.network, freezes, capturable=on_graph)
        self.schedule = Schedule(optim.schedule, self.optimizer, self.config.epochs, self.steps)
        self.scaler = make_scaler(self.device, session.precision)
        self.clock = StepTimer(self.device)
        self.captured = CapturedStep(self.device, self.clock) if on_graph else None
        rates = [0.0 for _ in self.optimizer.param_groups]
        self.rates: list[float | Tensor] = [
            torch.tensor(rate, device=self.device) if on_graph else rate for rate in rates
        ]
        self.loss_sum, self.hits = torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        self.mixing = self.frozen = self.trouble_told = False
        weights = session.balance.loss_weights()
        self.class_weights = None if weights is None else weights.to(self.device)
        self.epoch = 0
        self.every = evaluated_every(self.steps * self.batch, session.watched_windows, self.config.epochs)
        self.watched: Watched | None = None
        self.order = torch.empty(0, dtype=torch.int64)
        if session.checkpoint is not None:
            self._restore(session.checkpoint)

    @property
    def averaging(self) -> bool:
        """Whether the average of the weights counts by now."""
        return self.average is not None and int(self.average.n_averaged) > 0

    def reconfigure(self, config: RunConfig) -> None:
        """Take up settings that were changed, before an epoch begins.

        Raises:
            LabError: as for :meth:`Session.reconfigure`; nothing was taken up.
        """
        if config == self.config:
            return  # a recorded step stays
        self.session.reconfigure(config)
        if config.model.dropout != self.config.model.dropout:
            set_dropout(self.network, config.model.dropout)
        self.config = config
        self.forget_recording()

    @property
    def lr(self) -> float:
        """The learning rate by now: what the schedule says, times the factor."""
        return float(self.optimizer.param_groups[0]["lr"]) * self.config.optim.lr_factor

    def steps_of_epoch(self) -> int:
        """Begin the next epoch: seed, order of the clips, sums at zero. Returns its steps."""
        self.epoch += 1
        self.clock.begin_epoch()
        torch.manual_seed(self.config.runtime.seed * 1_000_003 + self.epoch)
        rows = self.session.train_rows
        self.order = rows[self.session.balance.order()]
        self.context.separate(self.config.runtime.seed * 1_000_003 + self.epoch)
        self.loss_sum.zero_()
        self.hits.zero_()
        self.shown: Tensor | None = None  # the first clips of the epoch as the network saw them, for whoever draws them
        self.schedule.begin(self.epoch, self.config.epochs)
        plain = self.schedule.within_last(self.config.augment.plain_share)
        mixing, frozen = self.config.augment.mixup > 0 and not plain, self.epoch <= self.config.model.freeze_epochs
        if (mixing, frozen) != (self.mixing, self.frozen):
            self.mixing, self.frozen = mixing, frozen
            self.forget_recording()
        self.network.train()
        return self.steps

    def step(self, number: int) -> BatchSplit | Log | None:
        """One step of the optimizer on one batch; nothing in it waits for the device.

        Returns:
            What was done where memory ran out (the step itself was taken then, too), or where steps could not be recorded.

        Raises:
            OutOfMemoryError: memory ran out and batches are not to be divided, or not even one clip fits.
        """
        rows = self.context.part(self.order[number * self.batch : (number + 1) * self.batch])
        self.clock.begin_step()
        error = self._attempt(rows)
        self.clock.end_step()
        if error is None:
            return self._untold_trouble()
        if not self.context.alone:  # the others wait for this one's gradients: it cannot look for what fits
            raise out_of_memory_of_part(len(rows), self.batch, self.session.device.name) from error
        begun = self.micro_batch
        while error is not None:  # noise through the network alone tells how much fits about, not exactly
            fits = self._largest_batch()
            if fits is None or self.config.runtime.out_of_memory == "fail":
                whole = self.batch if self.micro_batch < begun else None
                raise out_of_memory(self.micro_batch, fits, self.session.device.name, whole) from error
            self.micro_batch = fits
            self.forget_recording()
            error = self._attempt(rows)
        return BatchSplit(epoch=self.epoch, batch_size=self.batch, micro_batch=self.micro_batch)

    def _attempt(self, rows: Tensor) -> BaseException | None:
        """The step on these clips; returns the error where memory ran out, without the tensors that its traceback holds."""
        try:
            cut, targets = self._cut(rows)
            self._set_rates()
            shown = self.captured(self.compute, cut, targets) if self.captured else self.compute(cut, targets)
            if self.shown is None:
                self.shown = shown.clone()
            self.schedule.step()
        except Exception as error:
            if is_out_of_memory(error):
                return error.with_traceback(None)
            if not self._compiled_again(error):
                raise
            return self._attempt(rows)
        return None

    def _compiled_again(self, error: Exception) -> bool:
        """Whether a step that failed for a stump of compiled code can be tried again; compiling begins anew."""
        if not (self.session.precision.compiled and self.context.alone and compiling.mend(error)):
            return False
        torch.compiler.reset()
        self.forward = self.session.precision.forward_of(self.network)
        return True

    def _largest_batch(self) -> int | None:
        """Clips that fit at a time, fewer than now."""
        shape = (1, self.config.features.n_mels, self.session.pipeline.frames)
        self.forget_recording()
        self.optimizer.zero_grad(set_to_none=True)
        # one that was left in the midst of a step refuses the next
        self.scaler = make_scaler(self.device, self.session.precision, self.scaler.state_dict())
        return largest_batch(lambda batch: self._try(batch, shape), self.micro_batch)

    def _untold_trouble(self) -> Log | None:
        """That steps cannot be recorded as a CUDA graph, once."""
        if self.captured is None or not self.captured.trouble or self.trouble_told:
            return None
        self.trouble_told = True
        return Log(message=f"steps are not replayed as a CUDA graph, which would be faster: {self.captured.trouble}")

    def close(self) -> None:
        """No more steps are taken: a recorded one is forgotten, and cuDNN no longer tries all its kernels for each shape, which takes it
        seconds and pays only for one that comes again and again."""
        self.forget_recording()
        torch.backends.cudnn.benchmark = self._benchmark

    def forget_recording(self) -> None:
        """Record steps anew from here on: what they do has changed, or the memory is wanted that a recorded step keeps for itself."""
        if self.captured is not None:
            self.captured.forget()

    def _cut(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """A batch before augmentation, as :meth:`InputPipeline.cut` gives it, and targets (batch, classes), on the device."""
        places = rows.to(self.targets.device, non_blocking=True)
        targets = self.task.wanted(self.targets[places].to(self.device, non_blocking=True), self.classes)
        cut = self.session.pipeline.cut(rows)
        self.clock.mark("data")
        return cut, targets

    @torch.no_grad()
    def augmented(self, cut: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised log-mels (batch, 1, n_mels, frames) as the network takes them, and targets (batch, classes)."""
        images, targets = self.session.pipeline.chain(cut, targets, self.mixing, self.clock.mark)
        return images[:, None].contiguous(memory_format=self.session.precision.format()), targets

    def images(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """An augmented batch: clips (batch,) → as :meth:`augmented`."""
        return self.augmented(*self._cut(rows))

    def compute(self, cut: Tensor, targets: Tensor) -> Tensor:
        """All that a step does on the device; returns the first images of the batch as the network saw them."""
        images, targets = self.augmented(cut, targets)
        self.descend(images, targets)
        return images[:FEW]

    def descend(self, images: Tensor, targets: Tensor) -> None:
        """Forward, backward, and a step of the optimizer. A batch in parts gives the gradient of the whole."""
        optim = self.config.optim
        loss_sum, hits = torch.zeros_like(self.loss_sum), torch.zeros_like(self.hits)
        self.optimizer.zero_grad(set_to_none=True)
        weight = self.context.weight(len(images), self.batch) / len(images)
        parts = list(zip(images.split(self.micro_batch), targets.split(self.micro_batch), strict=True))
        for number, (part, wanted) in enumerate(parts, 1):
            with self.context.exchange(self.forward, number == len(parts)):
                with self.session.precision.autocast(self.device):
                    logits = self.forward(part)
                logits = logits.float()
                loss = self.task.loss(logits, wanted, self.class_weights, optim.label_smoothing) * (len(part) * weight)
                self.scaler.scale(loss).backward()
            loss_sum += loss.detach()
            hits += self.task.hits(logits.detach(), wanted)
        if self.frozen:
            for parameter in body_of(self.network):
                parameter.grad = None
        if optim.clip_norm:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.network.parameters(), optim.clip_norm)
        self._update()
        self.clock.mark("network")
        self.loss_sum += loss_sum
        self.hits += hits

    def _set_rates(self) -> None:
        """The learning rates of this step: those of the schedule, times the factor. On a GPU in place, where a recorded step finds them."""
        for number, group in enumerate(self.optimizer.param_groups):
            kept, rate = self.rates[number], float(group["lr"]) * self.config.optim.lr_factor
            self.rates[number] = kept.fill_(rate) if isinstance(kept, Tensor) else rate

    def _update(self) -> None:
        """Step the optimizer. The schedule, which may work from the rate it left, never sees the factor."""
        groups = self.optimizer.param_groups
        scheduled = [group["lr"] for group in groups]
        for group, rate in zip(groups, self.rates, strict=True):
            group["lr"] = rate
        try:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        finally:  # also where memory ran out, and the step is taken again
            for group, lr in zip(groups, scheduled, strict=True):
                group["lr"] = lr

    def finish_epoch(self, pace: EpochPace) -> Epoch:
        """Average, validate where it is time to, and sum the epoch up.

        Args:
            pace: has counted the epoch's steps; the epoch ends here.

        Raises:
            LabError: the loss is no longer finite.
        """
        optim = self.config.optim
        self.context.align(self.network)
        if self.average is not None and self.schedule.within_last(optim.averaging):
            self.average.update_parameters(self.network)
        train_loss = float(self.context.sum(self.loss_sum)) / self.context.size / self.steps  # waits for the device
        hits = float(self.context.sum(self.hits))
        self.clock.mark("network")
        train_seconds = pace.seconds
        if not math.isfinite(train_loss):
            raise LabError(
                f"training diverged in epoch {self.epoch}: the loss is no longer a finite number",
                "Resuming does not help: start again with a lower learning rate, or with precision fp32",
            )
        evaluated = self.watched is None or is_evaluated(self.epoch, self.every, self.config.epochs)
        watched = self.validate() if evaluated or self.watched is None else self.watched
        self.watched = watched
        seconds = pace.end(pace.seconds - train_seconds if evaluated else None)
        return Epoch(
            epoch=self.epoch,
            epochs=self.config.epochs,
            train_loss=train_loss,
            train_accuracy=self.task.train_accuracy(hits, self.steps * self.batch),
            val_loss=watched.loss,
            val_accuracy=watched.accuracy,
            val_mean_ap=watched.mean_ap,
            val_balanced=watched.balanced,
            lr=self.lr,
            clips_per_second=self.steps * self.batch / train_seconds,
            seconds=seconds,
            seconds_left=pace.after(self.config.epochs - self.epoch),
            averaged=self.averaging,
            spent=self.clock.by_phase(train_seconds),
            evaluated=evaluated,
        )

    def validate(self) -> Watched:
        """The figures of the clips of the curves, of the weights that would be saved now."""
        with self.as_saved():
            own = self._watched_probabilities()
            if own is None:  # beside a recorded step
                self.forget_recording()
                own = self.session.watched.probabilities(self.session.precision.run)
        return self.task.watched(self.context.gather(own), self.session.watched_targets)

    def _watched_probabilities(self) -> np.ndarray | None:
        """(clips, classes) of the watched clips; None where memory ran out of which a recorded step has some."""
        try:
            return self.session.watched.probabilities(self.session.precision.run)
        except Exception as error:
            if self.captured is None or not is_out_of_memory(error):
                raise
            return None

    @contextlib.contextmanager
    def as_saved(self) -> Iterator[Classifier]:
        """The classifier with the weights that would be saved now."""
        classifier = self.session.classifier
        classifier.network = self.result()
        try:
            yield classifier
        finally:
            classifier.network = self.network

    def result(self) -> nn.Module:
        """The network whose weights are the result by now: the average where there is one."""
        return self.average.module if self.averaging and self.average is not None else self.network

    def state(self, event: Epoch) -> dict[str, Any]:
        """All that changes from epoch to epoch, and what is told of the last one, for the checkpoint."""
        return {
            "epoch": self.epoch,
            "event": event.model_dump(exclude={"type"}),
            "network": self.network.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimiser": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict(),
            "micro_batch": self.micro_batch,
            "precision": asdict(self.session.precision),
            "fingerprint": self.session.clips.record.fingerprint,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        try:
            self.epoch, told = state["epoch"], Epoch(**state["event"])
            self.watched = Watched(told.val_loss, told.val_accuracy, told.val_mean_ap, told.val_balanced)
            self.network.load_state_dict(state["network"])
            if self.average is not None and state["average"] is not None:
                self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimiser"])
            for group in self.optimizer.param_groups:  # which may come from another kind of device
                group.update({"capturable": self.captured is not None} if "capturable" in group else {})
            self.schedule.load_state_dict(state["schedule"])
            self.scaler.load_state_dict(state["scaler"])
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise RunError(
                f"the run's checkpoint does not fit its settings: {str(error).splitlines()[0][:300]}",
                "Delete checkpoints/last.pt in its folder to start from its first epoch",
            ) from error

    def _try(self, batch: int, shape: tuple[int, int, int]) -> None:
        """A step on noise, to see whether the batch fits. Changes neither weights nor the statistics of normalisations."""
        kept = [(buffer, buffer.clone()) for buffer in self.network.buffers()]
        try:
            images = torch.randn(batch, *shape, device=self.device)
            with self.session.precision.autocast(self.device):
                self.network(images).float().sum().backward()
            self.optimizer.zero_grad(set_to_none=True)
        finally:
            for buffer, values in kept:
                buffer.copy_(values)
