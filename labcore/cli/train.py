"""``labcore train``: a new run, worked on in the foreground; the pages show it live."""

from __future__ import annotations

import argparse
from pathlib import Path

from labcore.cli.attend import attend
from labcore.cli.parser import Parser, add_config_flags, config_from
from labcore.config import RunConfig
from labcore.runs import Run
from labcore.workspace import Workspace


def parser() -> Parser:
    parser = Parser(
        prog="labcore train",
        usage="labcore train [--dataset NAME] [--preset quick|balanced|thorough] [flags]",
        description="Train a classifier. Progress goes to stderr, the id of the finished run to stdout. Ctrl-C stops after "
        "the batch at hand, `labcore resume last` goes on.",
        epilog="Where a flag may be left to the lab, it also takes the word auto.",
    )
    parser.add_argument(
        "--json", action="store_true", help="one line of JSON an event on stdout, and nothing else there"
    )
    add_config_flags(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    config = config_from(arguments)
    workspace = Workspace.default()
    config = check_inputs(config, workspace)
    return attend(Run.create(workspace, config), as_json=arguments.json)


def check_inputs(config: RunConfig, workspace: Workspace) -> RunConfig:
    """Find mistakes before a run is made of them. The path of a data set becomes absolute, so that resuming finds it.

    Raises:
        DatasetError, ConfigError, DeviceError: what the run would fail on at once.
    """
    from labcore.datasets.folds import split_for
    from labcore.datasets.registry import find_dataset, list_datasets
    from labcore.device import choose_device

    dataset = find_dataset(workspace, config.data.dataset)
    split_for(dataset.table, config.data)
    path = Path(config.data.dataset).expanduser()
    if config.data.dataset not in {info.name for info in list_datasets(workspace)} and path.exists():
        config = config.changed({"data.dataset": str(path.absolute())})
    if config.runtime.device not in ("auto", "cpu"):
        choose_device(config.runtime.device)
    from labcore.models import REGISTRY, build_network

    if config.model.name not in REGISTRY:
        build_network(config.model, 2)  # tells what is wrong with the name
    return config
