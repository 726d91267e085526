"""Cross-validations from Python: what they are asked for, and their figures by fold and together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import accuracy_score, f1_score

import labcore as lab
from labcore.errors import ConfigError, DatasetError, RunError
from labcore.events import RunFinished
from labcore.workspace import Workspace
from tests.face.conftest import TINY
from tests.judged import finished_crossval


@pytest.fixture
def crossval(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> lab.CrossValidationRun:
    monkeypatch.setenv("LABCORE_HOME", str(workspace.home))
    return lab.load_cross_validation(finished_crossval(workspace))


def test_figures_by_fold_and_of_all_clips(crossval: lab.CrossValidationRun, tmp_path: Path) -> None:
    assert lab.load_cross_validation("last") == lab.load_cross_validation(crossval.path) == crossval
    folds = crossval.table["accuracy"]
    assert list(folds.index) == list(crossval.trained) == ["1", "2"]
    assert (crossval.mean, crossval.deviation) == (pytest.approx(folds.mean()), pytest.approx(folds.std(ddof=1)))
    result = crossval.result
    rows = result.predictions
    told = rows[rows.attrs["labels"]].idxmax(axis=1)
    assert (len(rows), result.clips, result.fold) == (80, 80, "all")
    assert result.accuracy == pytest.approx(accuracy_score(rows["label"], told))
    assert result.metrics.loc["macro_f1", "value"] == pytest.approx(f1_score(rows["label"], told, average="macro"))
    assert result.metrics.loc["accuracy", ["low", "high"]].tolist() == pytest.approx(result.interval)
    assert result.confusion.to_numpy().sum() == 80
    assert "mean ± standard deviation over 2 folds" in repr(crossval)
    assert "<table" in crossval._repr_html_()
    assert "Cross-validation" in crossval.report(tmp_path / "cv.md").read_text(encoding="utf-8")


def test_it_is_one_of_the_workspace(data: lab.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab.CrossValidationRun, "follow", lambda self: self)
    made = lab.cross_validate(data, folds=[1, "2"], epochs=3, settings=TINY)
    assert (list(made.trained), made.state, made.config.optim.epochs) == (["1", "2"], "queued", 3)
    with pytest.raises(RunError, match=r"no fold of cross-validation .* has finished. Wait for its end"):
        made.result  # noqa: B018
    for each in (*made.trained.values(), made):
        each.delete()


def test_it_finishes_early(
    data: lab.Dataset, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """One that runs is told and followed; one that does not goes on as well."""
    followed: list[bool] = []
    monkeypatch.setattr(lab.CrossValidationRun, "follow", lambda self, *, resume=False: followed.append(resume) or self)
    made = lab.cross_validate(data, folds=[1, 2], epochs=9, settings=TINY)
    with pytest.raises(ConfigError, match="folds 1, 2 would not end before their time"):
        made.resume(more=9)
    made.resume(more=3)
    assert "Folds 1, 2, which have not begun, train 3 epochs." in capfd.readouterr().out
    assert made.table[["epochs", "planned"]].to_numpy().tolist() == [[3, 9], [3, 9]]
    assert "Finished early: folds 1, 2 after 3 of 9 epochs" in repr(made)
    for each in made.trained.values():
        each.append(RunFinished(state="stopped"))
    made.resume(more=2)
    assert followed == [False, False, True]
    for each in (*made.trained.values(), made):
        each.delete()


@pytest.mark.parametrize(
    ("given", "error", "what"),
    [
        ({"fold": 1}, ConfigError, r"holds every fold out. Name some by folds=\['1', …\]"),
        ({"folds": "1"}, ConfigError, r"Give a list: folds=\['1'\]"),
        ({"folds": [1, 1]}, ConfigError, "or one twice"),
        ({"folds": [9]}, DatasetError, "no fold '9'"),
        ({"epochz": 3}, ConfigError, "Did you mean epochs"),
    ],
)
def test_mistakes(data: lab.Dataset, given: dict[str, Any], error: type[Exception], what: str) -> None:
    with pytest.raises(error, match=what):
        lab.cross_validate(data, **given)


def test_one_interrupt_stops_all_folds(
    crossval: lab.CrossValidationRun, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As Ctrl-C would, before the second look; the last fold first, so that none takes a free place."""
    import signal

    stopped: list[str] = []

    def looks(job: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        yield _Going()

    monkeypatch.setattr("labcore.face.crossval.watched", looks)
    monkeypatch.setattr("labcore.face.crossval.JobManager", _manager(stopped))
    crossval.follow()
    assert stopped == [each.id for each in reversed(crossval.children())]
    assert "stopping all folds" in "".join(capfd.readouterr())


class _Going:
    active = True


def _manager(stopped: list[str]) -> Callable[[Workspace], Any]:
    class Manager:
        lacks_worker = False

        def __init__(self, workspace: Workspace) -> None: ...

        def stop(self, job: Any, *, by: str) -> None:
            stopped.append(job.id)

        def close(self) -> None: ...

    return Manager
