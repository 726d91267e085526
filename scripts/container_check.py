"""Builds the image and proves what docs/container.md says of it, in real containers: ``python scripts/container_check.py``

Needs Docker or Podman, no GPU. Containers are started hardened (read-only root, no capabilities, no new privileges, no network)
and are removed afterwards. The first build loads the base image and packages of some GB.

    --image IMAGE                      check an image that is there already
    --base IMAGE                       build upon this base
    CONTAINER_ENGINE="podman --runtime=runc"    what to call instead of docker or podman
    CONTAINER_BUILD_FLAGS, CONTAINER_RUN_FLAGS  more flags for building and for starting
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
IMAGE = "localhost/audio-gpu-lab:check"
NAMES = tuple(
    f"labcheck-{os.getpid()}-{name}"
    for name in ("app", "other", "jupyter", "tensorboard", "api", "public", "worker", "pages")
)
APP, OTHER, JUPYTER, TENSORBOARD, API, PUBLIC, WORKER, PAGES = NAMES
VOLUMES = tuple(f"labcheck-{os.getpid()}-{name}" for name in "abc")
HARDENED = (
    "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--memory=6g", "--network=none",
    "--shm-size=1g", "-e", "STREAMLIT_SERVER_ADDRESS=127.0.0.1",
    *shlex.split(os.environ.get("CONTAINER_RUN_FLAGS", "")),
)  # fmt: skip
TINY = (
    "--audio.sample_rate=8000 --audio.clip_seconds=0.5 --features.n_fft=256 --features.win_length=256 --features.hop_length=128 "
    "--features.n_mels=16 --model=small_cnn --batch-size=16 --precision=fp32 --runtime.memory_format=contiguous --device=cpu "
    "--runtime.compile=off"
)
BEGAN = time.monotonic()


class Engine:
    """Docker or Podman, whichever is there."""

    def __init__(self) -> None:
        named = os.environ.get("CONTAINER_ENGINE")
        found = next((name for name in ("docker", "podman") if shutil.which(name)), None)
        if not named and not found:
            sys.exit("neither docker nor podman is here")
        self.words = shlex.split(named or str(found))

    def __call__(
        self, *words: str, check: bool = True, timeout: float = 180, given: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        command = [*self.words, *words]
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=timeout, check=False)
        if check and done.returncode != 0:
            sys.exit(f"{shlex.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, name: str, image: str, *words: str, volume: str, flags: tuple[str, ...] = ()) -> None:
        self("run", "-d", "--name", name, *HARDENED, "-v", f"{volume}:/workspace", *flags, image, *words)

    def inside(self, name: str, line: str, check: bool = True) -> str:
        return self("exec", name, "sh", "-c", line, check=check).stdout

    def stop(self, name: str, seconds: int = 10) -> tuple[int, float]:
        """Exit status, and how long it took."""
        before = time.monotonic()
        self("stop", "-t", str(seconds), name)
        return int(self("inspect", "-f", "{{.State.ExitCode}}", name).stdout), time.monotonic() - before

    def well(self, name: str) -> bool:
        return self("exec", name, "python", "-m", "labcore.container.health", check=False).returncode == 0


engine = Engine()


def say(text: str) -> None:
    print(f"[{time.monotonic() - BEGAN:4.0f} s] {text}", flush=True)


def expect(condition: Any, what: str, name: str | None = None) -> None:
    if not condition:
        logs = engine("logs", "--tail=40", name, check=False) if name else None
        sys.exit(f"FAILED: {what}\n{logs.stdout + logs.stderr if logs else ''}")
    say(what)


def until(condition: Callable[[], Any], seconds: float, what: str, name: str | None = None) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(1)
    expect(condition(), what, name)


def runs(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in engine.inside(name, "labcore runs list --json").splitlines()]


def state(name: str, run: str) -> str:
    return next(each["state"] for each in runs(name) if each["run_id"] == run)


def events(name: str, run: str) -> list[dict[str, Any]]:
    lines = engine.inside(name, f"cat /workspace/runs/{run}/events.jsonl").splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


def first_epochs(name: str, run: str) -> list[int]:
    """With which epoch the run began, for each time that it was taken up."""
    return [event["first_epoch"] for event in events(name, run) if event["type"] == "training_started"]


def train_in_shell(name: str) -> str:
    """Start a long training from a shell, and wait until it has trained two epochs; returns the run's id."""
    engine.inside(name, "labcore datasets demo")
    engine.inside(name, "nohup labcore train --dataset demo --epochs 2000 " + TINY + " > /tmp/train.log 2>&1 &")
    seen = "cat /workspace/runs/*/events.jsonl | grep -c '.type.: .epoch.'"
    until(lambda: int(engine.inside(name, seen, check=False) or 0) >= 2, 600, "a nohup training is at work", name)
    return str(runs(name)[0]["run_id"])


