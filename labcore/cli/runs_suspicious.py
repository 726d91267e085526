"""``labcore runs suspicious``: labels that look wrong, a line a recording; as CSV a line a clip."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from labcore.cli.output import DONE, emit_csv, percent, say, tell_list
from labcore.cli.parser import Parser, add_csv, add_json, add_run, run_named
from labcore.errors import RunError
from labcore.sheets import csv_of_frame
from labcore.task.of_file import needs_one
from labcore.texts import counted
from labcore.workspace import Workspace

if TYPE_CHECKING:
    from labcore.comparison.candidates import Candidate
    from labcore.evaluation.clip_predictions import ClipPredictions
    from labcore.evaluation.label_errors import Suspicion

HELP = "list labels that look wrong, by recording; of a cross-validation over all its clips"

DECISION = ("recording", "label", "suggested", "quality", "flagged")


def add_to(parser: Parser) -> None:
    add_run(parser, "id of a run or a cross-validation, or a part of it")
    parser.add_argument("--all", action="store_true", help="list the other labels too, those that fit worst first")
    add_json(parser, "lines of JSON, one a recording,")
    add_csv(parser, "a line a clip")


def run(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore.comparison.candidates import candidate
    from labcore.evaluation.label_errors import suspicions, table_of

    chosen = candidate(workspace, run_named(arguments))
    if chosen.mean_ap is not None:
        instead = (
            "Listen to the clips under Mistakes on the run's page: labels predicted with high probability come first"
        )
        raise RunError(needs_one("Finding suspicious labels"), instead)
    if chosen.predictions is None:
        raise RunError(chosen.trouble, "They are written when a run finishes")
    found = [each for each in suspicions(chosen.predictions) if each.suspicious or arguments.all]
    if unlearnt := [each for each in found if _is_unlearnt(each, chosen)]:
        classes = ", ".join(sorted({each.label for each in unlearnt}))
        say(f"without clips of {classes}: the network that held them out was trained on none")
        found = [each for each in found if each not in unlearnt]
    if chosen.leaks:
        say("warning: the network was trained on clips of these recordings, and trusts their labels")
    if arguments.csv is not None:
        clips = sum(len(each.rows) for each in found)
        return emit_csv(csv_of_frame(table_of(found, chosen.predictions)), arguments.csv, counted(clips, "clip"))
    tell_list(
        facts_of(found, chosen.predictions),
        ["fit", "recording", "label", "looks like", "clips", "confident"],
        [
            [percent(each.quality), each.group, each.label, each.suggested, f"{len(each.rows)}", f"{each.flagged}"]
            for each in found
        ],
        none=f"no label of {counted(len(chosen.predictions), 'clip')} looks wrong",
        as_json=arguments.json,
    )
    return DONE


def _is_unlearnt(each: Suspicion, chosen: Candidate) -> bool:
    """Whether the network that held the clips out could not learn their label, so that it says nothing of it."""
    assert chosen.predictions is not None
    untrained = chosen.untrained
    fold = str(chosen.predictions.frame["fold"].iloc[each.rows[0]]) if len(untrained) > 1 else "".join(untrained)
    return each.label in untrained.get(fold, ())


def facts_of(found: list[Suspicion], predictions: ClipPredictions) -> Iterator[dict[str, Any]]:
    """Each decision as a line of JSON, with its clips."""
    from labcore.evaluation.label_errors import table_of

    rows = iter(table_of(found, predictions).to_dict("records"))
    for each in found:
        clips = list(itertools.islice(rows, len(each.rows)))
        own = {name: clips[0][name] for name in DECISION}
        yield own | {"clips": [{name: value for name, value in clip.items() if name not in own} for clip in clips]}
