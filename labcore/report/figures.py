"""The sections that tell how good predictions are: figures, classes, confusion matrix, calibration, mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labcore.evaluation.calibration import verdict
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.evaluation.figures import Figures
from labcore.evaluation.label_metrics import label_rows
from labcore.evaluation.metrics import Confusion, class_rows
from labcore.evaluation.mistakes import predicted_labels, rows_of
from labcore.events import EvaluatedLabels
from labcore.report.blocks import Block, Cell, Diagram, Facts, Matrix, Paragraph, Section, Share, Table
from labcore.texts import counted, percent

MOST_CLIPS = 30
"""Mistakes that are listed."""
LARGEST_MATRIX = 60
"""Classes: of more a matrix cannot be read; the most frequent confusions are listed always."""
MOST_CONFUSIONS = 15


def figures(found: Figures) -> Section:
    """All figures with their intervals."""
    rows = [
        ("Accuracy", str(found.accuracy)),
        ("Balanced accuracy", str(found.balanced_accuracy)),
        ("Macro F1", str(found.macro_f1)),
        ("Average precision, mean of the classes", percent(found.average_precision)),
        ("AUROC, mean of the classes", percent(found.auroc)),
        ("Expected calibration error", percent(found.calibration.error)),
    ]
    left_out = (
        f" {counted(found.unknown, 'clip')} of classes that it does not know are left out." if found.unknown else ""
    )
    told = (
        f"On {counted(found.clips, 'clip')} of {counted(found.recordings, 'recording')}. In brackets 95 % intervals: of the accuracy "
        f"Wilson's, of the others by resampling recordings (bootstrap), of classes that are always or never right Wilson's.{left_out}"
    )
    return Section("Figures", [Facts("Figures", rows), Paragraph(told, "remark")])


def classes(found: Figures) -> Section:
    """Per class, the worst F1 first."""
    rows: list[list[Cell]] = [
        [
            each.label,
            Share(each.f1, f"{each.f1:.2f}"),
            f"{each.recall:.2f}",
            each.recall_spread,
            f"{each.precision:.2f}",
            _figure(each.average_precision, 2),
            _figure(each.auroc, 3),
            f"{each.clips:,}",
            f"{each.predicted:,}",
        ]
        for each in sorted(found.per_class, key=lambda each: each.f1)
    ]
    head = ["Class", "F1", "Recall", "Recall, 95 %", "Precision", "Average precision", "AUROC", "Clips", "Predicted"]
    return Section("Classes", [Table("Metrics per class, the lowest F1 first", head, rows)])


def of_labels(result: EvaluatedLabels) -> Section:
    """The figures of several labels a clip, and of each label."""
    low, high = result.mean_ap_low, result.mean_ap_high
    spread = f" (95 % interval {low:.3f} to {high:.3f})" if low is not None and high is not None else ""
    told = "–" if result.mean_ap is None else f"{result.mean_ap:.3f}{spread}"
    rows = [
        ("Mean average precision", told),
        ("Macro F1", f"{result.macro_f1:.3f}"),
        ("Micro F1", f"{result.micro_f1:.3f}"),
    ]
    classes: list[list[Cell]] = [
        [
            label,
            Share(each["average_precision"] or 0.0, _figure(each["average_precision"], 3)),
            *(_figure(each[name], 2) for name in ("f1", "recall", "precision", "threshold")),
            f"{each['clips']:,}",
        ]
        for label, each in label_rows(result)
    ]
    caption = "Metrics per label, the lowest average precision first"
    head = ["Label", "Average precision", "F1", "Recall", "Precision", "Threshold", "Clips"]
    remark = (
        f"{result.thresholds[:1].upper()}{result.thresholds[1:]}. Intervals by drawing recordings anew (bootstrap)."
    )
    return Section("Labels", [Facts("Figures", rows), Paragraph(remark, "remark"), Table(caption, head, classes)])


def counted_classes(per_class: Mapping[str, Mapping[str, float]], confusion: Confusion) -> Section:
    """The same where only the counts were kept, as by former versions of the lab."""
    rows: list[list[Cell]] = [
        [
            row["label"],
            Share(row["f1"] or 0.0, f"{row['f1'] or 0.0:.2f}"),
            _figure(row["recall"], 2),
            _figure(row["precision"], 2),
            f"{row['clips']:,}",
        ]
        for row in class_rows(per_class, confusion)
    ]
    caption = "Metrics per class, the lowest F1 first"
    return Section("Classes", [Table(caption, ["Class", "F1", "Recall", "Precision", "Clips"], rows)])


def confusion(labels: Sequence[str], table: Confusion) -> Section:
    """The confusion matrix as far as it can be read, and which classes are confused most."""
    labels = list(dict.fromkeys([*labels, *sorted(table)]))
    blocks: list[Block] = []
    if len(labels) <= LARGEST_MATRIX:
        caption = "Clips by true class (row) and predicted class (column); empty cells hold none"
        blocks.append(Matrix(caption, labels, table))
    else:
        blocks.append(Paragraph(f"The matrix of {len(labels)} classes is too large for a page.", "remark"))
    pairs = [
        (clips, true, predicted)
        for true, row in table.items()
        for predicted, clips in row.items()
        if true != predicted and clips
    ]
    pairs.sort(key=lambda pair: -pair[0])
    rows = [
        [true, predicted, f"{clips:,}", percent(clips / sum(table[true].values()))]
        for clips, true, predicted in pairs[:MOST_CONFUSIONS]
    ]
    if rows:
        head = ["True class", "Predicted as", "Clips", "Share of the class"]
        blocks.append(Table("Most frequent confusions", head, rows))
    return Section("Confusion matrix", blocks)


def calibration(found: Figures, temperature: str = "") -> Section:
    """The reliability diagram and what it says.

    Args:
        temperature: a sentence on the one that the weights carry.
    """
    each = found.calibration
    told = f"Expected calibration error {percent(each.error)}. {verdict(each)} {temperature}".strip()
    blocks: list[Block] = [Paragraph(told)]
    if each.bins:
        blocks.append(Diagram("Accuracy by confidence", each))
    return Section("Calibration", blocks)


def mistakes(predictions: ClipPredictions, *, folds: bool = False) -> Section:
    """The most confident mistakes.

    Args:
        predictions: for clips of classes that the classifier knows.
        folds: tell of which fold each clip is.
    """
    wrong = rows_of(predictions)
    if not len(wrong):
        return Section("Mistakes", [Paragraph(f"All {counted(len(predictions), 'clip')} are right.")])
    frame, predicted = predictions.frame, predicted_labels(predictions)
    shares, targets, confidence = predictions.probabilities, predictions.targets, predictions.confidence
    rows: list[list[Cell]] = []
    for row in wrong[:MOST_CLIPS]:
        true = percent(shares[row, targets[row]])
        place = [str(frame["clip"].iat[row]), f"{frame['start_s'].iat[row]:g}"]
        place += [str(frame["fold"].iat[row])] if folds else []
        rows.append([*place, str(frame["label"].iat[row]), str(predicted[row]), percent(confidence[row]), true])
    head = ["Clip", "From (s)", *(["Fold"] if folds else []), "Label", "Predicted", "Probability", "Of the label"]
    told = f"{counted(len(wrong), 'clip')} of {len(predictions):,} {'is' if len(wrong) == 1 else 'are'} wrong."
    if len(wrong) > MOST_CLIPS:
        told += f" The {MOST_CLIPS} with the highest probability are listed."
    caption = "Mistakes, the most confident first"
    return Section("Mistakes", [Paragraph(told), Table(caption, head, rows, frozenset({0}))])


def of_predictions(
    predictions: ClipPredictions, found: Figures, *, temperature: str = "", folds: bool = False
) -> list[Section]:
    """All of them."""
    return [
        figures(found),
        classes(found),
        confusion(predictions.labels, found.confusion),
        calibration(found, temperature),
        mistakes(predictions.chosen(predictions.targets >= 0), folds=folds),
    ]


def _figure(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
