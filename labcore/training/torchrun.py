"""A run in several processes: what torchrun's processes do, and torchrun started by the lab itself for the device "all".

Process 0 works on the run as a process by itself would: it holds the lock, writes events, checkpoints and weights. The others
train along in a scratch folder of their own and tell nothing. torchrun restarts all of them when one dies and restarts are
allowed (``--max-restarts``); the run that its rendezvous made is then taken up again from its checkpoint.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from labcore.config import RunConfig
from labcore.device import ALL, cuda_count
from labcore.errors import LabError, RunError
from labcore.events import Evaluated, EvaluatedLabels, Event
from labcore.jobs.process import StopTest
from labcore.jobs.status import RESUMABLE
from labcore.reading import read_json
from labcore.runs import Run
from labcore.workspace import Workspace, slug, write_atomically

if TYPE_CHECKING:
    from labcore.training.distributed import DistributedContext

FAILED, INTERRUPTED = 1, 130
END_SECONDS = 1.0
"""How long a process that failed waits for process 0, which may have failed for the same reason and has it to write down. Where process
0 knows nothing of it yet, it hears of it by the connections that break when this one goes."""

Train = Callable[[RunConfig, Run, Workspace, StopTest], Iterable[Event]]


def under_torchrun() -> bool:
    """Whether torchrun, or a launcher that sets the same variables, has started this process."""
    return {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= set(os.environ)


def restarted() -> bool:
    """Whether torchrun has started its processes again, after one of them died."""
    return os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"


# --- torchrun's processes


def take_part(device: str, find: Callable[[], Run], lead: Callable[[Run, Train], int]) -> int:
    """Be one of the processes of a run; returns the exit status.

    A run that was stopped ends with status 0 where restarts are allowed: torchrun takes any other for a death.

    Args:
        device: what the configuration asks for; decides how the processes are connected.
        find: the run to work on; called in process 0.
        lead: works on a run with the given training loop; called in process 0.

    Raises:
        LabError: what ``find`` and ``lead`` raise, in process 0; the processes cannot reach each other.
    """
    from labcore.training.distributed import DistributedContext

    context = DistributedContext.connect(device)
    orphaned = _orphan_test()
    if not context.main:
        return _go_along(context, orphaned)
    begun = False

    def train_together(config: RunConfig, run: Run, workspace: Workspace, should_stop: StopTest) -> Iterator[Event]:
        nonlocal begun
        from labcore.training.connections import own_trouble
        from labcore.training.loop import train

        begun = True
        context.share(lambda: (config, run.id, str(workspace.home)))
        evaluated = False
        try:
            for event in train(config, run, workspace, lambda: should_stop() or orphaned(), context):
                evaluated = evaluated or isinstance(event, (Evaluated, EvaluatedLabels))
                yield event
        except Exception as error:
            raise context.explain(own_trouble(error)) from error
        if not evaluated:  # stopped, perhaps by a signal to another process: the worker takes it as its own
            raise KeyboardInterrupt

    try:
        run = find()
        status = lead(run, train_together)
    finally:
        if not begun:
            context.share(lambda: None)  # nothing to do for the others
        context.finish()
    if run.status().state in ("finished", "stopped"):
        context.close()
    restarts_allowed = os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0") != "0"
    return 0 if status == INTERRUPTED and restarts_allowed else status


def _go_along(context: DistributedContext, orphaned: StopTest) -> int:
    """What processes other than number 0 do: train along, tell nothing."""
    from labcore.training.connections import own_trouble
    from labcore.training.loop import train

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    task = context.share(lambda: None)
    if task is not None:
        config, run_id, home = task
        workspace = Workspace(Path(home)) if Path(home).is_dir() else Workspace.default()
        with tempfile.TemporaryDirectory(prefix="labcore-rank-") as scratch:
            run = Run(Path(scratch) / run_id)
            (run.path / "checkpoints").mkdir(parents=True)
            try:
                for _ in train(config, run, workspace, lambda: stop.is_set() or orphaned(), context):
                    pass
            except Exception as error:
                own = own_trouble(error)
                reason = context.explain(own)
                if reason is own:
                    context.tell_trouble(own)
                    if not isinstance(own, LabError):
                        print("".join(traceback.format_exception(error)), end="", file=sys.stderr)
                print(f"labcore: process {context.rank} of {context.size}: {reason}", file=sys.stderr, flush=True)
                context.finish(END_SECONDS)
                return FAILED
    context.finish()
    context.close()
    return 0


def _orphan_test() -> StopTest:
    """Whether the launcher is gone: what it has started should not go on for ever without it."""
    parent = os.getppid()
    return lambda: os.getppid() != parent


# --- the run of a rendezvous


def run_of_rendezvous(workspace: Workspace, config: RunConfig) -> Run:
    """The run that this rendezvous works on: a new one, or the one it worked on before its processes were restarted.

    The same ``--rdzv-id`` with the same settings goes on with its run as well, so that a job that a cluster starts again does.

    Raises:
        RunError: the processes were restarted though their run had ended well, or it is gone.
        WorkspaceError: the workspace cannot be written.
    """
    asked = config.model_dump(mode="json")
    file = workspace.cache / "rendezvous" / f"{_rendezvous()}.json"
    try:
        memory = read_json(file)
        run = Run(workspace.runs / memory["run"])
        if (restarted() or memory["asked"] == asked) and run.path.is_dir():
            state = run.status().state
            if state in RESUMABLE:
                if not restarted():
                    run.clear_stop()
                return run
            if restarted():
                raise RunError(f"run {run.id} is {state}")
    except (OSError, ValueError, KeyError, TypeError):
        pass
    run = Run.create(workspace, config)
    file.parent.mkdir(exist_ok=True)
    write_atomically(file, json.dumps({"run": run.id, "asked": asked}))
    return run


def _rendezvous() -> str:
    """A name for this rendezvous: its id, or where it has none of its own, the launcher's process."""
    name = os.environ.get("TORCHELASTIC_RUN_ID", "none")
    if name != "none":
        return slug(name)
    parent = os.getppid()
    try:
        began = Path(f"/proc/{parent}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        began = "0"
    return f"process-{parent}-{began}"


# --- the lab's own torchrun


def on_all_gpus(device: str, arguments: Sequence[str]) -> int | None:
    """Run ``python ARGUMENTS`` once for every GPU of this machine, where ``device`` asks for all and there are several.

    Returns:
        The exit status; None where this process should do the work by itself.
    """
    if device != ALL or under_torchrun() or not several_gpus():
        return None
    return launch(cuda_count(), arguments)


def several_gpus() -> bool:
    """Whether torch sees more than one GPU. Looking leaves nothing on them."""
    return cuda_count() > 1


def launch(processes: int, arguments: Sequence[str]) -> int:
    """Run ``python ARGUMENTS`` in so many processes under torchrun, without restarts; returns the exit status of the first that fails."""
    from torch.distributed.elastic.multiprocessing.api import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # process 0 tells what there is to tell
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",  # the name that a machine gives itself may be known to nobody
        max_restarts=0,
        logs_specs=DefaultLogsSpecs(log_dir=os.devnull),  # else each start leaves a folder behind
    )
    try:
        elastic_launch(config, sys.executable)(*arguments)
    except ChildFailedError as error:
        status = error.get_first_failure()[1].exitcode
        return status if status > 0 else FAILED
    except SignalException:
        return INTERRUPTED
    except (RuntimeError, OSError) as error:
        raise LabError(f"the processes of the run cannot be started: {error}") from error
    return 0
