"""A GPU of torch's fake tensors: they have a shape, a kind and a device, and no content. An operation on two devices is an error.

What waits for the device (``.item()``, ``bool(tensor)``, a copy that is not asked to go on by itself) is noted. What the device would have
to be asked for before the next operation can be made (``nonzero``, a mask as an index) is an error. Of numbers that reach the CPU, each is
1. So code is followed that makes arrays of what a GPU computed; what it does with single numbers of them is not what it would do. Passes
backward are not followed: autograd wants to see the GPU.
"""

from __future__ import annotations

import contextlib
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensor, FakeTensorMode
from torch._subclasses.fake_tensor import unset_fake_temporarily
from torch.utils._pytree import tree_leaves

from labcore.inference.resident_clips import ResidentClips
from labcore.training import step_timer

GPU = torch.device("cuda:0")
COPIES = (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)


class Mode(FakeTensorMode):
    """Fake tensors that note where a GPU would be waited for."""

    def __init__(self) -> None:
        super().__init__(allow_non_fake_inputs=True)
        self.waits: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default and isinstance(args[0], FakeTensor):
            if args[0].device.type == "cuda":
                self._note(func)
            return 1.0 if args[0].dtype.is_floating_point else 1
        if func._schema.name.startswith("aten::_fused_"):  # torch has no form of these optimizers without content
            everything = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
            assert all(isinstance(each, FakeTensor) and each.device == GPU for each in everything)
            return None
        if func is torch.ops.aten.allclose.default:
            self._note(func)
            return True
        if func in COPIES:
            self._look_at_copy(func, args, kwargs or {})
        return super().__torch_dispatch__(func, types, args, kwargs)

    def _look_at_copy(self, func: Any, args: Any, options: Any) -> None:
        to = options.get("device") if func is COPIES[0] else args[0].device
        goes_on = options.get("non_blocking") or (func is COPIES[1] and len(args) > 2 and args[2])
        origin = args[0] if func is COPIES[0] else args[1]
        if to is not None and torch.device(to).type != origin.device.type and not goes_on and origin.dim():
            self._note(func)

    def _note(self, func: Any) -> None:
        lines = [
            line for line in traceback.extract_stack() if "/labcore/" in line.filename or "/optim/" in line.filename
        ]
        self.waits.append(f"{func} at {lines[-1].filename}:{lines[-1].lineno}" if lines else str(func))


class FakeGpu:
    """A machine with one GPU, for the length of a test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        if torch.__version__.startswith("2.6."):
            pytest.skip("the fake tensors of torch 2.6 ask for a CUDA driver")
        self.mode = Mode()
        real = Tensor.numpy

        def numpy(tensor: Tensor, *, force: bool = False) -> np.ndarray:
            if not isinstance(tensor, FakeTensor):
                return real(tensor, force=force)
            assert tensor.device.type == "cpu", "a tensor of the GPU has no array"
            with unset_fake_temporarily():
                return real(torch.ones(tensor.shape, dtype=tensor.dtype))

        monkeypatch.setattr(Tensor, "numpy", numpy)
        monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device=None: (2**34, 2**34))
        monkeypatch.setattr(step_timer, "_stamp", lambda: SimpleNamespace(query=lambda: False))
        monkeypatch.setattr(step_timer, "_stamp_in_graph", lambda kind: [])
        monkeypatch.setattr(nn.Module, "to", self._moved)
        monkeypatch.setattr(FakeTensor, "backward", self._backward)
        monkeypatch.setattr(FakeTensor, "__deepcopy__", self._copied, raising=False)

    @property
    def waits(self) -> list[str]:
        return self.mode.waits

    @property
    def _copied(self) -> Callable[[Tensor, dict[int, Any]], Tensor]:
        def copied(tensor: Tensor, memo: dict[int, Any]) -> Tensor:
            with self.mode:
                made = tensor.detach().clone()
            memo[id(tensor)] = nn.Parameter(made, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else made
            return memo[id(tensor)]

        return copied

    @property
    def _moved(self) -> Callable[..., nn.Module]:
        real = nn.Module.to

        def moved(module: nn.Module, *given: Any, **options: Any) -> nn.Module:
            """torch exchanges the content of tensors; fake ones have none."""
            if not any(isinstance(each, FakeTensor) for each in module.parameters()):
                return real(module, *given, **options)
            if given and isinstance(given[0], torch.device):
                self.module(module)
            if "memory_format" in options:
                _laid_out(module, options["memory_format"])
            return module

        return moved

    @property
    def _backward(self) -> Callable[[Tensor], None]:
        def backward(loss: Tensor) -> None:
            """Gives gradients to what the loss was made of. Autograd itself wants to see the GPU."""
            assert loss.dim() == 0
            reached, seen = [loss.grad_fn], set()
            while reached:
                node = reached.pop()
                if node is None or node in seen:
                    continue
                seen.add(node)
                reached += [each for each, _ in node.next_functions]
                if (leaf := getattr(node, "variable", None)) is not None:
                    with self.mode, torch.no_grad():
                        leaf.grad = torch.empty_like(leaf) if leaf.grad is None else leaf.grad + torch.empty_like(leaf)

        return backward

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Inside, whatever is made for the GPU lies on it."""
        with self.mode:
            yield

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Inside, nothing is noted: here a GPU may be waited for."""
        before = list(self.waits)
        yield
        self.waits[:] = before

    def tensor(self, value: Tensor) -> Tensor:
        """A tensor's form, on the GPU."""
        with self.mode:
            return self.mode.from_tensor(value.detach()).to(GPU, non_blocking=True)

    def module(self, module: nn.Module) -> nn.Module:
        """The module itself, with parameters and buffers on the GPU."""
        moved: dict[int, Tensor] = {}
        for part in module.modules():
            for store in (part._parameters, part._buffers):
                for name, value in store.items():
                    if value is not None and not isinstance(value, FakeTensor):
                        if id(value) not in moved:
                            fake = self.tensor(value)
                            moved[id(value)] = nn.Parameter(fake) if store is part._parameters else fake
                        store[name] = moved[id(value)]
        return module

    def clips(self, clips: ResidentClips) -> ResidentClips:
        """Resident clips whose values lie on the GPU."""
        return replace(clips, values=self.tensor(clips.values), device=GPU)


