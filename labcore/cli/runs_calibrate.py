"""``labcore runs calibrate``: fit the temperature of a run's probabilities, keep it in its weights, switch it on or off."""

from __future__ import annotations

import argparse

from labcore.cli.foreground import run_short
from labcore.cli.jobs import own
from labcore.cli.output import DONE, percent, say, tell
from labcore.cli.parser import Parser, add_anyone, add_json, add_run, run_named
from labcore.evaluation.jobs import Evaluation
from labcore.runs import Run
from labcore.texts import counted
from labcore.workspace import Workspace

HELP = "fit a temperature that calibrates the probabilities of a run, and keep it in its weights"


def add_to(parser: Parser) -> None:
    add_run(parser)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--off", dest="on", action="store_false", default=None, help="keep it, but apply it no longer")
    choice.add_argument("--on", dest="on", action="store_true", help="apply the one that was kept")
    add_anyone(parser, "calibrate")
    add_json(parser)


def run(workspace: Workspace, arguments: argparse.Namespace) -> int:
    from labcore import calibration, keeping
    from labcore.inference.temperature import Temperature

    (chosen,) = own([Run.open(workspace, run_named(arguments))], arguments, "calibrate")
    if arguments.on is not None:
        temperature = keeping.switch(chosen, Temperature, arguments.on)
    else:
        chosen.require_weights()
        clips = calibration.clips_for(chosen)
        if clips is None:
            status = run_short(Evaluation.create(workspace, calibration.validation_plan(chosen)))
            if status != DONE:
                return status
            clips = calibration.clips_for(chosen)
            assert clips is not None
        temperature = calibration.fitted(clips)
        if keeping.keep(chosen, temperature):
            say(keeping.SWITCHED_OFF)
    effect = calibration.effect(chosen, temperature)
    facts = {"run_id": chosen.id, **temperature.model_dump()}
    lines = [
        f"temperature {temperature.value:.3f}, {'on' if temperature.on else 'off'}; fitted on {temperature.source}"
    ]
    if effect is not None:
        facts |= {"calibration_error": {"without": effect.without, "with": effect.tempered, "clips": effect.clips}}
        lines.append(
            f"calibration error on {counted(effect.clips, 'test clip')}: {percent(effect.without)} without it, "
            f"{percent(effect.tempered)} with it"
        )
    return tell(facts, *lines, as_json=arguments.json)
