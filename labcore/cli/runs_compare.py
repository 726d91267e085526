"""``labcore runs compare``: what differs between runs or cross-validations, and whether the difference is more than chance."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from labcore.cli.output import Content, duration, percent, table, tell
from labcore.cli.parser import Parser, add_json, add_run, runs_named
from labcore.texts import counted, mean_ap_text
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.comparison.compare import Against, Comparison

HELP = "compare two or more runs or cross-validations, the first with each of the others"
LISTED = 10
"""Clips won and lost that are printed, each; --json has more."""


def add_to(parser: Parser) -> None:
    add_run(parser, "id of a run or a cross-validation, or a part of it; two at least", many=True)
    add_json(parser)


def run(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore.comparison.compare import compare

    found = compare(workspace, runs_named(arguments))
    return tell(
        found.to_dict() if arguments.json else {}, *(() if arguments.json else report(found)), as_json=arguments.json
    )


def report(found: Comparison) -> list[Content]:
    """A comparison for people: the sides, what differs, and each sentence with the classes and clips behind it."""
    letters = [side.letter for side in found.sides]
    lines: list[Content] = [_sides(found)]
    differing = [
        *([setting.path, *values] for setting, values in found.settings),
        *([name, *values] for name, values in found.facts),
    ]
    if differing:
        lines += ["", table(["differs", *letters], differing)]
    for each in found.against:
        lines += ["", f"{each.sentence}.", *(f"  {note}" for note in each.notes)]
        lines += _behind(each)
    return [*lines, *([""] if found.notes else []), *(f"{note}." for note in found.notes)]


def _sides(found: Comparison) -> Content:
    figures, rows = found.figures, []
    for side in found.sides:
        for each in side.members:
            told = figures.get(each.id)
            rows.append(
                [
                    side.letter,
                    each.id,
                    ", ".join(each.folds) or None,
                    told.accuracy
                    if told
                    else percent(each.accuracy)
                    if each.mean_ap is None
                    else mean_ap_text(each.mean_ap),
                    told.macro_f1 if told else None,
                    percent(told.calibration.error) if told else None,
                    duration(each.seconds),
                    f"{each.bytes / 1e6:.1f} MB" if each.bytes else None,
                ]
            )
        if side.deviation is not None:
            mean = f"{percent(side.mean)} ± {100 * side.deviation:.1f}"
            rows.append([side.letter, f"mean ± standard deviation of {side.counted_seeds}", None, mean, *[None] * 4])
    return table(["", "run", "fold", "accuracy", "macro F1", "calibration error", "time", "weights"], rows)


def _behind(each: Against) -> list[Content]:
    from labcore.evaluation.paired import changed_clips, per_class

    if each.pairs is None or each.difference is None:
        return []
    one, other = each.one.letter, each.other.letter
    changes = [
        [row.label, f"{row.clips}", percent(row.one), percent(row.other), f"{100 * row.change:+.1f}"]
        for row in per_class(each.pairs).itertuples()
        if row.change
    ]
    lines: list[Content] = []
    if changes:
        lines += ["", table(["class", "clips", f"recall of {one}", f"recall of {other}", "change"], changes)]
    for word, won in (("won", True), ("lost", False)):
        clips = changed_clips(each.pairs, won=won)
        if not len(clips):
            continue
        rows = [
            [row.clip, f"{row.start_s:g}", row.label, row.one_predicted, row.other_predicted]
            for row in clips.head(LISTED).itertuples()
        ]
        more = f", the first {LISTED}" if len(clips) > LISTED else ""
        head = ["clip", "from s", "label", f"{one} predicts", f"{other} predicts"]
        lines += ["", f"{counted(len(clips), 'clip')} {word} by {other}{more}:", table(head, rows)]
    return lines
