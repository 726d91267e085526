"""Runs and cross-validations side by side: is one better, or may that be chance?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from labcore.cli.output import rendered
from labcore.cli.runs_compare import report
from labcore.comparison.compare import Against, Comparison
from labcore.comparison.compare import compare as compare_named
from labcore.errors import RunError
from labcore.face.names import RUN_NAMES, text_of
from labcore.face.reporting import write_report
from labcore.jobs.folder import JobFolder
from labcore.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from labcore.evaluation.paired import Difference


def compare(*runs: JobFolder | str | Path) -> ComparisonResult:
    """Compare runs or cross-validations, the first with each of the others, as `labcore runs compare` does.

    Runs that differ in their seed alone are one side, with the mean over the seeds.

    Args:
        runs: two or more of them, or their ids, names or folders.

    Raises:
        ConfigError: fewer than two are named, or something that names none.
        RunError: there is none of a name, or it cannot be read.
    """
    names = [str(run.path) if isinstance(run, JobFolder) else text_of(run, "a run", RUN_NAMES) for run in runs]
    return ComparisonResult(compare_named(Workspace.default(), names))


@dataclass(frozen=True, repr=False)
class ComparisonResult:
    """What came of a comparison. Shares are from 0 to 1, differences of the other side less the first one.

    Attributes:
        found: all of it.
    """

    found: Comparison

    @property
    def sentence(self) -> str:
        """The answer in words, a line for each other side."""
        return "\n".join(f"{each.sentence}." for each in self.found.against)

    @property
    def table(self) -> pd.DataFrame:
        """A row a run or cross-validation: ``side``, ``seed``, ``folds``, ``accuracy``, ``balanced_accuracy`` and ``macro_f1`` with the
        ends of their 95 % intervals (``…_low``, ``…_high``), ``seconds``; indexed by id."""
        import pandas as pd

        rows = []
        for side in self.found.sides:
            for each in side.members:
                row = {"run": each.id, "side": side.letter, "seed": each.seed, "folds": ", ".join(each.folds)}
                row |= {"accuracy": each.accuracy, "mean_ap": each.mean_ap, "seconds": each.seconds}
                if (told := self.found.figures.get(each.id)) is not None:
                    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
                        figure = getattr(told, name)
                        row |= {name: figure.value, f"{name}_low": figure.low, f"{name}_high": figure.high}
                rows.append(row)
        return pd.DataFrame(rows).set_index("run").dropna(axis=1, how="all")

    @property
    def difference(self) -> float:
        """How much more accurate B is than A on the clips that both judged."""
        return self._told[1].value

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the difference, by recording; None where all clips are of one."""
        found = self._told[1]
        return None if found.low is None or found.high is None else (found.low, found.high)

    @property
    def p(self) -> float | None:
        """The exact probability of McNemar's test; None where a side has several seeds."""
        return self._told[1].p

    @property
    def certain(self) -> bool:
        """Whether the difference is more than chance would give once in twenty, by interval and tests."""
        return self._told[1].certain

    @property
    def per_class(self) -> pd.DataFrame:
        """Clips, recall of A (``one``) and of B (``other``), and the change, a row a class."""
        from labcore.evaluation.paired import per_class

        pairs = self._told[0].pairs
        assert pairs is not None
        return per_class(pairs).set_index("label")

    def report(self, file: str | Path) -> Path:
        """Write it as one file to hand on, as :meth:`labcore.face.run.TrainingRun.report` does."""
        return write_report([each.id for side in self.found.sides for each in side.members], file)

    @property
    def _told(self) -> tuple[Against, Difference]:
        against = self.found.against
        if len(against) > 1:
            raise RunError(f"{len(against) + 1} sides are compared", "Compare two of them; sentence has all")
        (only,) = against
        if only.difference is None:
            raise RunError(only.sentence, "table has the figures of each")
        return only, only.difference

    def __repr__(self) -> str:
        return "\n".join(rendered(each, "file") for each in report(self.found))
