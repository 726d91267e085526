"""``labcore train``: a new run, worked on in the foreground; the pages show it live."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labcore.cli.attend import attend, attend_everywhere, attend_short
from labcore.cli.inputs import trained_run
from labcore.cli.output import DONE, duration, emit, emit_json, say
from labcore.cli.parser import Parser, add_config_flags, add_json, config_from
from labcore.config import RunConfig, all_settings
from labcore.device import ALL
from labcore.errors import ConfigError, RunError
from labcore.owners import shell_user
from labcore.runs import Run, pinned_name
from labcore.texts import counted
from labcore.training.estimates import EstimateJob, room
from labcore.training.torchrun import run_of_rendezvous, several_gpus, take_part, under_torchrun
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(
        prog="labcore train",
        usage="labcore train [--dataset NAME] [--preset quick|balanced|thorough] [flags]",
        description="Train a classifier. Progress goes to stderr, the id of the finished run to stdout. Ctrl-C stops after "
        "the batch at hand, `labcore resume last` goes on.",
        epilog="Where a flag may be left to the lab, it also takes the word auto.",
    )
    add_json(parser, "one line of JSON an event")
    parser.add_argument(
        "--estimate",
        action="store_true",
        help="train nothing: a few steps tell seconds an epoch, memory and the largest batch",
    )
    parser.add_argument("--forecast", dest="estimate", action="store_true", help=argparse.SUPPRESS)  # its former name
    parser.add_argument(
        "--pin",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a sound file of your own that is classified after every epoch; may be given several times",
    )
    parser.add_argument(
        "--turn",
        action="append",
        default=[],
        metavar="EPOCH:PATH=VALUE",
        help="turn settings while it trains, as `labcore turn` does: 12:model.dropout=0.4,augment.mixup=0.5 counts from epoch 12 on; "
        "may be given several times",
    )
    parser.add_argument(
        "--time-again",
        action="store_true",
        help="forget which precision was the fastest on this machine, for all networks, and time it anew",
    )
    add_config_flags(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    config = config_from(arguments)
    workspace = Workspace.default()
    if arguments.time_again:
        _time_again(workspace)
    turns = read_turns(arguments.turn, config)
    if arguments.estimate:
        return _estimate(check_inputs(config, workspace), workspace, as_json=arguments.json)
    clips = _read_clips(arguments.pin)
    if under_torchrun():
        return take_part(
            config.runtime.device,
            lambda: _begun(run_of_rendezvous(workspace, check_inputs(config, workspace)), clips, turns),
            lambda run, together: attend(run, as_json=arguments.json, train=together),
        )
    run = _begun(Run.create(workspace, check_inputs(config, workspace)), clips, turns)
    return attend_everywhere(run, as_json=arguments.json)


def _begun(run: Run, clips: dict[str, bytes], turns: dict[int, dict[str, Any]]) -> Run:
    """A new run with its pinned clips, and with wishes for what is to be changed while it trains."""
    for name, content in clips.items():
        run.pin(name, content)
    for epoch, changes in sorted(turns.items()):
        run.override(changes, by="command", who=shell_user(), epoch=epoch)
    return run


def read_turns(texts: Sequence[str], config: RunConfig) -> dict[int, dict[str, Any]]:
    """What ``--turn`` asks for: epoch from which it counts → path → value.

    Raises:
        ConfigError: a text that says nothing of the kind, a setting that cannot be changed, or an epoch that the run has not.
    """
    table = {name: setting for path, setting in all_settings().items() for name in (path, setting.flag) if name}
    turns: dict[int, dict[str, Any]] = {}
    for text in texts:
        epoch, _, rest = text.partition(":")
        pairs = [pair.partition("=") for pair in rest.split(",")]
        if not epoch.strip().isdecimal() or not all(equals for _, equals, _ in pairs):
            raise ConfigError(f"--turn {text!r} is none", "Write EPOCH:PATH=VALUE, for example 12:model.dropout=0.4")
        if not 1 <= int(epoch) <= (config.optim.epochs or int(epoch)):
            raise ConfigError(f"--turn {text!r}: the run has no epoch {epoch}", f"It has {config.optim.epochs}")
        for name, _, value in pairs:
            setting = table.get(name.strip())
            if setting is None:
                raise ConfigError(
                    f"--turn {text!r}: there is no setting {name.strip()!r}", "`labcore turn --help` lists them"
                )
            try:
                turns.setdefault(int(epoch), {})[setting.path] = setting.read(value.strip())
            except ConfigError as error:
                raise ConfigError(f"--turn {text!r}: {error.what}", error.remedy) from None
        config.replace_live(turns[int(epoch)])
    return turns


def _time_again(workspace: Workspace) -> None:
    from labcore.training.precision_choice import forget

    forgotten = forget(workspace)
    say(f"{counted(forgotten, 'timing')} forgotten; precisions are timed anew")


def _read_clips(files: list[Path]) -> dict[str, bytes]:
    """The sounds to be pinned by the names of their files, each as the lab encodes it.

    Raises:
        AudioError: one is missing or no sound.
        ConfigError: two have the same name.
    """
    from labcore.audio import as_wav
    from labcore.training.pinned import LONGEST_SECONDS

    clips: dict[str, bytes] = {}
    for file in files:
        content = as_wav(file, end_s=LONGEST_SECONDS, exact=True)
        if pinned_name(file.name) in clips:
            raise ConfigError(f"two clips to be pinned are called {file.stem}", "Rename one of them")
        clips[pinned_name(file.name)] = content
    return clips


def _estimate(config: RunConfig, workspace: Workspace, *, as_json: bool) -> int:
    job = EstimateJob.create(workspace, config)
    status, result = attend_short(job), job.result
    if result is None:
        return status
    if as_json:
        emit_json(json.loads(result.to_json()))
        return DONE
    share = "" if result.micro_batch == result.batch_size else f", taken {result.micro_batch} at a time"
    emit(f"an epoch     {duration(result.seconds_per_epoch)}")
    emit(f"the run      {duration(result.seconds_total)} for {counted(result.epochs, 'epoch')}")
    emit(f"memory       {result.peak_bytes / 1e9:.1f} GB of {result.memory_bytes / 1e9:.1f} GB")
    fits = "" if result.largest_batch is None else f"; {room(result.largest_batch, result.clips)} in memory"
    emit(f"batch        {counted(result.batch_size, 'clip')}{share}{fits}")
    return DONE


def check_inputs(config: RunConfig, workspace: Workspace) -> RunConfig:
    """Find mistakes before a run is made of them. Paths become absolute, so that resuming finds what they name, and a run that
    weights are taken from is named by its id.

    Raises:
        DatasetError, ConfigError, DeviceError: what the run would fail on at once.
    """
    from labcore.datasets.registry import find_dataset, with_whole_paths
    from labcore.datasets.splits import split_for
    from labcore.device import choose_device

    dataset = find_dataset(workspace, config.data.dataset)
    split_for(dataset.table, config.data)
    config = with_whole_paths(workspace, config)
    if config.runtime.device not in ("auto", "cpu", ALL) or (config.runtime.device == ALL and not several_gpus()):
        choose_device(config.runtime.device)
    from labcore.models import REGISTRY, build_network

    if config.model.name not in REGISTRY:
        build_network(config.model, 2)  # tells what is wrong with the name
    return config.replace({"model.pretrained": _origin(config.model.pretrained)})


def _origin(pretrained: str) -> str:
    """Where weights come from: a run by its id, also where it is named by a part of that or the word last."""
    if pretrained in ("none", "published") or os.path.exists(pretrained):  # noqa: PTH110 (never raises)
        return pretrained
    try:
        return trained_run(pretrained).id
    except RunError:
        return pretrained  # loading tells what may be given
