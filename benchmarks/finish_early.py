"""What a run is worth that finishes early, beside one that is cut off at the same epoch, and one that goes on to its end.

    python benchmarks/finish_early.py [--data FOLDER] [--folds 1 2] [--seeds 0 1] [--epochs 60] [--at 30] [--more 6]

Of each fold and seed three results on the test fold: of the weights at epoch ``--at``, of a run that is told then to finish after
``--more`` epochs, and of the whole run. Both runs are the same up to that epoch. Prints accuracy and loss of each, and the means.
"""

from __future__ import annotations

from statistics import mean

from _common import machine, parser, workspace

from labcore.cli.output import emit, table
from labcore.config import RunConfig
from labcore.config.presets import preset
from labcore.events import Epoch, epochs_of
from labcore.jobs.process import work
from labcore.runs import Run
from labcore.workspace import Workspace


def main() -> None:
    arguments = parser(__doc__ or "", settings=True)
    arguments.add_argument("--folds", nargs="+", default=["1", "2"])
    arguments.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    arguments.add_argument("--preset", default="quick")
    arguments.add_argument("--epochs", type=int, default=60)
    arguments.add_argument("--at", type=int, default=30)
    arguments.add_argument("--more", type=int, default=6)
    options = arguments.parse_args()
    home = workspace(options.home)
    print(machine(), flush=True)
    rows = []
    for fold in options.folds:
        for seed in options.seeds:
            changes = {
                "data.dataset": options.data,
                "data.fold": fold,
                "runtime.seed": seed,
                "optim.epochs": options.epochs,
            }
            config = preset(options.preset).replace(changes | dict(options.set))
            whole, early = trained(home, config), trained(home, config, options.at, options.more)
            found = [whole[options.at - 1], early[-1], whole[-1]]
            rows.append([fold, seed, *(figure for each in found for figure in (each.val_accuracy, each.val_loss))])
            print(rows[-1], flush=True)
    rows.append(["mean", "", *(mean(column) for column in list(zip(*rows, strict=True))[2:])])
    told = [[fold, seed, *(f"{100 * each:.1f} %" if number % 2 == 0 else f"{each:.3f}" for number, each in enumerate(rest))]
            for fold, seed, *rest in rows]  # fmt: skip
    names = [f"cut off at {options.at}", f"finished at {options.at + options.more}", f"all {options.epochs}"]
    emit(table(["fold", "seed", *(word for name in names for word in (name, "loss"))], told))


def trained(home: Workspace, config: RunConfig, at: int | None = None, more: int = 0) -> list[Epoch]:
    """The epochs of a run, which is told at an epoch to finish after some more."""
    run = Run.create(home, config)
    if at is not None:
        run.override({"optim.epochs": at + more}, epoch=at + 1, by="command")
    work(run, lambda: False, lambda event: None)
    return epochs_of(run.events())


if __name__ == "__main__":
    main()