def _laid_out(network: nn.Module, memory_format: torch.memory_format) -> None:
    for part in network.modules():
        for name, value in part._parameters.items():
            if value is not None and value.dim() == 4:
                laid_out = value.detach().contiguous(memory_format=memory_format)
                part._parameters[name] = nn.Parameter(laid_out, value.requires_grad)


class Graphs:
    """CUDA's streams and graphs in place of CUDA's: a graph is recorded by making the calls, and replaying it does nothing."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.recorded, self.replayed, self.recording, self.renewed, self.watching = 0, 0, False, 0, False
        self.devices: list[torch.device] = []
        self.serving: list[
            tuple[int, tuple[int, int]]
        ] = []  # pools of recordings that the allocator takes to be under way
        self.on = "the usual stream"
        self.stream = SimpleNamespace(wait_stream=lambda other: None)
        for name, stands_in in {
            "Stream": lambda device: self.stream,
            "current_stream": lambda: SimpleNamespace(wait_stream=lambda other: None),
            "stream": self.going_back,
            "device": self.device,
            "current_device": lambda: 0,
            "default_generators": [SimpleNamespace(clone_state=lambda: None, graphsafe_set_state=self._renew)],
            "get_sync_debug_mode": lambda: 0,
            "set_sync_debug_mode": self.watch,
            "CUDAGraph": lambda: SimpleNamespace(replay=self.replay),
            "graph": self.graph,
            "graph_pool_handle": lambda: (0, self.recorded + 1),
        }.items():
            monkeypatch.setattr(torch.cuda, name, stands_in)
        self.released: list[tuple[int, tuple[int, int]]] = []
        monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", self._end_pool, raising=False)
        monkeypatch.setattr(torch._C, "_cuda_releasePool", lambda *given: self.released.append(given), raising=False)

    def _end_pool(self, device: int, pool: tuple[int, int]) -> None:
        if (device, pool) not in self.serving:
            raise RuntimeError("endAllocatePool: not currently recording to mempool_id")
        self.serving.remove((device, pool))

    def _renew(self, state: None) -> None:
        self.renewed += 1

    def watch(self, mode: object) -> None:
        """As torch does, which warns of the mode itself."""
        self.watching = mode == "warn"
        if self.watching:
            warnings.warn("Synchronization debug mode is a prototype feature", stacklevel=1)

    def replay(self) -> None:
        self.replayed += 1

    @contextlib.contextmanager
    def device(self, wanted: torch.device) -> Iterator[None]:
        self.devices.append(wanted)
        yield

    @contextlib.contextmanager
    def going_back(self, wanted: object) -> Iterator[None]:
        before = self.on
        try:
            yield
        finally:
            self.on = before

    @contextlib.contextmanager
    def graph(self, made: object, pool: tuple[int, int], stream: object) -> Iterator[None]:
        """As torch's: where what is recorded fails, its end fails, too, and leaves the process on the stream of the recording, and the
        allocator with its pool. Where memory runs out, the recording ends as it should."""
        assert stream is self.stream
        before, self.on = self.on, "the stream of the recording"
        self.recorded, self.recording = self.recorded + 1, True
        self.serving.append((0, pool))
        try:
            yield
        except torch.OutOfMemoryError:
            self._end_pool(0, pool)
            self.on = before
            raise
        except Exception:
            raise RuntimeError("CUDA error: operation failed due to a previous error during capture")  # noqa: B904
        finally:
            self.recording = False
        self._end_pool(0, pool)
        self.on = before
