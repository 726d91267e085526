"""The report of a comparison: what came of it in words, what differs, the change per class, and the clips won and lost."""

from __future__ import annotations

import shlex
from dataclasses import replace

from labcore.catalogue.rows import row_of
from labcore.comparison.candidates import Candidate
from labcore.comparison.compare import Against, Comparison, Side, compare
from labcore.evaluation.paired import Pairs, changed_clips, per_class
from labcore.report.blocks import Block, Cell, Chart, Code, Paragraph, Report, Section, Series, Share, Table
from labcore.report.one import command_of
from labcore.report.stamp import made_now
from labcore.texts import counted, duration, mean_ap_text, percent, points
from labcore.workspace import Workspace

MOST_CLIPS = 50
"""Clips won, and lost, that are listed each."""


def comparison_report(workspace: Workspace, names: list[str]) -> Report:
    """Two or more runs or cross-validations, the first with each of the others.

    Raises:
        ConfigError: fewer than two are named.
        RunError: there is none of a name, or it cannot be read.
    """
    found = compare(workspace, names)
    lead: list[Block] = []
    for each in found.against:
        lead.append(Paragraph(_sentence(each.sentence), "result" if each.difference is not None else "warning"))
        lead += [Paragraph(_sentence(note), "remark") for note in each.notes]
    lead += [Paragraph(_sentence(note), "remark") for note in found.notes]
    sections = [_sides(found), _differences(found)]
    for each in found.against:
        if each.pairs is not None and each.difference is not None:
            sections += [_classes(each, each.pairs), _clips(each, each.pairs)]
    sections += [_curves(found), _again(found)]
    letters = " and ".join(filter(None, [", ".join(side.letter for side in found.sides[:-1]), found.sides[-1].letter]))
    stem = f"{found.sides[0].first.id}-compared"
    return Report(stem, f"Comparison of {letters}", lead, [part for part in sections if part.blocks], made_now())


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _sides(found: Comparison) -> Section:
    """Who is who, and the figures of each."""
    who: list[list[Cell]] = []
    how: list[list[Cell]] = []
    for side in found.sides:
        for each in side.members:
            who.append(
                [
                    side.letter,
                    row_of(each.job).name,
                    each.id,
                    each.config.data.dataset,
                    ", ".join(each.folds) or "–",
                    str(each.seed),
                    duration(each.seconds) if each.seconds else "–",
                    f"{each.bytes / 1e6:.1f} MB" if each.bytes else "–",
                    f"{each.joules / 3600:.3g} Wh" if each.joules is not None else "–",
                ]
            )
            told, line = found.figures.get(each.id), _line_name(side, each)
            if told is None:
                figure = percent(each.accuracy) if each.mean_ap is None else mean_ap_text(each.mean_ap)
                how.append([line, figure, "–", "–", "–"])
            else:
                figures = (told.accuracy, told.balanced_accuracy, told.macro_f1)
                how.append([line, *map(str, figures), percent(told.calibration.error)])
    told_who = ["Side", "Run", "Id", "Data set", "Folds", "Seed", "Time", "Weights", "Energy"]
    told_how = ["Side", "Accuracy", "Balanced accuracy", "Macro F1", "Calibration error"]
    means = [Paragraph(f"{side.letter}: {side.spread}.") for side in found.sides if side.spread]
    return Section(
        "Sides",
        [
            _without_gaps(Table("What is compared", told_who, who, frozenset({2}))),
            _without_gaps(Table("Figures with 95 % intervals", told_how, how)),
            *means,
        ],
    )


def _without_gaps(table: Table) -> Table:
    """A table without the columns that tell nothing."""
    kept = [at for at in range(len(table.head)) if at in table.code or any(row[at] != "–" for row in table.rows)]
    return replace(table, head=[table.head[at] for at in kept], rows=[[row[at] for at in kept] for row in table.rows])


def _differences(found: Comparison) -> Section:
    rows: list[list[Cell]] = [[setting.title, setting.path, *values] for setting, values in found.settings]
    rows += [[name, "–", *values] for name, values in found.facts]
    if not rows:
        return Section("What differs", [Paragraph("No setting differs.")])
    head = ["Setting", "Name", *(side.letter for side in found.sides)]
    return Section("What differs", [Table("Settings that differ, then the machine", head, rows, frozenset({1}))])


def _classes(each: Against, pairs: Pairs) -> Section:
    table = per_class(pairs)
    longest = float(table["change"].abs().max()) or 1.0
    rows: list[list[Cell]] = [
        [
            row.label,
            Share(float(row.change) / longest, points(row.change), difference=True),
            percent(row.one),
            percent(row.other),
            f"{row.clips:,}",
            f"{row.won:,}",
            f"{row.lost:,}",
        ]
        for row in table.itertuples()
    ]
    one, other = each.one.letter, each.other.letter
    head = ["Class", "Change (points)", f"Recall {one}", f"Recall {other}", "Clips", "Won", "Lost"]
    title = f"Change per class, from {one} to {other}"
    return Section(title, [Table("Recall per class, the largest change first", head, rows)])


def _clips(each: Against, pairs: Pairs) -> Section:
    one, other = each.one.letter, each.other.letter
    blocks: list[Block] = []
    for word, won in (("won", True), ("lost", False)):
        clips = changed_clips(pairs, won=won)
        told = f"{counted(len(clips), 'clip')} {word} by {other}" if len(clips) else f"No clip is {word} by {other}"
        if len(clips) > MOST_CLIPS:
            told += f", of which {MOST_CLIPS} are listed"
        blocks.append(Paragraph(f"{told}."))
        rows: list[list[Cell]] = [
            [
                row.clip,
                f"{row.start_s:g}",
                row.label,
                f"{row.one_predicted} ({percent(row.one_probability)})",
                f"{row.other_predicted} ({percent(row.other_probability)})",
            ]
            for row in clips.head(MOST_CLIPS).itertuples()
        ]
        if rows:
            head = ["Clip", "From (s)", "Label", f"{one} predicts", f"{other} predicts"]
            blocks.append(Table(f"Clips {word} by {other}", head, rows, frozenset({0})))
    return Section(f"Clips won and lost, {other} against {one}", blocks)


def _curves(found: Comparison) -> Section:
    """Accuracy and loss by epoch on the clips that each watched while it trained."""
    lines = {_line_name(side, each): each.curve for side in found.sides for each in side.members if each.curve}
    charts = [
        Chart(
            title,
            "Epoch",
            [Series(name, [(row[0], row[column]) for row in curve]) for name, curve in lines.items()],
            share,
        )
        for title, column, share in ((found.figure_name, 2, True), ("Loss", 1, False))
    ]
    told = Paragraph(
        "On the clips that each watched while it trained; of a cross-validation the mean of its folds.", "remark"
    )
    return Section("Curves", [told, *charts] if lines else [])


def _line_name(side: Side, each: Candidate) -> str:
    return side.letter if len(side.members) == 1 else f"{side.letter}, seed {each.seed}"


def _again(found: Comparison) -> Section:
    """The commands that compare them again, and that train each."""
    members = [(_line_name(side, each), each) for side in found.sides for each in side.members]
    blocks: list[Block] = [
        Paragraph("The same comparison again:"),
        Code(f"labcore runs compare {' '.join(shlex.quote(each.id) for _, each in members)}"),
    ]
    for name, each in members:
        blocks += [Paragraph(f"To train {name} again:"), Code(command_of(each))]
    return Section("Commands", blocks)
