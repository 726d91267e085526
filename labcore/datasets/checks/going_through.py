"""A data set is gone through: what is not known of its clips yet is measured, and what may be copies is compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from labcore.datasets.checks.copies import SAME, compare
from labcore.datasets.checks.evidence import near_pairs, spans_of
from labcore.datasets.checks.kept import Kept, PairKey, digest_of, key_of
from labcore.datasets.checks.measure import Found, Measured, measure
from labcore.datasets.table import Dataset
from labcore.device import usable_cores
from labcore.jobs.following import OnProgress

SAVED_EVERY = 2000
"""Clips that are measured between two times that they are kept: a check that is stopped goes on from there."""
Rows = tuple[int, int]


class Measurements:
    """The clips of a data set, with what is known of each.

    Args:
        kept: what is known already; what is found is added to it.
    """

    def __init__(self, dataset: Dataset, kept: Kept) -> None:
        self.kept, self._spans, self._groups = kept, spans_of(dataset), list(dataset.table["group"])
        self._keys = [key_of(span) for span in self._spans]

    @property
    def complete(self) -> bool:
        """Whether all of it is known: these are the clips that a check went through to its end with."""
        return bool(self._keys) and self.kept.whole == digest_of(self._keys, self._groups)

    @property
    def unknown(self) -> int:
        """So many clips have not been measured, since they are new or their files have changed."""
        return sum(key not in self.kept.found for key in self._keys)

    @property
    def found(self) -> list[Found]:
        """What is known of each row of the table.

        Raises:
            KeyError: a clip has not been measured.
        """
        return [self.kept.found[key] for key in self._keys]

    def same(self) -> list[Rows]:
        """Rows that hold the same sound in files that differ."""
        rows: dict[str, int] = {}
        for row, key in enumerate(self._keys):
            rows.setdefault(key, row)
        known = [(rows.get(one), rows.get(other)) for (one, other), agree in self.kept.pairs.items() if agree >= SAME]
        return [(one, other) for one, other in known if one is not None and other is not None]

    def agreement(self, one: int, other: int) -> float | None:
        """How far the waveforms of two rows agree; None where they were not compared."""
        return self.kept.pairs.get(self._pair((one, other)))

    def measure(self, progress: OnProgress, save: Callable[[], None] = lambda: None) -> None:
        """Decode every clip that is not known, once, on all cores.

        Args:
            progress: called with (clips done, clips), from this thread. What it raises ends the work.
            save: called now and then, and at the end, also where the work was ended.
        """
        missing = {key: span for key, span in zip(self._keys, self._spans, strict=True) if key not in self.kept.found}
        known, total, done = len(self._keys) - len(missing), len(self._keys), 0
        pool = ThreadPoolExecutor(usable_cores(), thread_name_prefix="measure")
        try:
            results = pool.map(measure, missing.values())
            for key, each in zip(missing, results, strict=True):
                self.kept.found[key] = each
                done += 1
                progress(known + done, total)
                if done % SAVED_EVERY == 0:
                    save()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            if done:
                save()
        progress(total, total)

    def compare(self, progress: OnProgress) -> None:
        """Compare the clips that may be copies, and have not been compared yet.

        Args:
            progress: called with (pairs done, pairs), from this thread. What it raises ends the work.
        """
        found = self.found
        near = near_pairs(found, self._spans, self._groups)
        pairs = [pair for pair in near if self._pair(pair) not in self.kept.pairs]
        measured = [each if isinstance(each, Measured) else None for each in found]
        agree = compare(self._spans, measured, pairs, progress) if pairs else []
        self.kept.pairs |= {self._pair(pair): each for pair, each in zip(pairs, agree, strict=True)}

    def finish(self) -> None:
        """A check has come to its end: all is known, as of now."""
        self.kept.finish(self._keys, self._groups)

    def _pair(self, rows: Sequence[int]) -> PairKey:
        one, other = (self._keys[row] for row in rows)
        return one, other
