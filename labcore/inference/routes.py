"""Routes: the ways in which a network in use can be computed. They give the same, within a tolerance, at different speeds.

``eager``    PyTorch in fp32, the normalisations folded in (:func:`labcore.models.folded.folded`): what all others are compared with
``bf16``     the same in bf16, where the processor computes that itself
``compile``  the same through torch.compile, which takes half a minute first
``onnx``     ONNX Runtime on the exported network, on a CPU (:mod:`labcore.inference.onnx_route`)
"""

from __future__ import annotations

import contextlib
import os
import time
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from labcore.errors import LabError
from labcore.inference.embed import Features, attach, bare_copy
from labcore.models import compiling

if TYPE_CHECKING:
    from labcore.inference.classifier import Classifier
    from labcore.inference.route_choice import RouteChoice
    from labcore.inference.route_finder import RouteFinder

WORDS = {
    "eager": "PyTorch",
    "bf16": "PyTorch in bf16",
    "compile": "torch.compile",
    "onnx": "ONNX Runtime",
}
"""The routes, and what sentences call them."""


class Route:
    """Images to logits, by PyTorch as it is.

    Args:
        network: in eval mode, on its device. Its weights may change for as long as no other route is made of it.

    Attributes:
        name: which route it is, of :data:`WORDS`.
    """

    name = "eager"

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self._features: Features | None = None

    def logits(self, images: Tensor) -> Tensor:
        """(batch, 1, n_mels, frames) on the network's device → (batch, classes), in inference mode."""
        logits: Tensor = self.network(images)
        return logits

    def with_embeddings(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and what the last layer is given: (batch, width) float32, width 0 where there is no such layer."""
        if self._features is None:
            self._features = attach(self.network)
        self._features.take(0, images.device)  # what passes before have left
        logits = self.network(images)
        return logits, self._features.take(len(images), images.device)

    def __deepcopy__(self, memo: dict[int, Any]) -> Route:
        return self  # what it computes with is not changed


class RoutesInUse:
    """By which route the network of a classifier is computed.

    Attributes:
        folded: of the copy that is made for use; None for a classifier in training, whose network may be replaced.
        taken: another one that :func:`labcore.inference.route_choice.choose_route` made of this classifier.
        choice: why it was taken, or none was; None where nobody has looked for one.
        finder: finds one once that pays; None where nobody asked for it.
    """

    def __init__(self) -> None:
        self.folded: Route | None = None
        self.taken: Route | None = None
        self.choice: RouteChoice | None = None
        self.finder: RouteFinder | None = None
        self._plain: Route | None = None
        _ALL.add(self)

    def eager(self, classifier: Classifier) -> Route:
        """PyTorch in fp32, which all others are compared with."""
        if self.folded is not None:
            return self.folded
        if self._plain is None or self._plain.network is not classifier.network:
            self._plain = Route(classifier.network)
        return self._plain

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A copy of a classifier, or one from another process, begins with PyTorch: routes hold sessions, hooks and locks."""
        RoutesInUse.__init__(self)

    @contextlib.contextmanager
    def working(self, classifier: Classifier, windows: int) -> Iterator[Route]:
        """The route for a batch of so many windows; the finder is told how long it took."""
        start = time.thread_time()
        yield self.taken or self.eager(classifier)
        if self.finder is not None:
            self.taken = self.finder.worked(classifier, time.thread_time() - start, windows) or self.taken


_ALL: weakref.WeakSet[RoutesInUse] = weakref.WeakSet()


def _in_child() -> None:
    """After a fork, as in a worker of multiprocessing: of all threads that computed, the one that forked is left, and PyTorch and
    sessions would wait for the others for ever."""
    torch.set_num_threads(1)
    for routes in _ALL:
        routes.taken = routes.finder = None


os.register_at_fork(after_in_child=_in_child)


class _Quicker(Route):
    """Logits by something quicker, embeddings by PyTorch as it is: distances between them bear no rounding.

    Args:
        eager: of a network whose weights change no more.
    """

    def __init__(self, eager: Route) -> None:
        super().__init__(eager.network)
        self.eager = eager

    def with_embeddings(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.eager.with_embeddings(images)


class HalfRoute(_Quicker):
    name = "bf16"

    def __init__(self, eager: Route) -> None:
        super().__init__(eager)
        self._half = bare_copy(eager.network).to(torch.bfloat16)

    def logits(self, images: Tensor) -> Tensor:
        logits: Tensor = self._half(images.to(torch.bfloat16))
        return logits.float()


class CompiledRoute(_Quicker):
    name = "compile"

    def __init__(self, eager: Route) -> None:
        super().__init__(eager)
        self._compiled = compiling.compiled(bare_copy(eager.network), dynamic=True)

    def logits(self, images: Tensor) -> Tensor:
        with torch.inference_mode(False), torch.no_grad():  # compiled code refuses tensors of inference mode
            return self._compiled(images.clone())


def build(name: str, eager: Route, images: Tensor, threads: int) -> Route:
    """A route of a network whose weights change no more.

    Args:
        name: of :data:`WORDS`.
        eager: the route that is there.
        images: an example, (batch, 1, n_mels, frames), on the network's device.
        threads: that it may compute with.

    Raises:
        LabError: there is none of that kind here; ``what`` says why.
    """
    if name == "onnx":
        from labcore.inference.onnx_route import OnnxRoute

        return OnnxRoute(eager, images, threads)
    makers: dict[str, Callable[[Route], Route]] = {"bf16": HalfRoute, "compile": CompiledRoute}
    try:
        return makers[name](eager) if name in makers else eager
    except Exception as error:  # whatever the compiler stumbles over
        raise LabError(f"{WORDS[name]} failed: {' '.join(str(error).split())[:200]}", "Use --route auto") from error


def trouble(name: str, device: torch.device) -> str:
    """Why a route cannot be taken on a device, as far as that is known without trying; empty where it can."""
    if name == "onnx" and device.type != "cpu":
        return f"the lab uses ONNX Runtime on a CPU only, and this is {device}"
    if name == "bf16" and device.type == "cpu" and not torch.cpu._is_avx512_bf16_supported():
        return "this processor does not compute bf16 itself"
    return ""
