"""What the pages say about a data set before anything is trained on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from labcore.config import CUTTING, DataConfig, RunConfig
from labcore.config.front_end import Bandwidths, front_end
from labcore.runs import Run
from labcore.training.run_time import TrainingClips, clips_of
from ui.app import services
from ui.app.shell import controlled
from ui.app.text import plain
from ui.datasets.opened import version

if TYPE_CHECKING:
    from labcore.datasets.glance import DatasetInfo
    from labcore.datasets.table import DataProblem, Dataset, Finding

AUTOMATIC = "automatic"
READING = (*CUTTING, "data.labels")
"""The settings that say which clips and labels a data set is read as."""


@dataclass(frozen=True)
class DataSummary:
    """A data set as split for a run.

    Attributes:
        counts: label → (training clips, held-out clips).
        clips: both numbers of all.
        before: of these, what tells of the time.
        folds_note: how the folds came about, and what holds whichever is tested on.
        in_one_fold: labels all of whose clips are in one fold, so that no network can be tested on what it learnt of them.
        several: a clip may have several labels, all of which are learnt.
        checked: what the last check left open.
        clean: whether that is nothing.
    """

    name: str
    folds: list[str]
    fold: str
    counts: dict[str, tuple[int, int]]
    note: str
    problems: list[DataProblem]
    findings: list[Finding]
    checked: str = ""
    clips: tuple[int, int] = (0, 0)
    before: TrainingClips = field(default_factory=lambda: TrainingClips(0, 0))
    several: bool = False
    clean: bool = True
    folds_note: str = ""
    in_one_fold: tuple[str, ...] = ()

    @property
    def training(self) -> int:
        return self.clips[0]

    @property
    def held_out(self) -> int:
        return self.clips[1]


def summary(name: str, fold: str | None, *more: Any, **named: Any) -> DataSummary:
    """Read a data set and split it as :func:`labcore.datasets.split` does, remembered for a minute or until it is mended or corrected.

    Args:
        more, named: the settings ``data.split``, ``data.leave_out``, ``data.validation_share`` and ``data.exclude_classes``, how clips
            are cut by annotations (see :func:`cut_by`), ``data.named_split``, ``data.train_recordings``, ``data.sample``, and ``run``:
            the folder of a run that was trained on it, which knows its clips and its split; ``cut`` and ``named_split`` are its own then.

    Raises:
        DatasetError: it is not there, cannot be read, has no such fold or named split, or that leaks.
    """
    return _summary(version(name), name, fold, *more, **named)


@st.cache_data(ttl=60, max_entries=32, show_spinner="Reading the data set …")
def _summary(
    changed: Any,
    name: str,
    fold: str | None,
    kind: str = "official",
    leave_out: str | None = None,
    validation_share: float = 0.0,
    exclude_classes: tuple[str, ...] = (),
    cut: str = "",
    named_split: str | None = None,
    run: str = "",
    train_recordings: int | None = None,
    sample: int = 1,
) -> DataSummary:
    from labcore.datasets.checked import last_check
    from labcore.datasets.sampling import sampled
    from labcore.datasets.several import exploded
    from labcore.datasets.splits import NOT_TESTED, NOT_TRAINED, of_classes, split_for

    dataset = _dataset(name, cut, named_split, run)
    whole = dataset if named_split is None else _dataset(name, cut, None)
    data = DataConfig(
        fold=fold, split=kind, leave_out=leave_out, validation_share=validation_share, exclude_classes=exclude_classes,
        train_recordings=train_recordings, sample=sample,
    )  # type: ignore[arg-type]  # fmt: skip
    dataset = sampled(dataset, data)
    parts, check = split_for(dataset, data), last_check(whole)
    sides = (exploded(dataset.table.iloc[rows])["label"] for rows in (parts.train, parts.held_out))
    train, held_out = (labels.value_counts().to_dict() for labels in sides)
    notes = [text for text in (dataset.fold_note, parts.note) if text]
    of_this_fold = (NOT_TRAINED, NOT_TESTED)
    of_any = "; ".join(text for text in parts.note.split("; ") if not text.startswith(of_this_fold))
    folds_of = exploded(dataset.table).groupby("label")["fold"].agg(set)
    known = [label for label in dataset.labels if not of_classes([label], exclude_classes)[0]]
    return DataSummary(
        name=dataset.name,
        folds=list(dataset.folds),
        fold=parts.fold,
        counts={label: (int(train.get(label, 0)), int(held_out.get(label, 0))) for label in known},
        note=" · ".join(dict.fromkeys(notes)),
        problems=dataset.problems,
        findings=dataset.findings,
        checked=check.sentence,
        clean=check.clean,
        clips=(len(parts.train), len(parts.held_out)),
        before=clips_of(dataset, data),
        several=dataset.several_labels,
        folds_note=" · ".join(filter(None, (dataset.fold_note, of_any))),
        in_one_fold=tuple(
            label for label in known if len(folds_of.get(label, ())) == 1 and "train" not in folds_of[label]
        ),
    )


def with_front_end(config: RunConfig, *, all_folds: bool = False) -> tuple[RunConfig, str]:
    """The configuration with the front end that a training will have, and why it is so: a sentence; "" where nothing is automatic.

    Args:
        all_folds: of a cross-validation.

    Raises:
        DatasetError: as :func:`summary` does.
    """
    if config.audio.sample_rate is not None:
        return config, ""
    data = config.data.model_copy(update={"window_seconds": config.cutting.window_seconds})
    name = data.dataset
    bandwidths = _bandwidths(version(name), data.model_dump_json(), all_folds)
    chosen = front_end(config, bandwidths)
    return config.replace(chosen.changes), f"Front end, automatic: {plain(chosen.reason)}."


@st.cache_data(ttl=600, max_entries=32, show_spinner="Measuring some of the clips …")
def _bandwidths(changed: Any, data: str, all_folds: bool) -> Bandwidths:
    from labcore.datasets.bandwidths import bandwidths_in, training_rows
    from labcore.datasets.in_split import dataset_for

    asked = DataConfig.model_validate_json(data)
    dataset = dataset_for(services.workspace(), asked)
    return bandwidths_in(services.workspace(), dataset, training_rows(dataset, asked, all_folds=all_folds))


def _dataset(name: str, cut: str, named_split: str | None, run: str = "") -> Dataset:
    from labcore.datasets import find_dataset
    from labcore.datasets.in_split import dataset_for
    from labcore.datasets.resuming import dataset_of

    if run:
        return dataset_of(Run(Path(run)), services.workspace(), name)
    data = cutting(cut)
    if named_split is None:
        return find_dataset(services.workspace(), name, data)
    data = data or DataConfig()
    return dataset_for(services.workspace(), data.model_copy(update={"dataset": name, "named_split": named_split}))


@dataclass(frozen=True)
class Folds:
    """The folds of a data set. ``reasons`` is fold → why it cannot be held out, "" where it can; ``automatic`` is what the lab takes;
    ``labels`` are its classes."""

    reasons: dict[str, str]
    automatic: str
    labels: tuple[str, ...] = ()

    def title(self, fold: str) -> str:
        """A fold in a list to choose from."""
        return f"{fold} (cannot be tested on)" if self.reasons.get(fold) else fold

    @property
    def automatic_title(self) -> str:
        return f"automatic ({self.automatic})" if self.automatic else "automatic (none possible)"

    @property
    def told(self) -> str:
        """Which folds cannot be the test fold, and why, each reason once."""
        by_reason: dict[str, list[str]] = {}
        for fold, reason in self.reasons.items():
            if reason:
                by_reason.setdefault(reason.replace(f"fold {fold} ", "it "), []).append(fold)
        return " ".join(
            f"{'Fold' if len(folds) == 1 else 'Folds'} {', '.join(folds)} cannot be the test fold: {reason}."
            for reason, folds in by_reason.items()
        )


def fold_box(there: Folds, current: str | None, take: Callable[[str | None], None], *, key: str, help: str) -> None:
    """A list of the folds to test on. ``take`` is told what a visitor chooses; None leaves it to the lab."""
    options, shown = [AUTOMATIC, *there.reasons], current or AUTOMATIC
    st.selectbox(
        "Test fold",
        options,
        index=options.index(shown),
        format_func=lambda fold: there.automatic_title if fold == AUTOMATIC else there.title(fold),
        help=help,
        **controlled(key, shown, lambda chosen: take(None if chosen == AUTOMATIC else chosen), options),
    )
    tell_impossible(there)


def tell_impossible(there: Folds) -> None:
    if there.told:
        st.caption(f":orange[:material/warning:] {plain(there.told)}")


def folds(name: str, *more: Any, **named: Any) -> Folds:
    """The folds of a data set, whatever can be held out of them; remembered as :func:`summary` is.

    Args:
        more, named: as for :func:`summary`, without the validation share.

    Raises:
        DatasetError: it is not there, or cannot be read.
    """
    return _folds(version(name), name, *more, **named)


@st.cache_data(ttl=60, max_entries=32, show_spinner="Reading the data set …")
def _folds(
    changed: Any,
    name: str,
    kind: str = "official",
    leave_out: str | None = None,
    exclude_classes: tuple[str, ...] = (),
    cut: str = "",
    named_split: str | None = None,
    run: str = "",
) -> Folds:
    from labcore.datasets import cannot_be_held_out
    from labcore.datasets.splits import split_for
    from labcore.errors import DatasetError

    dataset = _dataset(name, cut, named_split, run)
    data = DataConfig(split=kind, leave_out=leave_out, exclude_classes=exclude_classes)  # type: ignore[arg-type]
    reasons = cannot_be_held_out(dataset, data)
    try:
        automatic = split_for(dataset, data).fold
    except DatasetError:
        automatic = ""
    return Folds(reasons, automatic, tuple(dataset.labels))


def cut_by(config: RunConfig) -> str:
    """How a configuration cuts clips by time-stamped annotations, as a text by which that is remembered."""
    return config.cutting.model_dump_json(include={path.removeprefix("data.") for path in READING})


def cut_as(values: Mapping[str, Any]) -> str:
    """The same of the values of a form (path → value), whatever the others are."""
    return cut_by(RunConfig().replace({path: values[path] for path in (*READING, "audio.clip_seconds")}))


def cutting(cut: str) -> DataConfig | None:
    """What :func:`cut_by` made a text of."""
    return DataConfig.model_validate_json(cut) if cut else None


@st.cache_data(ttl=10, max_entries=32, show_spinner=False)
def splits(name: str) -> dict[str, str]:
    """The named splits of a data set, each with a sentence on it."""
    from labcore.datasets.named_splits import named_splits
    from labcore.errors import LabError

    try:
        return {split: each.note for split, each in named_splits(services.workspace(), name).items()}
    except LabError:  # no data set of the workspace: it has none
        return {}


def split_box(name: str, current: str | None, take: Callable[[str | None], None], *, key: str, help: str) -> None:
    """A list of the named splits to choose from; None for the folds of the data set."""
    there = splits(name)
    shown = current or AUTOMATIC
    options = list(dict.fromkeys([AUTOMATIC, *there, shown]))
    st.selectbox(
        "Named split",
        options,
        index=options.index(shown),
        format_func=lambda split: "none: folds of the data set" if split == AUTOMATIC else there.get(split, split),
        help=help,
        **controlled(key, shown, lambda chosen: take(None if chosen == AUTOMATIC else chosen), options),
    )


def called_now(name: str) -> str:
    """What a data set is called by now, where it was renamed since."""
    from labcore.datasets.names import called_now

    return called_now(services.workspace(), name) if name else name


def names() -> list[str]:
    """The data sets of the workspace that can be used, by name. Looks at each of them: :func:`usable` asks for one."""
    return [info.name for info in infos() if not info.error]


def usable(name: str) -> bool:
    """Whether a data set of that name is in the workspace and can be used."""
    info = info_of(name)
    return info is not None and not info.error


def told_at_adding(chosen: DataSummary) -> list[str]:
    """What was found when a data set was added and reading its list does not show again: files that are no audio.

    Where clips are cut by annotations, reading shows those too.
    """
    info = info_of(chosen.name)
    return info.told if info is not None and info.layout != "annotations" else []


def infos() -> list[DatasetInfo]:
    """The data sets of the workspace at a glance."""
    from labcore.datasets import list_datasets

    return list_datasets(services.workspace())


def info_of(name: str) -> DatasetInfo | None:
    """One of them; None where there is none of that name."""
    from labcore.datasets.glance import dataset_info

    return dataset_info(services.workspace(), name)