def queue_like(name: str, run: str, **changes: Any) -> str:
    """Put a run like another one into the queue, as the pages do; returns its id."""
    code = (
        "from labcore.runs import Run; from labcore.workspace import Workspace as W; "
        f"o = Run.open(W.default(), {run!r}).config.replace({changes!r}); print(Run.create(W.default(), o, queued=True).id)"
    )
    return engine.inside(name, f"python -c {shlex.quote(code)}").strip()


def build(base: str | None) -> str:
    arguments = ["--build-arg", f"BASE_IMAGE={base}"] if base else []
    flags = shlex.split(os.environ.get("CONTAINER_BUILD_FLAGS", ""))
    engine("build", *flags, *arguments, "-t", IMAGE, "-f", str(ROOT / "Dockerfile"), str(ROOT), timeout=3600)
    say("the image is built")
    return IMAGE


def check_image(image: str) -> None:
    done = engine("run", "--rm", *HARDENED, image, "python", "/opt/build/container_packages.py", "check")
    expect(True, f"packages: {done.stdout.strip()}")
    done = engine("run", "--rm", *HARDENED, image, "sh", "-c", "exit 7", check=False)
    expect(done.returncode == 7, "another command runs, and its exit status comes through")
    done = engine("run", "--rm", *HARDENED, image, "labcore", "--version")
    expect(done.stdout.startswith("labcore "), f"labcore is on the path: {done.stdout.strip()}")
    done = engine("run", "--rm", *HARDENED, image, "ls", "-A", "/workspace")
    expect(not done.stdout, "the workspace of the image is empty")
    # A read-only workspace, as an unwritable folder of the host would be.
    done = engine("run", "--rm", *HARDENED, "--read-only", "-e", "LABCORE_HOME=/etc/nowhere", image, check=False)
    expect(
        done.returncode == 2 and "cannot write" in done.stderr, "a workspace that cannot be written is told in a line"
    )


