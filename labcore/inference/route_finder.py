"""When a classifier looks for a faster route: once it has worked for about as long as looking takes.

So a first clip waits for nothing, a few files are done before it would pay, and a long recording is never much slower than with
the route known from the start.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from labcore.inference.route_choice import RouteChoice, choose_route, look_seconds
from labcore.inference.routes import WORDS, Route
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.inference.classifier import Classifier

PATIENCE_SECONDS = 2.0
"""The least, of the network, by the clock of the thread that calls it; twice as long after each time that the machine was too busy to
compare."""


def find_later(classifier: Classifier, workspace: Workspace) -> Classifier:
    """Have a classifier find its route once that pays; returns the classifier. For one whose weights change no more."""
    classifier.routes.finder = RouteFinder(workspace)
    return classifier


def find_now(
    classifier: Classifier, workspace: Workspace, wanted: str = "auto", threads: int | None = None
) -> RouteChoice:
    """Have a classifier take a route at once.

    Args:
        wanted, threads: as for :func:`choose_route`.

    Raises:
        LabError: the route that is named cannot be taken.
    """
    route, choice = _chosen(classifier, workspace, wanted, threads)
    classifier.routes.taken, classifier.routes.choice = route, choice
    return choice


def _chosen(
    classifier: Classifier, workspace: Workspace, wanted: str = "auto", threads: int | None = None
) -> tuple[Route, RouteChoice]:
    """As :func:`choose_route`, but that a classifier works as it is where no route was named and looking for one fails."""
    try:
        return choose_route(classifier, workspace, wanted, threads)
    except Exception as error:  # exporters, compilers and runtimes have no common class of errors
        if wanted in WORDS:
            raise
        first = str(error).partition("\n")[0]
        return classifier.routes.eager(classifier), RouteChoice(
            "eager", f"{WORDS['eager']}: looking for others failed: {first}"
        )


class RouteFinder:
    """Finds the route of one classifier, in the thread that is working when it is due.

    Args:
        workspace: remembers what was found.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._patience, self._worked = PATIENCE_SECONDS, 0.0
        self._window = float("inf")  # seconds of the quickest one so far
        self._looking = threading.Lock()

    def worked(self, classifier: Classifier, seconds: float, windows: int) -> Route | None:
        """Told of the time of each batch and its windows; the route from here on where it was looked for now."""
        self._worked += seconds  # a batch that two threads add at once may be lost: it is a measure of patience
        self._window = min(self._window, seconds / max(1, windows))
        if self._waits() or not self._looking.acquire(blocking=False):
            return None
        try:
            return None if self._waits() else self._found(classifier)
        finally:
            self._looking.release()

    def _waits(self) -> bool:
        return self._worked < max(self._patience, look_seconds(self._window))

    def _found(self, classifier: Classifier) -> Route:
        route, choice = _chosen(classifier, self._workspace)
        classifier.routes.choice = choice
        if choice.busy:
            self._worked, self._patience = 0.0, 2 * self._patience
        else:
            self._patience = float("inf")
        return route
