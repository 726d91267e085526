"""Several processes that train one network together: who this process is among them, and what they say to each other.

torchrun starts the processes and gives each its rank. Gradients go through PyTorch's DistributedDataParallel, by NCCL between GPUs
and by Gloo between CPUs; all else that the processes have to agree on goes by Gloo, so that nothing waits for a GPU.

A batch is the batch of all processes together. Each takes a contiguous part of it, parts may differ by a clip, and losses are
weighted so that the gradient is that of the mean over the whole batch (Goyal et al., "Accurate, Large Minibatch SGD", 2017, on why
it has to be this mean). A process by itself is :data:`SINGLE_PROCESS`, for which every method does nothing.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from inspect import signature
from typing import Any, TypeVar, cast
from uuid import uuid4

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from labcore.device import DeviceChoice, choose_device
from labcore.errors import ConfigError, DeviceError, LabError, RunError
from labcore.texts import counted
from labcore.training.connections import is_lost_connection, portable

T = TypeVar("T")

PATIENCE = timedelta(hours=24)
"""How long processes wait for one that still builds the clip store. A process that dies is noticed at once, by its connections."""
START_PATIENCE = timedelta(minutes=10)


class DistributedContext:
    """A process among those that train one network.

    Attributes:
        rank: its number among all processes. Process 0 alone writes.
        size: how many they are.
        local_rank, local_size: the same on this machine.
    """

    def __init__(self, rank: int = 0, size: int = 1, local_rank: int = 0, local_size: int = 1) -> None:
        self.rank, self.size, self.local_rank, self.local_size = rank, size, local_rank, local_size
        self._control: dist.ProcessGroup | None = None
        self._store: Store | None = None
        self._asked: tuple[Tensor, dist.Work] | None = None

    @classmethod
    def connect(cls, wanted_device: str = "auto") -> DistributedContext:
        """Find the other processes by the environment that torchrun makes (RANK, WORLD_SIZE, MASTER_ADDR …).

        Raises:
            RunError: they cannot be reached.
        """
        local = (int(os.environ.get("LOCAL_RANK", 0)), int(os.environ.get("LOCAL_WORLD_SIZE", 1)))
        if int(os.environ["WORLD_SIZE"]) == 1:
            return cls(0, 1, *local)
        on_gpus = wanted_device != "cpu" and torch.cuda.is_available() and dist.is_nccl_available()
        try:
            store, rank, size = next(rendezvous("env://", timeout=START_PATIENCE))
            store = PrefixStore(_fresh_name(store, rank, size), store)
            backend = "cpu:gloo,cuda:nccl" if on_gpus else "gloo"
            dist.init_process_group(backend, store=PrefixStore("group", store), rank=rank, world_size=size)
            context = cls(rank, size, *local)
            context._store = PrefixStore("lab", store)
            context._control = dist.new_group(backend="gloo", timeout=PATIENCE)
        except (RuntimeError, ValueError, OSError) as error:
            raise RunError(
                f"the other processes of the run cannot be reached: {str(error).splitlines()[0]}",
                "Check the address and port of the rendezvous, and the network interface (GLOO_SOCKET_IFNAME)",
            ) from error
        return context

    @property
    def main(self) -> bool:
        """Whether this process holds the run: writes events, checkpoints and weights."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        return self.size == 1

    def device(self, wanted: str) -> DeviceChoice:
        """This process's device: GPU number ``local_rank`` where GPUs are used.

        Raises:
            DeviceError: as :func:`~labcore.device.choose_device`; one GPU was named for several processes of a machine, it has fewer
                than processes, or one of them cannot be used.
        """
        if self.alone or wanted == "cpu" or (wanted == "auto" and not torch.cuda.is_available()):
            return _current(choose_device(wanted))
        if not wanted.startswith("cuda:") and self.local_size > (count := torch.cuda.device_count()) > 0:
            raise DeviceError(
                f"{self.local_size} processes of this machine need a GPU each, and it has {counted(count, 'GPU')}",
                f"Start {count} on it (--nproc-per-node {count}), or set the device to cpu",
            )
        if wanted.startswith("cuda:") and self.local_size > 1:
            raise DeviceError(
                f"{wanted} is one GPU, but {self.local_size} processes of this machine need one each",
                "Set the device to auto or all",
            )
        gpu = wanted if wanted.startswith("cuda:") else f"cuda:{self.local_rank}"
        try:
            choice = _current(choose_device(gpu))
        except DeviceError as error:
            remedy = "Leave it out: list the others in CUDA_VISIBLE_DEVICES. Or set the device to cpu, or see `labcore doctor`"
            raise DeviceError(error.what, remedy) from error
        return DeviceChoice(choice.device, choice.name, f"{self.size} processes, each with a GPU of its own")

    def told_device(self, device: DeviceChoice) -> str:
        """The device as events name it: ``all`` for the GPUs of several processes."""
        return "all" if not self.alone and device.torch().type == "cuda" else device.device

    def sharing(self, batch: int, lr: float, device: DeviceChoice) -> str:
        """Sentences for people: who takes what of a batch, and what that means for the learning rate.

        Raises:
            ConfigError: there are fewer clips in a batch than processes.
        """
        sizes = sorted({batch * (rank + 1) // self.size - batch * rank // self.size for rank in range(self.size)})
        if not sizes[0]:
            raise ConfigError(
                f"a batch of {counted(batch, 'clip')} cannot be divided over {self.size} processes",
                "Use a larger batch size",
            )
        norm = "of each process's part, those of process 0 being kept (over CPUs PyTorch has no other)"
        if device.torch().type == "cuda":
            norm = "of the whole batch"
        return (
            f"{self.size} processes share each batch of {batch} clips, {' or '.join(map(str, sizes))} each. The learning rate {lr:g} is "
            "that of the whole batch and is not changed; raise it in proportion to a larger batch (linear scaling). "
            f"Batch normalisation uses the statistics {norm}"
        )

    # --- who takes what

    def part(self, rows: Any) -> Any:
        """This process's contiguous part of rows (array or tensor); parts differ by one row at most, nothing is left out."""
        begin, end = (len(rows) * rank // self.size for rank in (self.rank, self.rank + 1))
        return rows[begin:end]

    def weight(self, own: int, whole: int) -> float:
        """What the mean loss over this process's ``own`` clips of a batch of ``whole`` is multiplied by.

        DistributedDataParallel takes the mean of the gradients over processes; with these weights it is the gradient of the mean
        over all clips, also where parts differ in size.
        """
        return 1.0 if self.alone else self.size * own / whole

    def separate(self, seed: int) -> None:
        """Give this process random numbers of its own from here on, made of ``seed`` and its rank. Process 0 keeps the common ones."""
        if self.rank:
            torch.manual_seed((seed * 4099 + self.rank) % 2**63)

    # --- the network

    def synchronised(self, network: nn.Module, device: torch.device) -> nn.Module:
        """The network, on GPUs with batch normalisation over the whole batch. PyTorch has none over several CPUs."""
        if self.alone or device.type != "cuda":
            return network
        if any(type(module).__module__.startswith("timm.") for module in network.modules()):
            layers: Any = import_module("timm.layers")
            # torch's own leaves out the activation that layers of timm hold
            return cast("nn.Module", layers.convert_sync_batchnorm(network))
        return nn.SyncBatchNorm.convert_sync_batchnorm(network)

    def wrap(self, network: nn.Module, device: torch.device) -> nn.Module:
        """What forward passes go through in training, so that gradients are averaged over processes."""
        if self.alone:
            return network
        ids = [device.index] if device.type == "cuda" else None
        # running statistics do not enter training steps: once an epoch is enough (align). torch 2.6 to 2.11 know the old name alone,
        # at which 2.15 warns
        known = signature(DistributedDataParallel).parameters
        never: Any = {"forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers": False}
        return DistributedDataParallel(network, device_ids=ids, gradient_as_bucket_view=True, **never)

    def exchange(self, forward: Any, now: bool) -> contextlib.AbstractContextManager[None]:
        """The context of a forward and backward pass: gradients go to the others in it if ``now``, else they are summed up here."""
        return contextlib.nullcontext() if now or self.alone else forward.no_sync()

    def align(self, network: nn.Module) -> None:
        """Give every process the running statistics of process 0."""
        if not self.alone:
            for buffer in network.buffers():
                dist.broadcast(buffer, src=0)

    # --- what they say to each other; every process has to call these in the same order

    def sum(self, values: Tensor) -> Tensor:
        """The sum over processes, on the same device."""
        if not self.alone:
            values = values.clone()
            dist.all_reduce(values)
        return values

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """The rows of all processes, in order: what was divided by :meth:`part`, whole again."""
        return np.concatenate(self.gather_each(rows))

    def gather_each(self, value: T) -> list[T]:
        """What every process has, in their order."""
        values = [value] * self.size
        if not self.alone:
            dist.all_gather_object(values, value, group=self._control)
        return values

    def any(self, flag: bool) -> bool:
        """Whether some process said yes in the call before this one; the same answer everywhere.

        The answer travels while the step in between is computed, so that asking costs next to nothing.
        """
        if self.alone:
            return flag
        answer = False
        if self._asked is not None:
            value, work = self._asked
            work.wait()
            answer = bool(value.item())
        value = torch.tensor([int(flag)], dtype=torch.int32)
        work = dist.all_reduce(value, op=dist.ReduceOp.MAX, group=self._control, async_op=True)
        self._asked = value, work
        return answer

    def share(self, make: Callable[[], T]) -> T:
        """What ``make`` gives on process 0, everywhere.

        Raises:
            LabError: ``make`` raised it; it is raised everywhere.
        """
        if self.alone:
            return make()
        box: list[Any] = [None]
        if self.main:
            try:
                box = [(None, make())]
            except LabError as error:
                box = [(error, None)]
        dist.broadcast_object_list(box, src=0, group=self._control)
        trouble, value = box[0]
        if trouble is not None:
            raise trouble
        return value

    def agree(self, trouble: Exception | None, value: T, same: Any = None) -> T:
        """A place that all processes reach, whatever happened to them. Returns process 0's ``value``.

        Args:
            trouble: why this process cannot go on, None where it can.
            same: what has to be equal everywhere.

        Raises:
            Exception: this process's trouble, or that of the first process that has some.
            RunError: ``same`` differs.
        """
        if self.alone:
            if trouble is not None:
                raise trouble
            return value
        answers: list[Any] = self.gather_each((portable(trouble), value if self.main else None, same))
        if trouble is not None:
            raise trouble
        for other, _, _ in answers:
            if other is not None:
                raise other
        differing = [rank for rank, answer in enumerate(answers) if answer[2] != answers[0][2]]
        if differing:
            raise RunError(
                f"process {differing[0]} sees another data set or kind of device than process 0, or chose another front end by it",
                "Give every machine the same files, libraries and kind of device, or give the sample rate and the mel bands",
            )
        return answers[0][1]

    # --- when something goes wrong

    def tell_trouble(self, error: Exception) -> None:
        """Leave word of what ended this process, for those who wait for it in vain."""
        if self._store is not None:
            told = error if isinstance(error, LabError) else LabError(f"Unexpected {type(error).__name__}: {error}")
            with contextlib.suppress(RuntimeError):
                self._store.set("trouble", json.dumps([self.rank, told.what, told.remedy]))

    def explain(self, error: Exception) -> Exception:
        """What ended the run: the trouble of another process where this one only lost its connection, else the error itself."""
        if self.alone or isinstance(error, LabError) or not is_lost_connection(error):
            return error
        with contextlib.suppress(RuntimeError):
            if self._store is not None and _appears(self._store, "trouble", 3.0):
                rank, what, remedy = json.loads(self._store.get("trouble"))
                return RunError(f"process {rank} of {self.size}: {what}", remedy)
        return RunError(
            f"another of the {self.size} processes of this run ended unexpectedly",
            "Its output may say why; resume the run when this is fixed",
        )

    def finish(self, seconds: float = PATIENCE.total_seconds()) -> None:
        """Process 0 says that the run's end is written; the others wait for that, at most so long."""
        if self._store is not None:
            with contextlib.suppress(RuntimeError):
                if self.main:
                    self._store.set("end", "")
                else:
                    _appears(self._store, "end", seconds)

    def close(self) -> None:
        """Let go of the others, at the end of a run that ended everywhere."""
        if self._control is not None:
            if self._asked is not None:
                with contextlib.suppress(RuntimeError):
                    self._asked[1].wait()
            dist.destroy_process_group()
            self._control = self._asked = None


SINGLE_PROCESS = DistributedContext()
"""A process that trains by itself."""


def _current(choice: DeviceChoice) -> DeviceChoice:
    """Have torch put streams, events and what it asks of a GPU on this one. By itself it takes the first, whatever tensors lie on."""
    if choice.torch().type == "cuda":
        torch.cuda.set_device(choice.torch())
    return choice


def _fresh_name(store: Store, rank: int, size: int) -> str:
    """A name that all processes of this start know and no earlier start knew.

    torchrun's store outlives a restart, with the addresses of processes that are gone in it; nor are its counts of restarts the same
    on all machines. So process 0 makes a name up and answers whoever asks, until all have confirmed that they heard it.
    """
    own = uuid4().hex
    if rank:
        store.set(f"asks {rank}", own)
        store.wait([own], START_PATIENCE)
        name = store.get(own).decode()
        store.set(f"{name} {rank}", "")
        return name
    missing, end = set(range(1, size)), time.monotonic() + START_PATIENCE.total_seconds()
    while missing:
        for other in list(missing):
            if store.check([f"{own} {other}"]):
                missing.remove(other)
            elif store.check([f"asks {other}"]):
                store.set(store.get(f"asks {other}").decode(), own)
        if time.monotonic() > end:
            raise RuntimeError(f"processes {sorted(missing)} have not come")
        time.sleep(0.01)
    return own


def _appears(store: Store, key: str, seconds: float) -> bool:
    """Whether a key comes up within so many seconds. Looking again and again, since the store complains of waits that end in vain."""
    end = time.monotonic() + seconds
    while not store.check([key]):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
