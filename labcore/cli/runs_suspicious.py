"""``labcore runs suspicious``: labels that look wrong, a line a recording; as CSV a line a clip."""

from __future__ import annotations

import argparse
import io
from typing import TYPE_CHECKING, Any

from labcore.cli.output import DONE, emit, percent, say, tell_list
from labcore.cli.parser import Parser, add_json, add_run, run_named
from labcore.errors import RunError
from labcore.sheets import Sheet
from labcore.texts import counted
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.evaluation.clip_predictions import ClipPredictions
    from labcore.evaluation.label_errors import Suspicion

HELP = "list labels that look wrong, by recording; of a cross-validation over all its clips"
COLUMNS = ("recording", "label", "suggested", "quality", "flagged", "clip", "start_s", "end_s", "fold", "p_label")


def add_to(parser: Parser) -> None:
    add_run(parser, "id of a run or a cross-validation, or a part of it")
    parser.add_argument("--all", action="store_true", help="list the other labels too, those that fit worst first")
    add_json(parser, "lines of JSON, one a recording,")
    parser.add_argument("--csv", action="store_true", help="print a line of CSV a clip on stdout, and nothing else")


def run(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore.comparison.candidates import candidate
    from labcore.evaluation.label_errors import suspicions

    chosen = candidate(workspace, run_named(arguments))
    if chosen.judged is None:
        raise RunError(chosen.trouble, "They are written when a run finishes")
    found = [each for each in suspicions(chosen.judged) if each.suspicious or arguments.all]
    if chosen.leaks:
        say("warning: the split leaks: the network was trained on clips of these recordings, and trusts their labels")
    if arguments.csv:
        return _csv(found, chosen.judged)
    tell_list(
        (facts_of(each, chosen.judged) for each in found),
        ["fit", "recording", "label", "looks like", "clips", "confident"],
        [
            [percent(each.quality), each.group, each.label, each.suggested, f"{len(each.rows)}", f"{each.flagged}"]
            for each in found
        ],
        none=f"no label of {counted(len(chosen.judged), 'clip')} looks wrong",
        as_json=arguments.json,
    )
    return DONE


def facts_of(each: Suspicion, judged: ClipPredictions) -> dict[str, Any]:
    """The clips of a recording, as a line of JSON."""
    probabilities = judged.probabilities[each.rows, judged.labels.index(each.label)]
    clips = [
        {name: row[name] for name in ("clip", "start_s", "end_s", "fold")} | {"p_label": round(float(share), 6)}
        for row, share in zip(judged.frame.iloc[each.rows].to_dict("records"), probabilities, strict=True)
    ]
    return {
        "recording": each.group,
        "label": each.label,
        "suggested": each.suggested,
        "quality": round(each.quality, 6),
        "flagged": each.flagged,
        "clips": clips,
    }


def _csv(found: list[Suspicion], judged: ClipPredictions) -> int:
    text = io.StringIO()
    sheet = Sheet(text, COLUMNS)
    for each in found:
        facts = facts_of(each, judged)
        sheet.rows(facts | clip for clip in facts["clips"])
    emit(text.getvalue().removesuffix("\n"))
    return DONE
