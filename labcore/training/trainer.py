"""The state of a run in training: what a step and an epoch do to it."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim.swa_utils import AveragedModel

from labcore.config import RunConfig
from labcore.errors import LabError
from labcore.events import Epoch
from labcore.training.bank import random_starts
from labcore.training.memory import is_out_of_memory, largest_batch, out_of_memory
from labcore.training.prepare import Session


class Trainer:
    """The state of a run in training, and what a step and an epoch do to it."""

    def __init__(self, session: Session) -> None:
        self.session, self.config = session, session.config
        self.device = session.device.torch()
        torch.backends.cudnn.benchmark = True  # all batches have one shape
        self.classes = len(session.classifier.labels)
        self.batch = min(self.config.optim.batch_size, len(session.train_rows))
        self.steps = len(session.train_rows) // self.batch
        self.network = session.precision.lay_out(session.classifier.network)
        self.average = AveragedModel(self.network, use_buffers=True) if self.config.optim.averaging else None
        self.optimiser = _optimiser(self.config, self.network)
        self.schedule = _schedule(self.config, self.optimiser, self.steps)
        self.scaler = GradScaler(self.device.type, enabled=session.precision.precision == "fp16")
        self.epoch = 0
        self.order = torch.empty(0, dtype=torch.int64)
        if session.checkpoint is not None:
            self._restore(session.checkpoint)

    @property
    def averaging(self) -> bool:
        """Whether the averaged weights count by now."""
        return self.average is not None and int(self.average.n_averaged) > 0

    def steps_of_epoch(self) -> int:
        """Begin the next epoch: seed, order of the clips, sums at zero. Returns its steps."""
        self.epoch += 1
        torch.manual_seed(self.config.runtime.seed * 1_000_003 + self.epoch)
        rows = self.session.train_rows
        self.order = rows[torch.randperm(len(rows))]
        self.loss_sum = torch.zeros((), device=self.device)
        self.hits = torch.zeros((), device=self.device)
        plain = self.epoch > self.config.optim.epochs * (1 - self.config.augment.plain_share)
        self.mixing = self.config.augment.mixup > 0 and not plain
        self.network.train()
        return self.steps

    def step(self, number: int) -> None:
        """One step of the optimiser on one batch; nothing in it waits for the device."""
        rows = self.order[number * self.batch : (number + 1) * self.batch]
        try:
            with torch.no_grad():
                images, targets = self.images(rows)
            self.descend(images, targets)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            shape = (1, self.config.features.n_mels, self.frames)
            self.optimiser.zero_grad(set_to_none=True)
            fits = largest_batch(lambda batch: self._try(batch, shape), self.batch)
            raise out_of_memory(self.batch, fits, self.session.device.name) from error

    @property
    def frames(self) -> int:
        return self.session.classifier.log_mel.frames(self.config.clip_samples)

    def images(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """An augmented batch: clips (batch,) → normalised log-mels (batch, 1, n_mels, frames), targets (batch, classes)."""
        session = self.session
        starts = random_starts(session.bank.lengths[rows], session.window, session.shift)
        cut = session.bank.cut(rows, starts, session.window, around=True)
        targets = F.one_hot(session.targets[rows], self.classes).float().to(self.device, non_blocking=True)
        images, targets = session.augmentation(cut, session.classifier.log_mel, targets, self.mixing)
        return images[:, None].contiguous(memory_format=session.precision.format()), targets

    def descend(self, images: Tensor, targets: Tensor) -> None:
        """Forward, backward, and a step of the optimiser and of the schedule."""
        optim = self.config.optim
        with self.session.precision.autocast(self.device):
            logits = self.network(images)
        logits = logits.float()
        loss = F.cross_entropy(logits, targets, label_smoothing=optim.label_smoothing)
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        if optim.clip_norm:
            self.scaler.unscale_(self.optimiser)
            nn.utils.clip_grad_norm_(self.network.parameters(), optim.clip_norm)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.schedule.step()
        self.loss_sum += loss.detach()
        self.hits += (logits.detach().argmax(1) == targets.argmax(1)).sum()

    def finish_epoch(self, start: float, recent: deque[float]) -> Epoch:
        """Average, validate, and sum the epoch up.

        Args:
            start: when the epoch began, by ``time.perf_counter``.
            recent: seconds of the last epochs; this one's are added.

        Raises:
            LabError: the loss is no longer finite.
        """
        optim = self.config.optim
        if self.average is not None and self.epoch > optim.epochs * (1 - optim.averaging):
            self.average.update_parameters(self.network)
        train_loss = float(self.loss_sum) / self.steps  # waits for the device
        train_seconds = time.perf_counter() - start
        if not math.isfinite(train_loss):
            raise LabError(
                f"training diverged in epoch {self.epoch}: the loss is no longer a finite number",
                "Resume after nothing helps here: start again with a lower learning rate, or with precision fp32",
            )
        val_loss, val_accuracy = self.validate()
        seconds = time.perf_counter() - start
        recent.append(seconds)
        return Epoch(
            epoch=self.epoch,
            epochs=optim.epochs,
            train_loss=train_loss,
            train_accuracy=float(self.hits) / (self.steps * self.batch),
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            lr=float(self.optimiser.param_groups[0]["lr"]),
            clips_per_second=self.steps * self.batch / train_seconds,
            seconds=seconds,
            seconds_left=sum(recent) / len(recent) * (optim.epochs - self.epoch),
            averaged=self.averaging,
        )

    def validate(self) -> tuple[float, float]:
        """Loss and accuracy on the held-out clips, of the weights that would be saved now."""
        held_out, targets = self.session.held_out, self.session.held_out_targets
        classifier = self.session.classifier
        classifier.network = self.result()
        try:
            probabilities = held_out.probabilities(self.session.precision)
        finally:
            classifier.network = self.network
        chosen = np.nan_to_num(probabilities[range(len(targets)), targets]).clip(1e-7, 1.0)
        return float(-np.log(chosen).mean()), float((probabilities.argmax(1) == targets).mean())

    def result(self) -> nn.Module:
        """The network whose weights are the result by now: the average where there is one."""
        return self.average.module if self.averaging and self.average is not None else self.network

    def state(self, event: Epoch) -> dict[str, Any]:
        """All that changes from epoch to epoch, and what is told of the last one, for the checkpoint."""
        return {
            "epoch": self.epoch,
            "event": asdict(event),
            "network": self.network.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict(),
            "precision": asdict(self.session.precision),
            "fingerprint": self.session.fingerprint,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.epoch = state["epoch"]
        self.network.load_state_dict(state["network"])
        if self.average is not None and state["average"] is not None:
            self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.scaler.load_state_dict(state["scaler"])

    def _try(self, batch: int, shape: tuple[int, int, int]) -> None:
        """A step on noise, to see whether the batch fits. Changes no weights."""
        images = torch.randn(batch, *shape, device=self.device)
        with self.session.precision.autocast(self.device):
            self.network(images).float().sum().backward()
        self.optimiser.zero_grad(set_to_none=True)


def _optimiser(config: RunConfig, network: nn.Module) -> torch.optim.Optimizer:
    optim = config.optim
    if optim.optimiser == "adamw":
        return torch.optim.AdamW(network.parameters(), lr=config.lr, weight_decay=optim.weight_decay, fused=True)
    return torch.optim.SGD(
        network.parameters(),
        lr=config.lr,
        momentum=optim.momentum,
        nesterov=optim.momentum > 0,
        weight_decay=optim.weight_decay,
        fused=True,
    )


def _schedule(config: RunConfig, optimiser: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    total = config.optim.epochs * steps
    if config.optim.schedule == "onecycle":
        # a cycle over the momentum as well pays only for plain SGD with large batches: it stays
        return torch.optim.lr_scheduler.OneCycleLR(
            optimiser, max_lr=config.lr, total_steps=total + 1, cycle_momentum=False
        )
    if config.optim.schedule == "cosine":
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=total)
    return torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0)
