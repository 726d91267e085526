"""Which route a classifier's network takes on this machine: each is checked against PyTorch in fp32 and timed in turn, once.

What is found is remembered in the workspace for the same network, machine, versions and threads. A route is right where it gives the
same top class and every probability within :data:`TOLERANCE`, on the golden clips and on noise; that depends on the weights, so it is
looked at whenever a route is made. With one thread the processor's time of that thread is compared, which other work on the machine
hardly changes.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from labcore.audio import dequantise
from labcore.device import cpu_name
from labcore.errors import LabError, WorkspaceError
from labcore.inference.onnx_route import version_of
from labcore.inference.route_memory import network_key
from labcore.inference.routes import WORDS, Route, build, trouble
from labcore.models import compiling
from labcore.remembered import ROUTES, Remembered, key_of
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.inference.classifier import Classifier

TOLERANCE = 1e-3
"""A probability may differ by so much from that in fp32."""
BATCHES = (1, 32)
"""Windows at a time that routes are compared with; of slow networks fewer than the larger number."""
FEWER = (16, 8, 4)
ROUNDS, FEWEST_ROUNDS = 9, 3
BOX_SECONDS = 3.0
FINE_SECONDS, LEAST_SECONDS = 1e-3, 1e-9
"""A clock is fine enough whose steps are shorter; what it does not see is taken as the least."""
LEAST_GAIN = 0.1
"""What a route has to save of PyTorch's time to be taken."""
SLOWER = 1.05
"""At neither of the batches may it take longer than that share of PyTorch's time."""
AUTO = ("eager", "bf16", "onnx")
"""What is compared where nothing is said; torch.compile takes longer to compile than it usually saves."""
VERSION = 3


