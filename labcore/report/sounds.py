"""The sections on sounds unlike those that a run was trained on: worse recordings, and sounds of no class."""

from __future__ import annotations

from collections.abc import Iterable

from labcore import keeping, unknowns
from labcore.errors import LabError
from labcore.evaluation.robustness import RobustnessTest
from labcore.hidden.events import ClassHidden, mean_auroc, mean_noticed
from labcore.hidden.job import HiddenClasses
from labcore.inference.unknown import Unknown
from labcore.jobs.glances import glance
from labcore.report.blocks import Block, Cell, Paragraph, Section, Share, Table
from labcore.runs import Run
from labcore.texts import counted, percent, spread


def robustness(run: Run) -> Section:
    """Accuracy over the level of each disturbance that the run was tested with: the newest finished test of each, on all
    classes of the test fold of its data set."""
    data = run.config.data
    newest: dict[str, RobustnessTest] = {}
    for test in RobustnessTest.of_run(run):
        plan = test.load("noise", {})
        whole = not plan.get("class") and plan.get("fold") in (None, data.fold)
        whole = whole and plan.get("dataset") in (None, data.dataset)
        if whole and glance(test).state == "finished" and test.results:
            newest.setdefault(str(plan.get("disturbance", "noise")), test)
    tables = [_disturbed(test) for test in newest.values()]
    told = "Accuracy on clips that were made worse, with 95 % Wilson intervals."
    return Section("Robustness", [Paragraph(told, "remark"), *tables] if tables else [])


def _disturbed(test: RobustnessTest) -> Table:
    about, chosen = test.plan.about, test.chosen
    colour = f", {test.plan.colour} noise" if test.plan.disturbance == "noise" else ""
    clips = f", on {chosen.sentence.rstrip('.')}" if chosen is not None else ""
    rows: list[list[Cell]] = [
        [
            about.words(each.level),
            Share(each.accuracy, percent(each.accuracy)),
            spread(each.low, each.high),
            f"{each.hits:,} of {each.clips:,}",
        ]
        for each in test.results
    ]
    return Table(f"{about.title}{colour}{clips}", ["Level", "Accuracy", "95 % interval", "Right"], rows)


def unknown_sounds(run: Run) -> Section:
    """What the run refuses as none of its classes, and how well hidden classes were noticed in the newest test that tells of any."""
    blocks = [*_threshold(run)]
    tests = (test for test in HiddenClasses.of_run(run) if glance(test).state != "unreadable")
    test = next((test for test in tests if test.results), None)
    if test is not None:
        blocks += _hidden(test)
    return Section("Unknown sounds", blocks)


def _threshold(run: Run) -> list[Block]:
    try:
        kept = keeping.kept(run, Unknown) if run.weights.is_file() else None
        effect = unknowns.effect(run, kept) if kept is not None else None
    except LabError:
        return []
    if kept is None:
        return []
    threshold = kept.threshold
    state = "answers" if threshold.on else "does not answer"
    told = [
        f'The run {state} "none of these".',
        f"Its threshold was fitted on {threshold.source}, so that {percent(threshold.refused)} of clips of known classes are refused.",
    ]
    if effect is not None:
        told.append(f"Of its {counted(effect.clips, 'test clip')} it refuses {effect.refused}.")
    return [Paragraph(" ".join(told))]


def _hidden(test: HiddenClasses) -> list[Block]:
    results = list(test.results.values())
    auroc, noticed = mean_auroc(results), mean_noticed(results)
    told = (
        f"The recipe was trained again without each of {counted(len(results), 'class', 'classes')}. Mean AUROC of clips of the hidden "
        f"class against those of the others: {auroc:.3f} (0.5 is chance). Where {percent(test.plan.refused)} of known clips may be "
        f"refused, {percent(noticed)} of the hidden ones are noticed, as the mean of the classes."
    )
    head = ["Hidden class", "AUROC", "95 % interval", "Noticed", "Clips", "Recordings", "Otherwise predicted as"]
    caption = "Hidden classes, noticed best first; intervals by resampling recordings"
    return [Paragraph(told), Table(caption, head, [*_rows(results)])]


def _rows(results: Iterable[ClassHidden]) -> Iterable[list[Cell]]:
    for each in sorted(results, key=lambda each: each.auroc, reverse=True):
        known = each.low is not None and each.high is not None
        yield [
            each.label,
            Share(each.auroc, f"{each.auroc:.3f}"),
            f"{each.low:.3f} to {each.high:.3f}" if known else "–",
            percent(each.noticed),
            f"{each.unknown:,}",
            f"{each.recordings:,}",
            ", ".join(f"{label} {count}" for label, count in list(each.predicted_as.items())[:3]) or "–",
        ]