def check_app(image: str, volume: str, data: Path) -> None:
    engine.start(APP, image, volume=volume, flags=("-v", f"{data}:/data:ro"))
    until(lambda: engine.well(APP), 60, "the app is healthy", APP)
    expect(engine.inside(APP, "id -u").strip() == "1000", "it runs as user 1000")
    expect(engine("exec", APP, "touch", "/app/x", check=False).returncode != 0, "the root is read-only")
    expect(engine("exec", APP, "touch", "/data/x", check=False).returncode != 0, "the data are read-only")
    report = engine("exec", APP, "labcore", "doctor", "--json", check=False).stdout
    expect(json.loads(report)["checks"], f"labcore doctor works: {json.loads(report)['verdict']}")
    shell_run = train_in_shell(APP)
    expect(state(APP, shell_run) == "running", "labcore runs list shows it")
    waiting = queue_like(APP, shell_run, **{"data.dataset": "/data", "optim.epochs": 4})
    time.sleep(2)
    expect(state(APP, waiting) == "queued", "a second run waits for it")

    status, seconds = engine.stop(APP)
    expect(status == 0, f"stopped in {seconds:.1f} s with status {status} while a training ran", APP)
    engine("start", APP)
    until(lambda: engine.well(APP), 60, "the app is back", APP)
    until(lambda: len(first_epochs(APP, shell_run)) == 2, 200, "the training goes on, though nobody opened a page", APP)
    begun = first_epochs(APP, shell_run)
    ends = [event["state"] for event in events(APP, shell_run) if event["type"] == "run_finished"]
    how = "stopped after its batch" if ends == ["stopped"] else "not done with its batch in time"
    expect(
        ends in ([], ["stopped"]) and begun[1] > 2,
        f"it was {how} and goes on from its checkpoint, with epoch {begun[1]}",
    )
    expect(state(APP, waiting) == "queued", "the second run still waits: nobody was overtaken")

    engine.inside(APP, f"labcore runs stop {shell_run}")
    until(lambda: state(APP, shell_run) == "stopped", 100, "labcore runs stop stops it", APP)
    until(
        lambda: state(APP, waiting) == "finished",
        90,
        "the second run, on the read-only data, finishes without a page",
        APP,
    )
    status, seconds = engine.stop(APP)
    expect(status == 0, f"stopped in {seconds:.1f} s with status {status}", APP)
    engine("start", APP)
    until(lambda: engine.well(APP), 60, "the app is back", APP)
    time.sleep(4)
    expect(state(APP, shell_run) == "stopped", "what a person stopped stays stopped")
    zombies = engine.inside(
        APP, "(sleep 0.1 & sleep 0.2 & exit 0); sleep 1; grep -l '^State:.Z' /proc/[0-9]*/status | wc -l"
    )
    expect(zombies.strip() == "0", "orphans are buried")

    engine.inside(APP, f"nohup labcore resume {shell_run} > /tmp/resume.log 2>&1 &")
    until(lambda: state(APP, shell_run) == "running", 200, "the training is taken up once more", APP)
    engine("kill", "--signal=KILL", APP)
    engine("start", APP)
    until(lambda: engine.well(APP), 60, "the app is back after a kill", APP)
    expect(
        state(APP, shell_run) == "interrupted",
        "a run that was killed with its container is interrupted and can be resumed",
    )
    engine.inside(APP, "labcore backup - > /tmp/backup.tar && labcore restore --check /tmp/backup.tar")
    say("backup and restore --check work")


def check_worker(image: str, volume: str) -> None:
    """The app and its worker as two containers, as compose.yaml has them."""
    engine.start(WORKER, image, "worker", volume=volume)
    engine.start(PAGES, image, volume=volume, flags=("-e", "LABCORE_WORKER=external"))
    until(lambda: engine.well(PAGES) and engine.well(WORKER), 60, "app and worker are healthy", PAGES)
    shell_run = train_in_shell(PAGES)
    status, _ = engine.stop(WORKER)
    expect(
        status == 0 and state(PAGES, shell_run) == "running", "a stop of the worker leaves a run of the app's container"
    )
    engine("start", WORKER)
    queued = queue_like(PAGES, shell_run)
    status, seconds = engine.stop(PAGES)
    expect(
        status == 0, f"the app stopped in {seconds:.1f} s with status {status} while a training of its shell ran", PAGES
    )
    until(lambda: len(first_epochs(WORKER, queued)) == 1, 60, "the worker takes the next run without the app", WORKER)
    engine("start", PAGES)
    until(lambda: state(WORKER, shell_run) == "queued", 30, "the training from the shell waits for the worker", PAGES)
    status, seconds = engine.stop(WORKER)
    expect(status == 0, f"the worker stopped in {seconds:.1f} s with status {status} while a run trained", WORKER)
    engine("start", WORKER)
    until(
        lambda: len(first_epochs(PAGES, shell_run)) == 2,
        60,
        "the training from the shell goes on, since it came first",
        WORKER,
    )
    engine.inside(PAGES, f"labcore runs stop {shell_run}")
    until(lambda: len(first_epochs(PAGES, queued)) == 2, 100, "and then the run that the worker's stop ended", WORKER)
    for name in (PAGES, WORKER):
        expect(engine.stop(name)[0] == 0, f"{name.rpartition('-')[2]} stopped with status 0", name)


