"""The report of a run, and of a cross-validation with the clips of all its folds taken together."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

from labcore.catalogue.rows import row_of
from labcore.comparison.candidates import Candidate, of_crossval, of_run
from labcore.comparison.compare import setting_told, setting_value
from labcore.config import RunConfig, Setting, all_settings
from labcore.crossval.job import CrossValidation
from labcore.crossval.summary import Pool, Summary, mean_text, summarise
from labcore.datasets.corrected_since import corrected_since
from labcore.evaluation.figures import Figure, Figures, figures_of_clips
from labcore.events import Epoch, Evaluated, EvaluatedLabels, TrainingStarted, epochs_of, last_of
from labcore.export import again, command_line
from labcore.inference.temperature import Temperature
from labcore.jobs.glances import glance
from labcore.report import figures, sounds
from labcore.report.alarms import alarms
from labcore.report.blocks import Block, Cell, Chart, Code, Facts, Paragraph, Report, Section, Series, Table
from labcore.report.methods import methods
from labcore.report.stamp import made_now
from labcore.runs import Run
from labcore.runs.asked import front_end_reason
from labcore.runs.honesty import choice_note, interval_note, label_note, leak_note, majority_note, untrained_notes
from labcore.texts import counted, duration, mean_ap_text, percent, spread
from labcore.workspace import Workspace


def run_report(workspace: Workspace, run: Run) -> Report:
    """A run, also one that has not ended: then the report tells what there is.

    Raises:
        RunError: its configuration cannot be read.
    """
    each, events, state = of_run(workspace, run), run.events(), glance(run).state
    result, found = last_of(events, Evaluated), _figures(each)
    ranked = last_of(events, EvaluatedLabels)
    sections = [figures.of_labels(ranked)] if ranked is not None else []
    if each.predictions is not None and found is not None:
        sections = figures.of_predictions(each.predictions, found, temperature=_temperature(run))
    elif result is not None:
        accuracy = Figure(result.accuracy, result.accuracy_low, result.accuracy_high)
        sections = _counted(accuracy, result.macro_f1, result)
    epochs = epochs_of(events)
    watched = _watched(last_of(events, TrainingStarted), result or ranked)
    sections += [
        sounds.robustness(run),
        sounds.unknown_sounds(run),
        alarms(run),
        _curves([("", epochs)], watched),
        methods(workspace, each, run, last_of(events, TrainingStarted)),
        _settings(each, run),
        _how(each, run),
    ]
    counted_figure = Figure(result.accuracy, result.accuracy_low, result.accuracy_high) if result else None
    evaluated = result or ranked
    labels = label_note(evaluated.clips, evaluated.corrected, corrected_since(run)) if evaluated else ""
    lead = _lead(each, found, state, counted_figure, labels)
    facts = _facts(each, epochs=len(epochs))
    return Report(
        run.id, f"Run {row_of(run).name}", [*lead, facts], [part for part in sections if part.blocks], made_now()
    )


def crossval_report(workspace: Workspace, experiment: CrossValidation) -> Report:
    """A cross-validation: its folds, and the figures of the clips of those that have finished.

    Raises:
        RunError: it cannot be read.
    """
    each, summary = of_crossval(workspace, experiment), summarise(experiment)
    found, pool = _figures(each), summary.official
    sections = [_folds(summary)]
    if each.predictions is not None and found is not None:
        sections += figures.of_predictions(each.predictions, found, folds=True)
    elif pool.accuracy is not None:
        sections += _counted(Figure(pool.accuracy, pool.low, pool.high), pool.macro_f1 or 0.0, pool)
    runs = {fold: run for fold, run in experiment.members().items() if run.there}
    curves = [(f"fold {fold}", epochs_of(run.events())) for fold, run in runs.items()]
    first = next(iter(runs.values()), None)
    started = first.last_event(TrainingStarted) if first is not None else None
    sections += [
        _curves(curves, "the held-out clips"),
        methods(workspace, each, first, started, summary.length_note),
        _settings(each, first),
        _how(each, first),
    ]
    counted_figure = Figure(pool.accuracy, pool.low, pool.high) if pool.accuracy is not None else None
    lead = _lead(each, found, summary.state, counted_figure, pool.label_note)
    if summary.length_note:
        lead.append(Paragraph(f"{summary.length_note}.", "warning"))
    facts = _facts(each, epochs=max((len(epochs) for _, epochs in curves), default=0))
    return Report(
        experiment.id,
        f"Cross-validation {row_of(experiment).name}",
        [*lead, facts],
        [part for part in sections if part.blocks],
        made_now(),
    )


def command_of(each: Candidate) -> str:
    """The shell command that trains it again.

    Raises:
        RunError: its configuration cannot be read.
    """
    if isinstance(each.job, Run):
        return again(each.job)
    return command_line(each.asked, command="crossval", folds=list(each.job.members()))


def _figures(each: Candidate) -> Figures | None:
    """All figures of its predictions; None where it has none of classes that it knows."""
    known = each.predictions is not None and (each.predictions.targets >= 0).any()
    return figures_of_clips(each.predictions) if each.predictions is not None and known else None


def _lead(
    each: Candidate, found: Figures | None, state: str, counted_figure: Figure | None, labels: str
) -> list[Block]:
    """The result in a sentence, and what whoever reads it has to know. ``labels``: a note on corrected labels."""
    accuracy = found.accuracy if found else counted_figure
    folds = ", ".join(each.folds)
    part = "validation" if each.chosen_by else "test"
    where = f"{part} {'folds' if len(each.folds) > 1 else 'fold'} {folds}" if folds else f"the {part} clips"
    blocks: list[Block] = []
    if accuracy is not None and accuracy.low is not None:
        clips = f"the {counted(found.clips, 'clip')} of {where}" if found else where
        interval = f"95 % interval {spread(accuracy.low, accuracy.high)}"
        blocks.append(Paragraph(f"Accuracy {percent(accuracy.value)} on {clips} ({interval}).", "result"))
    elif each.mean_ap is not None:
        blocks.append(
            Paragraph(f"Mean average precision {each.mean_ap:.3f} on {where}, several labels a clip.", "result")
        )
    else:
        trouble = each.trouble[:1].upper() + each.trouble[1:] if each.trouble else f"There is no result: it is {state}"
        blocks.append(Paragraph(f"{trouble}.", "warning"))
    if leak := leak_note(each.leaks, each.trained_on, found.clips if found else each.trained_on):
        blocks.append(Paragraph(f"{leak}.", "warning"))
    if found is not None:
        notes = (interval_note(found.effective_clips, found.recordings, found.clips), majority_note(found.confusion))
        blocks += [Paragraph(f"{note}.", "remark") for note in notes if note]
    blocks += [Paragraph(f"{note}.", "warning") for note in untrained_notes(each.untrained)]
    if accuracy is not None or each.mean_ap is not None:
        blocks.append(
            Paragraph(f"{choice_note(each.adjusted, each.chosen_by)}.", "warning" if each.adjusted else "remark")
        )
        blocks += [Paragraph(f"{labels}.", "remark")] if labels else []
    return blocks


def _facts(each: Candidate, *, epochs: int) -> Facts:
    row = row_of(each.job)
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(row.when)) if row.when else ""
    rows = [
        ("Id", each.id),
        ("Part of", f"{row.parent} ({row.part})" if row.parent else ""),
        ("State", each.job.status().state),
        ("Data set", each.config.data.dataset),
        (_fold_title(each), ", ".join(each.folds)),
        ("Network", each.config.model.name),
        *((name, each.facts.get(name, "")) for name in ("Parameters", "Training clips", "Precision")),
        ("Epochs", str(epochs) if epochs else ""),
        ("Training time", duration(each.seconds) if each.seconds else ""),
        ("Weights", f"{each.bytes / 1e6:.1f} MB" if each.bytes else ""),
        ("Energy", f"{each.joules / 3600:.3g} Wh" if each.joules is not None else ""),
        ("Changed while training", each.live),
        ("Made", made),
        ("By", glance(each.job).by),
        ("Tags", ", ".join(row.about.tags)),
        ("Note", row.about.note),
    ]
    return Facts("At a glance", rows)


def _fold_title(each: Candidate) -> str:
    return "Held-out folds" if len(each.folds) > 1 else "Validation fold" if each.chosen_by else "Test fold"


def _counted(accuracy: Figure, macro_f1: float, result: Evaluated | Pool) -> list[Section]:
    """What there is to tell of a result without its predictions."""
    rows = [("Accuracy", str(accuracy)), ("Macro F1", percent(macro_f1))]
    told = "The predictions for each clip were not kept, or cannot be read: there are no other figures."
    return [
        Section("Figures", [Facts("Figures", rows), Paragraph(told, "remark")]),
        figures.counted_classes(result.per_class, result.confusion),
        figures.confusion(list(result.per_class), result.confusion),
    ]


def _temperature(run: Run) -> str:
    there = Temperature.of_file(run.weights)
    if there is None:
        return ""
    state = "on" if there.on else "off"
    return (
        f"The weights carry a temperature of {there.value:.2f}, switched {state}, fitted on {there.source}; these figures are "
        "without it."
    )


def _watched(started: TrainingStarted | None, result: Evaluated | EvaluatedLabels | None) -> str:
    if started is not None and started.validation_clips:
        return "the validation clips"
    return f"the clips of test fold {result.fold}" if result else "the held-out clips"


def _curves(runs: Sequence[tuple[str, list[Epoch]]], watched: str) -> Section:
    """Accuracy and loss by epoch: of a run on both sides, of folds on the clips held out, with their mean."""
    runs = [(name, epochs) for name, epochs in runs if epochs]
    if not runs:
        return Section("Curves", [])
    charts: list[Block] = []
    several = runs[0][1][0].val_accuracy is None
    first = (
        ("Mean average precision", True, "", "figure") if several else ("Accuracy", True, "train_accuracy", "figure")
    )
    for title, share, trained, seen in (first, ("Loss", False, "train_loss", "val_loss")):
        series = [
            Series(
                name or f"on {watched}",
                [(each.epoch, getattr(each, seen)) for each in epochs if each.evaluated or len(runs) > 1],
                weak=len(runs) > 1,
            )
            for name, epochs in runs
        ]
        if len(runs) > 1:
            series.insert(0, Series("mean", _mean([line.points for line in series])))
        elif trained:
            series.append(
                Series("on the training clips", [(each.epoch, getattr(each, trained)) for each in runs[0][1]])
            )
        charts.append(Chart(title, "Epoch", series, share))
    told = [Paragraph(f"On {watched} of each fold.", "remark")] if len(runs) > 1 else []
    return Section("Curves", [*told, *charts])


def _mean(lines: Sequence[Sequence[tuple[float, float]]]) -> list[tuple[float, float]]:
    """Of each epoch that all have."""
    return [(points[0][0], statistics.fmean(value for _, value in points)) for points in zip(*lines, strict=False)]


def _folds(summary: Summary) -> Section:
    pool, random, difference = summary.official, summary.random, summary.difference
    several = pool.mean_ap is not None
    rows: list[list[Cell]] = [
        [
            each.name,
            each.state,
            mean_ap_text(each.mean_ap) if several else percent(each.accuracy),
            percent(each.macro_f1),
            f"{each.clips:,}" if each.clips else "–",
            f"{each.epoch} of {each.planned or each.epochs}" if each.epoch else "–",
            duration(each.seconds) if each.seconds else "–",
            each.run_id,
        ]
        for each in summary.folds
    ]
    head = ["Fold", "State", "mAP" if several else "Accuracy", "Macro F1", "Clips", "Epochs", "Time", "Run"]
    blocks: list[Block] = [Table("Folds", head, rows, frozenset({7}))]
    if pool.finished:
        what, finished = (
            "" if several else " accuracy",
            f"{pool.finished} of {counted(len(pool.folds), 'fold')} finished",
        )
        blocks.append(Paragraph(f"Mean{what} of the folds {mean_text(pool)} (standard deviation). {finished}."))
    if random is not None and difference is not None:
        gap = f"{difference:+.3f}" if several else f"{100 * difference:+.1f} points"
        flatters = ": so much it would flatter" if random.leaks and difference > 0 else ""
        blocks.append(Paragraph(f"A random split, which ignores recordings, gives {gap}{flatters}."))
    return Section("Folds", blocks)


def _settings(each: Candidate, run: Run | None) -> Section:
    """The settings that differ from their defaults, and why the automatic front end is as it is."""
    usual, reason = RunConfig(), front_end_reason(run) if run else ""
    why: list[Block] = [Paragraph(f"Front end, automatic: {reason}.")] if reason else []
    every: list[list[Cell]] = [
        [setting.title, path, setting_told(each, path, setting), _default(usual.value(path), setting)]
        for path, setting in all_settings().items()
    ]
    head, code = ["Setting", "Name", "Value", "Default"], frozenset({1})
    rows = [row for row in every if each.asked.value(str(row[1])) != all_settings()[str(row[1])].default]
    caption = f"{len(rows)} of {len(every)} settings differ from their defaults"
    differing = Table(caption, head, rows, code) if rows else Paragraph("All settings are at their defaults.")
    return Section("Settings", [differing, *why, Table("All settings", head, every, code, folded=True)])


def _default(value: Any, setting: Setting) -> str:
    return setting.unset if value is None else setting_value(value, setting) or "–"


def _how(each: Candidate, run: Run | None) -> Section:
    """The machine and the command that does it again."""
    environment = run.load("environment", {}) if run else {}
    rows = [(name.replace("_", " "), str(value)) for name, value in environment.items() if value not in (None, "")]
    blocks: list[Block] = [Paragraph("The same again:"), Code(command_of(each))]
    if rows:
        blocks.append(Facts("Environment", rows))
    return Section("Command and environment", blocks)
