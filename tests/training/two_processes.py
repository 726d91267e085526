"""What each of torchrun's processes does in test_distributed.py: ``two_processes.py OUT COMMAND…``.

Tries what processes say to each other, then works on a command of the lab, with a network that has no batch normalisation.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from labcore.cli.main import main
from labcore.errors import ConfigError
from labcore.models import REGISTRY
from labcore.training.distributed import DistributedContext


def plain(config, classes):
    """A network whose figures do not depend on how a batch is divided."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, classes),
    )


def raised(call):
    try:
        call()
    except Exception as error:
        return [type(error).__name__, str(error)]
    return None


def refuse():
    raise ConfigError("no such thing", "take another")


def talk(context: DistributedContext) -> dict:
    """What comes out of each word that processes exchange; process 1 is the one that is different."""
    other = context.rank == 1
    said = {
        "rank": context.rank,
        "gather": context.gather(np.arange(5)[:, None][slice(*((2, 5) if other else (0, 2)))]).tolist(),
        "part": context.part(list(range(7))),
        "sum": context.sum(torch.tensor([1.0 + context.rank])).tolist(),
        "any": [context.any(other), context.any(False), context.any(False)],
        "share": context.share(lambda: {"from": context.rank}),
        "share_error": raised(lambda: context.share(refuse)),
        "agree": context.agree(None, f"value of {context.rank}", same="same"),
        "agree_error": raised(lambda: context.agree(ConfigError("only here") if other else None, None)),
        "agree_differing": raised(lambda: context.agree(None, None, same=context.rank)),
    }
    context.separate(5)
    said["random"] = torch.rand(1).item()
    norm = nn.BatchNorm1d(2)
    norm.running_mean += context.rank
    context.align(norm)
    said["aligned"] = norm.running_mean.tolist()
    torch.manual_seed(0)
    network, batch, targets = nn.Linear(4, 3), torch.randn(5, 4), torch.tensor([0, 1, 2, 0, 1])
    wrapped = context.wrap(network, torch.device("cpu"))
    own, wanted = context.part(batch), context.part(targets)
    for number, (clip, target) in enumerate(zip(own.split(1), wanted.split(1), strict=True), 1):  # in micro-batches
        with context.exchange(wrapped, number == len(own)):
            loss = nn.functional.cross_entropy(wrapped(clip), target) / len(own)
            (loss * context.weight(len(own), len(batch))).backward()
    said["gradient"] = network.weight.grad.tolist()
    network.zero_grad()
    nn.functional.cross_entropy(network(batch), targets).backward()
    said["whole_gradient"] = network.weight.grad.tolist()
    return said


if __name__ == "__main__":
    REGISTRY["plain"] = plain
    out, *command = sys.argv[1:]
    if out != "-":
        context = DistributedContext.connect("cpu")
        Path(out, f"said-{context.rank}.json").write_text(json.dumps(talk(context)))
        context.close()
    sys.exit(main(command))
