"""``labcore runs unknown``: have a run answer "none of these" for sounds that are none of its classes."""

from __future__ import annotations

import argparse

from labcore.cli.foreground import run_short
from labcore.cli.jobs import own
from labcore.cli.output import DONE, percent, say, tell
from labcore.cli.parser import Parser, add_anyone, add_json, add_run, run_named, share
from labcore.evaluation.jobs import Evaluation
from labcore.evaluation.refusal import REFUSED
from labcore.runs import Run
from labcore.texts import counted
from labcore.workspace import Workspace

HELP = 'have a run answer "none of these" for unknown sounds, and keep the threshold in its weights'


def add_to(parser: Parser) -> None:
    add_run(parser)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--refuse", metavar="SHARE", type=share, default=REFUSED,
        help=f"share of clips of known classes that may be refused wrongly (default: {REFUSED:g})",
    )  # fmt: skip
    choice.add_argument("--off", dest="on", action="store_false", default=None, help="keep it, but refuse nothing")
    choice.add_argument("--on", dest="on", action="store_true", help="use the one that was kept")
    add_anyone(parser, "change")
    add_json(parser)


def run(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore import calibration, keeping, unknowns
    from labcore.inference.unknown import Unknown

    (chosen,) = own([Run.open(workspace, run_named(arguments))], arguments, "change")
    if arguments.on is not None:
        unknown = keeping.switch(chosen, Unknown, arguments.on)
    else:
        chosen.require_weights()
        if unknowns.to_evaluate(chosen):
            status = run_short(Evaluation.create(workspace, calibration.validation_plan(chosen)))
            if status != DONE:
                return status
        say("comparing clips with the training clips of the network that did not hear them")
        unknown = unknowns.fit(chosen, arguments.refuse)
        if keeping.keep(chosen, unknown):
            say(keeping.SWITCHED_OFF)
    threshold, effect = unknown.threshold, unknowns.effect(chosen, unknown)
    facts = {"run_id": chosen.id, **threshold.model_dump()}
    state = "on" if threshold.on else "off"
    lines = [
        f"none of these: {state}; {percent(threshold.refused)} of known clips may be refused; fitted on {threshold.source}"
    ]
    if effect is not None:
        facts |= {"test_clips": {"clips": effect.clips, "refused": effect.refused}}
        lines.append(f"{effect.refused} of {counted(effect.clips, 'test clip')} would be refused")
    return tell(facts, *lines, as_json=arguments.json)
