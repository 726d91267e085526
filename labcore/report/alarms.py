"""False alarms an hour of a run, as a section of its report."""

from __future__ import annotations

from labcore.alarms.choice import AlarmFigures, Choice
from labcore.alarms.job import finished_test
from labcore.errors import RunError
from labcore.inference.thresholds import Thresholds, threshold_words
from labcore.report.blocks import Block, Cell, Chart, Paragraph, Section, Series, Share, Table
from labcore.runs import Run
from labcore.texts import percent, spread

RATE = 1.0
"""False alarms an hour, where no thresholds are kept in the weights."""


def alarms(run: Run) -> Section:
    """Of the newest test: at the thresholds of the weights, else at those for one false alarm an hour. Nothing where there is none."""
    title, job = "False alarms an hour", finished_test(run)
    if job is None:
        return Section(title, [])
    try:
        figures = AlarmFigures.of(job)
    except RunError as error:
        return Section(title, [Paragraph(f"The false alarm test cannot be read: {error.what}.", "warning")])
    kept = Thresholds.of_file(run.weights)
    choice = figures.at(kept.values) if kept is not None else figures.wanted(RATE)
    blocks: list[Block] = [Paragraph(_result(choice, kept), "result"), Paragraph(figures.sentence, "remark")]
    if told := choice.sentence(figures.hours):
        blocks.append(Paragraph(told, "remark"))
    if figures.trouble:
        blocks.append(Paragraph(f"{figures.trouble}.", "warning"))
    if skipped := figures.background.skipped:
        blocks.append(Paragraph(f"Skipped: {' '.join(skipped.values())}", "warning"))
    if notes := figures.background.notes:
        blocks.append(Paragraph(f"To be known: {'; '.join(notes)}.", "warning"))
    blocks.append(_classes(choice))
    if points := figures.curve:
        line = Series("mean over the classes", [(float(f"{each.rate:.3g}"), each.recall) for each in points])
        blocks.append(Chart("Recall", "False alarms an hour", [line], share=True))
    source = figures.recall.source
    blocks.append(Paragraph(f"Recall of {source}." if source else f"No recall: {figures.recall.trouble}.", "remark"))
    return Section(title, blocks)


def _result(choice: Choice, kept: Thresholds | None) -> str:
    rate = choice.rate
    whose = f"the thresholds for {RATE:g} an hour in all, which are not kept in the weights"
    if kept is not None:
        state = "" if kept.on else ", which are switched off"
        whose = f"the thresholds of the weights, chosen for {kept.wanted}{state}"
    recall = "" if choice.recall is None else f"; mean recall {percent(choice.recall)}"
    told = f"{rate.expected} false alarms an hour in new recordings (95 % interval {rate.interval})"
    return f"With {whose}: {told}{recall}."


def _classes(choice: Choice) -> Table:
    rows: list[list[Cell]] = []
    for each in choice.classes:
        recall: Cell = "–"
        if each.recall is not None:
            value, low, high = each.recall
            recall = Share(value, f"{percent(value)} ({spread(low, high)})")
        rows.append(
            [
                each.label,
                threshold_words(each.threshold),
                str(each.rate.alarms),
                each.rate.expected,
                each.rate.interval,
                recall,
            ]
        )
    head = ["Class", "Threshold", "Alarms", "Expected an hour", "95 % interval", "Recall (95 % interval)"]
    return Table("False alarms and recall by class", head, rows)