@dataclass(frozen=True)
class RouteChoice:
    """The route to take, and why: a sentence without its final stop.

    Attributes:
        milliseconds: of a batch, at the least, by route, for one window and for many.
        refused: why the other routes were not compared.
        busy: the machine was too busy to compare them, and another time is better.
        network: which network, as :func:`labcore.inference.route_memory.network_key` names it.
    """

    route: str
    reason: str
    milliseconds: dict[str, list[float]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    busy: bool = False
    network: str = ""


def choose_route(
    classifier: Classifier, workspace: Workspace, wanted: str = "auto", threads: int | None = None
) -> tuple[Route, RouteChoice]:
    """The route that a classifier takes from here on, made and checked. Takes a second or two where it has to be timed.

    Args:
        wanted: a route; ``auto``: the one that is remembered, or the fastest of :data:`AUTO`; ``compare``: the fastest of all,
            timed anew, torch.compile among them.
        threads: that the network computes with on a CPU; those of torch where it is None.

    Raises:
        LabError: the route that is wanted cannot be taken, or does not give what PyTorch gives.
    """
    eager = classifier.routes.eager(classifier)
    on_cpu = classifier.device.type == "cpu"
    if wanted == "auto" and not on_cpu:
        return eager, RouteChoice("eager", f"{WORDS['eager']} on {classifier.device}: other routes are for a CPU")
    threads = threads or torch.get_num_threads()
    if wanted in ("compile", "compare"):
        compiling.keep_code(workspace)
    before = torch.get_num_threads()
    if threads != before:
        torch.set_num_threads(threads)
    try:
        probe = Probe(classifier, eager)
        if wanted in WORDS:
            return probe.made(wanted, threads), RouteChoice(wanted, f"{WORDS[wanted]}, as chosen")
        return _fastest(probe, Remembered(workspace, ROUTES), wanted, threads)
    finally:
        if threads != before:
            torch.set_num_threads(before)


def _fastest(probe: Probe, kept: Remembered, wanted: str, threads: int) -> tuple[Route, RouteChoice]:
    key = _key(probe, threads)
    choice = kept.recall(key, RouteChoice) if wanted == "auto" else None
    if choice is not None and choice.route in WORDS:
        try:
            return probe.made(choice.route, threads), choice
        except LabError as error:  # these weights, or a package that is gone: the next time may be another
            return probe.eager, RouteChoice("eager", f"{error.what}", choice.milliseconds, choice.refused)
    routes, refused = {"eager": probe.eager}, {}
    for name in (each for each in (AUTO if wanted == "auto" else WORDS) if each != "eager"):
        try:
            routes[name] = probe.made(name, threads)
        except LabError as error:
            refused[name] = error.what
    batches = _batches(_seconds_of_one(probe))
    choice, clear = decided(time_routes(routes, probe, threads, batches), refused, batches)
    if clear:
        with contextlib.suppress(WorkspaceError, OSError):  # it is found again next time
            kept.keep(key, replace(choice, network=_network(probe)))
    return routes[choice.route], choice


class Probe:
    """Images with what PyTorch in fp32 says of them, to check other routes with.

    Args:
        eager: the route of the classifier that is trusted.
    """

    def __init__(self, classifier: Classifier, eager: Route) -> None:
        self.classifier, self.eager = classifier, eager
        self.images = _images(classifier)
        self.probabilities, self.embeddings = self._asked(eager, self.images)

    def made(self, name: str, threads: int) -> Route:
        """A route that gives the same.

        Raises:
            LabError: there is none here, or it gives something else.
        """
        why = trouble(name, self.classifier.device)
        if not why:
            route = build(name, self.eager, self.images, threads)
            why = self._difference(route) if name != "eager" else ""
        if why:
            raise LabError(f"{WORDS[name]} is not used: {why}", "Use --route auto")
        return route

    def _difference(self, route: Route) -> str:
        """How a route differs by more than it may; empty where it does not."""
        try:
            found = [self._asked(route, self.images), self._asked(route, self.images[:1])]
        except Exception as error:  # of whatever kind: compilers and runtimes have their own
            return f"it failed: {' '.join(str(error).split())[:200]}"
        for probabilities, embeddings in found:
            wanted = self.probabilities[: len(probabilities)]
            worst = float(np.nan_to_num(np.abs(probabilities - wanted), nan=np.inf).max())
            if worst > TOLERANCE:
                return f"a probability differs by {worst:.2g} from PyTorch's, and {TOLERANCE:g} is accepted"
            top = np.take_along_axis(wanted, probabilities.argmax(1)[:, None], 1)[:, 0]
            if (wanted.max(1) - top > TOLERANCE).any():
                return "another class is the most probable"
            known = self.embeddings[: len(embeddings)]
            if embeddings.shape != known.shape or not np.allclose(embeddings, known, rtol=TOLERANCE, atol=TOLERANCE):
                return "its embeddings differ from PyTorch's"
        return ""

    @torch.inference_mode()
    def _asked(self, route: Route, images: Tensor) -> tuple[np.ndarray, np.ndarray]:
        shares = self.classifier.shares(route.logits(images)).cpu().numpy()
        logits, embeddings = route.with_embeddings(images)
        del logits
        return shares, embeddings.cpu().numpy()


@torch.inference_mode()
def _images(classifier: Classifier) -> Tensor:
    """Golden clips, at most eight, and noise at eight levels, as the network is given them: (clips, 1, n_mels, frames)."""
    generator = np.random.default_rng(0)
    samples = classifier.config.clip_samples
    waves = [level * generator.standard_normal(samples) for level in 10.0 ** np.linspace(-4, -0.5, 8)]
    if classifier.golden is not None:
        golden = zip(classifier.golden.samples[:8], classifier.golden.scales[:8], strict=True)
        waves = [*(dequantise(each, float(scale)) for each, scale in golden), *waves]
    given = torch.from_numpy(np.stack(waves).astype(np.float32)).to(classifier.device)
    return classifier.log_mel(given)[:, None]


def look_seconds(one: float) -> float:
    """About how long comparing the routes of a network takes that needs so many seconds for a window."""
    return (FEWEST_ROUNDS + 1) * len(AUTO) * sum(_batches(one)) * one


def _batches(one: float) -> tuple[int, int]:
    """Windows at a time that fit the time there is, by the seconds of one."""
    most = BOX_SECONDS / ((FEWEST_ROUNDS + 1) * len(AUTO) * max(one, 1e-9))
    return 1, next((batch for batch in (BATCHES[1], *FEWER) if batch <= most), FEWER[-1])


@torch.inference_mode()
def _seconds_of_one(probe: Probe) -> float:
    start = time.perf_counter()
    probe.eager.logits(probe.images[:1])
    return time.perf_counter() - start


@torch.inference_mode()
def time_routes(
    routes: dict[str, Route], probe: Probe, threads: int, batches: tuple[int, ...] = BATCHES
) -> dict[str, list[list[float]]]:
    """Seconds of each route, for each of the batches, round after round: of the processor where there is one thread."""
    fine = time.get_clock_info("thread_time").resolution < FINE_SECONDS
    clock = time.thread_time if threads == 1 and fine else time.perf_counter
    taken: dict[str, list[list[float]]] = {name: [[] for _ in batches] for name in routes}
    for place, batch in enumerate(batches):
        images = probe.images.repeat(-(-batch // len(probe.images)), 1, 1, 1)[:batch]
        again = (
            8 if batch == 1 and batches[1:] == BATCHES[1:] else 1
        )  # of a quick network the clock sees one pass badly
        end = time.perf_counter() + BOX_SECONDS / len(batches)
        for number in range(ROUNDS + 1):
            if number > FEWEST_ROUNDS and time.perf_counter() > end:
                break
            for name, route in routes.items():
                start = clock()
                for _ in range(again):
                    _ = route.with_embeddings(images) if probe.classifier.refuses else route.logits(images)
                if number:  # the first round is the warm-up
                    taken[name][place].append(max((clock() - start) / again, LEAST_SECONDS))
    return taken


def decided(
    taken: dict[str, list[list[float]]], refused: dict[str, str], batches: tuple[int, ...] = BATCHES
) -> tuple[RouteChoice, bool]:
    """The route to take, and whether the times are so clear that it is worth remembering.

    Args:
        taken: seconds by route, for each of the batches, of each round; those of ``eager`` among them.
    """
    least = {name: [min(seconds) for seconds in by_batch] for name, by_batch in taken.items()}
    shares = {
        name: [one / base for one, base in zip(each, least["eager"], strict=True)] for name, each in least.items()
    }
    sound = [name for name, each in shares.items() if max(each) <= SLOWER]
    best = min(sound, key=lambda name: float(np.prod(shares[name])))
    scatter = max(median(seconds) / min(seconds) - 1 for name in {best, "eager"} for seconds in taken[name])
    gain = 1 - float(np.prod(shares[best])) ** (1 / len(batches))
    told = {name: [round(1000 * seconds, 3) for seconds in each] for name, each in least.items()}
    if best != "eager" and gain <= scatter and gain + scatter >= LEAST_GAIN:
        reason = f"{WORDS['eager']}: the machine is too busy to compare routes"
        return RouteChoice("eager", reason, told, refused, busy=True), False
    if best != "eager" and gain >= LEAST_GAIN:
        one, many = shares[best]
        sizes = f"{one:.2f} of PyTorch's time for {batches[0]} window, {many:.2f} for {batches[1]}"
        return RouteChoice(best, f"{WORDS[best]} is the fastest: {sizes}", told, refused), True
    others = ", ".join(WORDS[name] for name in taken if name != "eager") or "nothing else"
    reason = f"{WORDS['eager']}: compared with {others}, which is not faster by a tenth"
    return RouteChoice(
        "eager", reason if len(taken) > 1 else f"{WORDS['eager']}: {_why_alone(refused)}", told, refused
    ), True


def _why_alone(refused: dict[str, str]) -> str:
    return "; ".join(refused.values()) or "no other route was compared"


def _network(probe: Probe) -> str:
    classifier = probe.classifier
    return network_key(classifier.members or [classifier.config.model], len(classifier.labels), probe.images.shape[1:])


def _key(probe: Probe, threads: int) -> str:
    classifier = probe.classifier
    return key_of(
        [
            VERSION,
            _network(probe),
            str(classifier.device.type),
            cpu_name(),
            torch.__version__,
            [version_of(name) for name in ("onnx", "onnxruntime")],
            threads,
            classifier.refuses,
        ]
    )