def check_services(image: str, volume: str) -> None:
    done = engine("run", "--rm", *HARDENED, image, "jupyter", check=False)
    expect(done.returncode == 2 and "token" in done.stderr, "Jupyter does not start without a token")
    engine.start(JUPYTER, image, "jupyter", volume=volume, flags=("-e", "JUPYTER_TOKEN=0123456789abcdef0123"))
    until(lambda: engine.well(JUPYTER), 60, "Jupyter is healthy", JUPYTER)
    asks = "python -c 'import urllib.request as u; u.urlopen(\"http://127.0.0.1:8888/api/contents{}\").read()'"
    expect(engine("exec", JUPYTER, "sh", "-c", asks.format(""), check=False).returncode != 0, "it wants its token")
    engine.inside(JUPYTER, asks.format("/starter.ipynb?token=0123456789abcdef0123"))
    say("the starter notebook is there")
    expect(
        "0123456789" not in engine.inside(JUPYTER, "cat /proc/[0-9]*/cmdline", check=False),
        "no command line tells the token",
    )
    engine.start(TENSORBOARD, image, "tensorboard", volume=volume)
    until(lambda: engine.well(TENSORBOARD), 60, "TensorBoard is healthy", TENSORBOARD)
    for name in (JUPYTER, TENSORBOARD):
        status, seconds = engine.stop(name)
        expect(status == 0, f"{name.rpartition('-')[2]} stopped in {seconds:.1f} s with status {status}", name)


def check_api(image: str, volume: str) -> None:
    run = next(each["run_id"] for each in runs(APP) if each["state"] == "finished")
    words = ("labcore", "serve", "--run", run, "--host", "0.0.0.0", "--port", "8000")
    engine.start(API, image, *words, volume=volume, flags=("-e", "LABCORE_API_KEY=0123456789abcdef0123456789abcdef"))
    until(lambda: engine.well(API), 60, "the service is healthy", API)
    status, seconds = engine.stop(API)
    expect(status == 0, f"the service stopped in {seconds:.1f} s with status {status}", API)


def check_stranger(image: str, volume: str) -> None:
    engine.start(OTHER, image, volume=volume, flags=("--user", "4242:4242"))
    until(lambda: engine.well(OTHER), 60, "another user (4242) can run the app", OTHER)
    engine.inside(OTHER, "labcore runs list && python -c 'import getpass, torch; getpass.getuser()'")
    status, _ = engine.stop(OTHER)
    expect(status == 0, "and it stops with status 0", OTHER)


def check_address(image: str, volume: str) -> None:
    """As it is published: listening on all addresses, with a password."""
    made = engine("run", "-i", "--rm", *HARDENED, image, "labcore", "password", given="open, sesame\n")
    flags = ("-e", "STREAMLIT_SERVER_ADDRESS=0.0.0.0", "-e", f"LABCORE_PASSWORD_HASH={made.stdout.strip()}")
    engine.start(PUBLIC, image, volume=volume, flags=flags)
    until(lambda: engine.well(PUBLIC), 60, "the app is healthy on all addresses", PUBLIC)
    status, _ = engine.stop(PUBLIC)
    expect(status == 0, "and stops with status 0", PUBLIC)


def make_data(folder: Path) -> None:
    """A data set of two classes of tones, twelve clips each."""
    import math
    import struct
    import wave

    for label, hertz in (("low", 300), ("high", 1500)):
        (folder / label).mkdir(parents=True)
        for number in range(12):
            pitch = hertz * (0.9 + 0.02 * number)
            samples = [round(9000 * math.sin(2 * math.pi * pitch * i / 8000)) for i in range(4000)]
            with wave.open(str(folder / label / f"{number}.wav"), "wb") as file:
                file.setparams((1, 2, 8000, 0, "NONE", ""))
                file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--image")
    parser.add_argument("--base")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        make_data(data)
        Path(scratch).chmod(0o755)
        try:
            image = given.image or build(given.base)
            check_image(image)
            check_app(image, VOLUMES[0], data)
            check_worker(image, VOLUMES[2])
            check_services(image, VOLUMES[0])
            check_api(image, VOLUMES[0])
            check_stranger(image, VOLUMES[1])
            check_address(image, VOLUMES[0])
        finally:
            for name in NAMES:
                engine("rm", "-f", name, check=False)
            engine("volume", "rm", *VOLUMES, check=False)
    say("all of it holds")


if __name__ == "__main__":
    main()
