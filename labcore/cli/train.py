"""Train a classifier.

Progress goes to stderr, the id of the finished run to stdout. Ctrl-C stops after the current batch; `labcore resume
last` continues. The value auto leaves a setting to the lab.

Examples:
  labcore train --preset quick
  labcore train --dataset esc50 --fold 1 --epochs 50 --device cuda
  labcore train --dataset esc50 --estimate
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from labcore.cli.expected import expected
from labcore.cli.foreground import run_short, train_everywhere, train_here
from labcore.cli.inputs import time_again, trained_run
from labcore.cli.output import duration, facts_lines, say, tell
from labcore.cli.parser import Parser, add_config_flags, add_json, add_time_again, config_from
from labcore.config import RunConfig, all_settings
from labcore.device import ALL
from labcore.errors import ConfigError, RunError
from labcore.owners import shell_user
from labcore.runs import Run, pinned_name
from labcore.texts import counted, whole_number
from labcore.training.estimates import EstimateJob, busy_words, room
from labcore.training.torchrun import run_of_rendezvous, several_gpus, take_part, under_torchrun
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(
        prog="labcore train",
        usage="labcore train [--dataset NAME] [--preset quick|balanced|thorough] [options]",
        description=__doc__,
    )
    add_json(parser, "each event as a line of JSON")
    parser.add_argument("--estimate", action="store_true", help="train a few steps, and estimate time and memory")
    parser.add_argument("--forecast", dest="estimate", action="store_true", help=argparse.SUPPRESS)  # its former name
    parser.add_argument(
        "--pin",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="sound file to classify each epoch; repeatable",
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="EPOCH:SETTING=VALUE", help="change settings from an epoch on, as `labcore set` "
        "does: --set 12:model.dropout=0.4,augment.mixup=0.5; repeatable",
    )  # fmt: skip
    parser.add_argument("--turn", dest="set", action="append", help=argparse.SUPPRESS)  # its former name
    add_time_again(parser)
    add_config_flags(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    began = time.time()
    config = config_from(arguments)
    workspace = Workspace.default()
    time_again(arguments, workspace)
    changes = read_changes(arguments.set, config)
    if arguments.estimate:
        return _estimate(check_inputs(config, workspace), workspace, began, as_json=arguments.json)
    clips = _read_clips(arguments.pin)
    if under_torchrun():
        return take_part(
            config.runtime.device,
            lambda: _begun(run_of_rendezvous(workspace, check_inputs(config, workspace)), clips, changes),
            lambda run, together: train_here(run, as_json=arguments.json, train=together),
        )
    config = check_inputs(config, workspace)
    say(expected(workspace, config))
    run = _begun(Run.create(workspace, config), clips, changes)
    return train_everywhere(run, as_json=arguments.json)


def _begun(run: Run, clips: dict[str, bytes], changes: dict[int, dict[str, Any]]) -> Run:
    """A new run with its pinned clips and the changes of its settings, by epoch."""
    for name, content in clips.items():
        run.pin(name, content)
    for epoch, values in sorted(changes.items()):
        run.override(values, by="command", who=shell_user(), epoch=epoch)
    return run


def read_changes(texts: Sequence[str], config: RunConfig) -> dict[int, dict[str, Any]]:
    """What ``--set`` asks for: epoch from which it counts → setting → value.

    Raises:
        ConfigError: a text of another form, a setting that stays as it is in training, or an epoch that the run has not.
    """
    table = {name: setting for path, setting in all_settings().items() for name in (path, setting.flag) if name}
    changes: dict[int, dict[str, Any]] = {}
    for text in texts:
        epoch, _, rest = text.partition(":")
        pairs = [pair.partition("=") for pair in rest.split(",")]
        number = whole_number(epoch.strip())
        if number is None or not all(equals for _, equals, _ in pairs):
            raise ConfigError(
                f"--set cannot read {text!r}", "Write EPOCH:SETTING=VALUE, for example 12:model.dropout=0.4"
            )
        if not 1 <= number <= (config.optim.epochs or number):
            raise ConfigError(f"--set {text!r}: the run has no epoch {epoch}", f"It has {config.optim.epochs}")
        for name, _, value in pairs:
            setting = table.get(name.strip())
            if setting is None:
                raise ConfigError(
                    f"--set {text!r}: there is no setting {name.strip()!r}", "`labcore set --help` lists them"
                )
            try:
                changes.setdefault(number, {})[setting.path] = setting.read(value.strip())
            except ConfigError as error:
                raise ConfigError(f"--set {text!r}: {error.what}", error.remedy) from None
        config.replace_live(changes[number])
    return changes


def _read_clips(files: list[Path]) -> dict[str, bytes]:
    """The sounds to be pinned by the names of their files, each as the lab encodes it.

    Raises:
        AudioError: one is missing or no sound.
        ConfigError: two have the same name.
    """
    from labcore.audio import Recording
    from labcore.training.pinned import LONGEST_SECONDS

    clips: dict[str, bytes] = {}
    for file in files:
        content = Recording(file, end_s=LONGEST_SECONDS).as_wav(exact=True)
        if pinned_name(file.name) in clips:
            raise ConfigError(f"two pinned clips are called {file.stem}", "Rename one of them")
        clips[pinned_name(file.name)] = content
    return clips


def _estimate(config: RunConfig, workspace: Workspace, began: float, *, as_json: bool) -> int:
    """``began``: when the command did, which checks its inputs and loads torch as the training will."""
    from labcore.training.estimate import work

    job = EstimateJob.create(workspace, config)
    status, result = run_short(job, partial(work, began=began)), job.result
    if result is None:
        return status
    share = "" if result.micro_batch == result.batch_size else f", in micro-batches of {result.micro_batch}"
    fits = "" if result.largest_batch is None else f"; {room(result.largest_batch, result.clips)} in memory"
    told = {
        "epoch": duration(result.seconds_per_epoch),
        "run": f"{duration(result.seconds_total)} for {counted(result.epochs, 'epoch')}, from start to end",
        **({"load": words} if (words := busy_words(result, duration)) else {}),
        "memory": f"{result.peak_bytes / 1e9:.1f} GB of {result.memory_bytes / 1e9:.1f} GB",
        "batch": f"{counted(result.batch_size, 'clip')}{share}{fits}",
    }
    return tell(json.loads(result.to_json()), *facts_lines(told), as_json=as_json)


def check_inputs(config: RunConfig, workspace: Workspace) -> RunConfig:
    """Find mistakes before a run is made of them. Paths become absolute, so that resuming finds what they name, and a run that
    weights are taken from is named by its id.

    Raises:
        DatasetError, ConfigError, DeviceError: what the run would fail on at once.
    """
    from labcore.datasets.in_split import dataset_for
    from labcore.datasets.registry import with_whole_paths
    from labcore.datasets.splits import split_for
    from labcore.device import choose_device

    dataset = dataset_for(workspace, config.cutting)
    split_for(dataset.table, config.data)
    config = with_whole_paths(workspace, config)
    if config.runtime.device not in ("auto", "cpu", ALL) or (config.runtime.device == ALL and not several_gpus()):
        choose_device(config.runtime.device)
    from labcore.models import REGISTRY, build_network

    if config.model.name not in REGISTRY:
        build_network(config.model, 2)  # tells what is wrong with the name
    config = config.replace({"model.pretrained": _origin(config.model.pretrained)})
    _check_files(config, workspace)
    return config


def _check_files(config: RunConfig, workspace: Workspace) -> None:
    """See that the weights and the noise that a run begins with can be read.

    Raises:
        AudioError, ConfigError: they cannot.
    """
    if config.augment.noise and config.augment.noise_file:
        from labcore.audio import probe
        from labcore.runs.moved import here

        probe(here(workspace, config.augment.noise_file))
    if config.model.pretrained not in ("none", "published"):
        from labcore.datasets.learnt import place_of_weights
        from labcore.models.pretrained import read_weights

        read_weights(place_of_weights(config.model.pretrained, workspace))


def _origin(pretrained: str) -> str:
    """Where weights come from: a run by its id, also where it is named by a part of that or the word last."""
    if pretrained in ("none", "published") or os.path.exists(pretrained):  # noqa: PTH110 (never raises)
        return pretrained
    try:
        return trained_run(pretrained).id
    except RunError:
        return pretrained  # loading tells what may be given
