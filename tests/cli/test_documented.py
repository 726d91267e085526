"""Every command line of README.md and docs: its program is there, its flags are understood, and it runs where it can run here.

A line is taken from a fenced block, or from code in a sentence that begins with a program and says more than its name. A new line has to be
run by this test, or to be listed in NOT_RUN with the reason.
"""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from labcore.cli.main import COMMANDS
from labcore.cli.parser import Parser
from labcore.config import RunConfig
from labcore.datasets.annotations import annotate, decided
from labcore.inference.classifier import Classifier
from labcore.owners import shell_user
from labcore.runs import Run
from labcore.workspace import Workspace

Labcore = Callable[..., Any]

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
PROGRAMS = (
    "labcore", "make", "python", "pytest", "docker", "podman", "torchrun", "srun", "curl", "pip", "git", "age", "cp", "mkdir", "openssl",
    "read", "printf", "export", "head=$(scontrol", ".ci/run",
)  # fmt: skip
BEFORE = ("nohup", "time", "srun")
"""Words that may stand before a program."""
NO_COMMANDS = ("6  pages/", "file or bytes ─► decode", "[secrets]", "FROM ", "#!/bin/bash")
"""How fenced blocks begin that are no command lines."""

NOT_RUN = {
    "asks at a terminal; tests/cli has the command": ("labcore password",),
    "needs an NVIDIA GPU": (
        "labcore train --dataset ~/ESC-50 --fold 1 --batch-size 32 --epochs 50 --gpu",
        "labcore extract recordings --output embeddings --embeddings last --device cuda",
        "labcore serve --run birds=RUN --run bats=weights.safetensors --gpu",
    ),
    "serves until it is stopped; tests/api starts it": (
        "labcore serve",
        "labcore serve --run 20261126-1030 --port 9000",
        "LABCORE_API_KEY_FILE=api_key labcore serve --host 0.0.0.0",
    ),
    "works until it is stopped; tests/jobs/test_worker.py has it": ("labcore worker",),
    "needs two runs; tests/cli/test_runs_compare.py has it": (
        "labcore runs compare A B",
        "labcore runs compare A B --json",
        "labcore runs report A B --output ab.html",
    ),
    "needs other folds or validation clips; tests/test_calibration.py has it": (
        "labcore runs calibrate RUN",
        "labcore runs calibrate RUN --off",
        "labcore runs unknown RUN --refuse 0.05",
        "labcore runs unknown RUN --off",
    ),
    "trains a run a class; tests/hidden and tests/cli/test_runs_hidden.py have it": (
        "labcore runs hidden RUN",
        "labcore runs hidden RUN --class dog --class rain --refuse 0.1",
        "labcore runs hidden RUN --show",
    ),
    "trains a run a size and sample; tests/curve and tests/cli/test_curve.py have it": (
        "labcore curve ~/ESC-50",
        "labcore curve esc50",
        "labcore curve esc50 --fold 1 --sizes 2 5 10 --samples 3 --preset quick",
        "labcore curve --show last",
    ),
    "needs recordings that were listened to before; tests/cli/test_alarms.py has it": (
        "labcore alarms RUN --rate 0.2",
        "labcore alarms RUN --rate 0.5 --each --keep",
        "labcore alarms RUN --exclude night.wav 3605 3612",
        "labcore alarms RUN --off",
    ),
    "needs a check or a split before; tests/cli/test_checks.py has it": (
        "labcore datasets mend mine",
        "labcore datasets mend mine silent",
        "labcore datasets mend mine opposite-phase --remedy right",
        "labcore datasets mend mine clipped --clip dog/12.wav dog/13.wav",
        "labcore datasets mend mine silent --undo",
        "labcore datasets split mine --by speaker --folds 4",
        'labcore datasets split mine --by "{class}_{site}_*" --folds 4',
        "labcore datasets split mine --from folds.csv --as ours",
        "labcore datasets split mine --by recorder --shares 70,15,15 --as parts",
        "labcore datasets split mine --from folds.csv --together --as ours",
        "labcore datasets split mine --rename four --as quarters",
        "labcore datasets split mine --remove quarters",
        "labcore train --dataset mine --named-split four",
    ),
    "needs an edit before; tests/cli/test_timed_labels.py has it": ("labcore datasets labels nights --undo last",),
    "needs one that was stopped; tests/cli/test_crossval.py has it": ("labcore crossval --resume last --more 16",),
    "needs a Ray cluster": ("labcore crossval --dataset esc50 --engine ray --ray-address auto",),
    "downloads; tests/cli/test_datasets_get.py has it": (
        "labcore datasets get esc50 --accept-licence",
        "labcore datasets get urbansound8k --accept-licence --file ~/Downloads/UrbanSound8K.tar.gz",
    ),
    "downloads weights": (
        "labcore train --model timm:efficientnet_b0 --model.pretrained published --model.freeze_epochs 3 --optim.body_lr 0.1",
    ),
    "took hours, as docs/LOG.md tells, with data that are not here": (
        "labcore train --dataset ../shared/data/esc10 --preset thorough --data.fold N --runtime.threads 1",
    ),
    "needs several GPUs": ("labcore train --dataset esc50 --device all",),
    "starts several processes; tests/training/test_torchrun.py has it": (
        "torchrun --standalone --nproc-per-node 4 -m labcore train --dataset esc50",
        "torchrun --standalone --nproc-per-node 4 --max-restarts 3 -m labcore train --dataset esc50",
        "torchrun … -m labcore resume RUN",
        "python -m torch.distributed.run …",
    ),
    "needs several machines": (
        "torchrun --nnodes 2 --nproc-per-node 4 --max-restarts 3 --rdzv-backend c10d --rdzv-endpoint first-machine:29400 "
        "--rdzv-id my-run-1 -m labcore train --dataset /data/esc50 --epochs 100",
    ),
    "needs the age extra, and another machine": ("labcore backup - --recipient age1… | ssh host 'cat > lab.age'",),
    "builds; tests/test_wheel.py has it": ("python -m build",),
    "needs the onnx extra; tests/inference/test_onnx_file.py has it": ("labcore export --run last --output bark.onnx",),
    "needs age; tests/cli/test_backup.py has the pipes": (
        "age -d -i key.txt lab.age | tar x",
        "age -d lab.age | labcore restore -",
        "labcore backup - | age -p > lab.age",
        "labcore restore lab.age --identity key.txt",
    ),
    "needs a job that waits; tests/jobs has it": ("python -m labcore.jobs FOLDER",),
    "needs the service; tests/api asks it in all these ways": (
        "curl -F file=@clip.wav http://127.0.0.1:8000/v1/classify",
        "curl --data-binary @clip.flac -H 'Content-Type: audio/flac' 'http://127.0.0.1:8000/v1/classify?top_k=3'",
        "curl -F file=@a.wav -F file=@b.mp3 'http://127.0.0.1:8000/v1/classify?model=bats&windows=none'",
        'curl -H "Authorization: Bearer $(cat api_key)" …',
    ),
    "installs packages": (
        'pip install "audio-gpu-lab[torchcodec]"',
        'pip install "audio-gpu-lab[age]"',
        'pip install "audio-gpu-lab[onnx]"',
        'pip install "audio-gpu-lab[onnxruntime]"',
        'pip install "audio-gpu-lab[oidc]"',
        'pip install "audio-gpu-lab[ray]"',
    ),
    "sets the shell": (
        'eval "$(labcore completion bash)"',
        'eval "$(labcore completion zsh)"',
        "export LABCORE_PASSWORD_HASH='$argon2id$v=19$…'",
        'export STREAMLIT_SERVER_ALLOWED_HOSTS="lab.example.org localhost"',
        "read -rs word",
        "mkdir -p -m 700 secrets",
        "openssl rand -hex 24 > api_key",
        "openssl rand -hex 24 > secrets/jupyter_token",
        "openssl rand -hex 32 > secrets/api_key",
        "cp .env.example .env",
        "git pull",
    ),
    "needs a container engine; scripts/container_check.py has it": (
        "docker compose --profile gpu up -d",
        "docker compose --profile cpu up -d",
        "docker compose --profile gpu build",
        "docker compose --profile gpu build --pull",
        "docker compose up -d",
        "docker compose down",
        "docker compose pull",
        "docker compose restart app",
        "docker compose exec worker bash",
        "docker compose exec app labcore doctor",
        "docker compose --profile gpu --profile jupyter up -d",
        "docker compose exec -T app labcore backup - > lab-$(date +%F).tar",
        'docker compose run --rm -v "$PWD:/backup:ro" app labcore restore --check /backup/lab-2026-01-01.tar',
        "CUDA_VISIBLE_DEVICES=0,2 docker compose --profile gpu up -d",
        "LABCORE_RUN=20260101-120000-demo docker compose --profile api up -d",
        "docker build -t audio-gpu-lab .",
        "docker run --rm --gpus all audio-gpu-lab labcore doctor",
        "docker run -d --name lab --gpus all -p 127.0.0.1:8501:8501 --shm-size 2g -v lab:/workspace -v /srv/sounds:/data:ro "
        '-e LABCORE_PASSWORD_HASH="$(cat secrets/password_hash)" audio-gpu-lab',
        "docker run -d --name lab -p 127.0.0.1:8501:8501 -v lab:/workspace -v /srv/sounds:/data:ro -e LABCORE_WORKER=external "
        '-e LABCORE_PASSWORD_HASH="$(cat secrets/password_hash)" audio-gpu-lab',
        "docker run -d --name lab-worker --gpus all --shm-size 2g -v lab:/workspace -v /srv/sounds:/data:ro audio-gpu-lab worker",
        'printf %s "$word" | docker run --rm -i audio-gpu-lab:gpu labcore password > secrets/password_hash',
        "docker exec -d lab labcore train …",
        "docker exec -e LABCORE_USER=Ada …",
        "docker tag audio-gpu-lab:gpu registry.example.org/team/audio-gpu-lab:gpu",
        "docker push …",
        "docker login registry.example.org",
    ),
}
REASON = {line: reason for reason, lines in NOT_RUN.items() for line in lines}
SLOW = re.compile(
    r"labcore (doctor|benchmark|crossval|search|datasets demo)|--estimate|--preset quick|--epochs (50|100)|resnet18|--route compare|"
    r"labcore train --dataset (?!esc50$)"  # one of the trainings; the flags of the others are looked at, and tests/cli has them
)


def fenced(text: str) -> Iterator[str]:
    """The command lines of fenced blocks, joined where they go on, without what follows a #."""
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        if language not in ("", "bash", "sh") or block.startswith(NO_COMMANDS):
            continue
        for line in block.replace("\\\n", " ").splitlines():
            command = " ".join(re.split(r"\s#\s", line)[0].split())
            if command and not command.startswith("#"):
                yield command


def spoken(text: str) -> Iterator[str]:
    """The command lines within sentences."""
    for code in re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)):
        words = without_environment(code)
        names_a_tool = (len(words) < 3 and words[:1] in (["docker"], ["podman"])) or code == "docker compose"
        if len(words) > 1 and words[0] in PROGRAMS and not names_a_tool:
            yield code


def without_environment(command: str) -> list[str]:
    """The words of a command line from its program on."""
    words = command.split()
    while words and (re.match(r"\w+=", words[0]) or words[0] in BEFORE):
        words.pop(0)
    if words:
        words[0] = words[0].removeprefix(".venv/bin/")
    return words


LINES = sorted({line for page in PAGES for kind in (fenced, spoken) for line in kind(page.read_text(encoding="utf-8"))})
OURS = [line for line in LINES if without_environment(line)[0] == "labcore"]


def arguments_of(line: str) -> list[str]:
    """What the shell would hand to ``labcore``."""
    words = shlex.split(" ".join(without_environment(line)))
    ends = [number for number, word in enumerate(words) if word in ("&", "|", ">", "|&")]
    return [word for word in words[1 : min(ends, default=len(words))] if word != "…"]


def mentions(words: list[str]) -> bool:
    """Whether a line in a sentence only names a command, or an action of one: what it demands beyond that is not said."""
    return len(words) < 2 or (words[0] in ("runs", "datasets", "jobs") and len(words) == 2)


def test_lines_are_found() -> None:
    assert "labcore export --run last" in OURS
    assert "labcore train --help" in OURS
    assert len(OURS) > 50
    assert not [line for line in REASON if line not in LINES], "these are no longer in the pages"


@pytest.mark.parametrize("line", OURS)
def test_the_flags_of_every_command_are_understood(line: str) -> None:
    words = arguments_of(line)
    if words[0] == "--help":
        return
    assert words[0] in COMMANDS
    parser: Parser = importlib.import_module(f"labcore.cli.{words[0]}").parser()
    if mentions(words):
        actions = next(iter(parser._subparsers._group_actions)).choices if words[1:] and parser._subparsers else {}
        assert set(words[1:]) <= set(actions or {})
        return
    if "--help" in words:
        with pytest.raises(SystemExit, match="0"):
            parser.parse_args(words[1:])
    else:
        parser.parse_args(words[1:])  # a mistake leaves with status 2 and a line that says what is wrong


@pytest.mark.parametrize("line", [line for line in LINES if line not in OURS and line not in REASON])
def test_what_is_not_ours_is_there(line: str) -> None:
    """Targets of the Makefile, scripts and their flags, folders of tests; anything else has to be listed with a reason."""
    program, *words = without_environment(line)
    match program:
        case "make":
            makefile = (ROOT / "Makefile").read_text()
            targets, variables = (
                re.findall(form, makefile, re.MULTILINE) for form in (r"^([\w-]+):", r"^([A-Z_]+) *[?:]?=")
            )
            assert all(word in targets or word.partition("=")[0] in variables for word in words)
        case "python":
            file = f"{words[1].replace('.', '/')}.py" if words[0] == "-m" else words[0]
            shared = (ROOT / file).parent.glob("_*.py")
            source = "".join(each.read_text() for each in (ROOT / file, *shared))
            assert all(f'"{word}"' in source for word in words if word.startswith("--"))
        case "pytest":
            marks = (ROOT / "pyproject.toml").read_text()
            assert all((ROOT / word).exists() or f'"{word}:' in marks for word in words if not word.startswith("-"))
        case _:
            pytest.fail(f"run it here, or list it in NOT_RUN with the reason: {line}")


RUN_HERE = [line for line in OURS if line not in REASON and not mentions(arguments_of(line))]


@pytest.fixture
def place(trained_home: Path, tones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory, a home and a root with all that the pages name: data sets, clips, recordings, runs, a backup."""
    home = tmp_path / "workspace"
    shutil.copytree(trained_home, home)
    for folder in ("datasets", "home", "data", "mnt/backup"):
        (tmp_path / folder if folder != "datasets" else home / folder).mkdir(parents=True, exist_ok=True)
    for name in ("demo", "esc50", "esc10", "ESC-10", "UrbanSound8K", "mine"):
        (home / "datasets" / name).symlink_to(tones)
    annotate(Workspace(home), "mine", decided(("low/0.wav", 0.0, "low"), "right", who=shell_user(), size=1))
    (tmp_path / "new" / "place").mkdir(parents=True)
    for name in (
        "home/ESC-50",
        "home/UrbanSound8K",
        "data/UrbanSound8K",
        "new/place/esc50",
        "recordings",
        "background",
        "DIR",
        "FOLDER",
        "PATH",
    ):
        (tmp_path / name).symlink_to(tones / "low" if name in ("recordings", "DIR") else tones)
    (tmp_path / "home" / "sites").mkdir()
    for name in ("north", "south"):
        (tmp_path / "home" / "sites" / name).symlink_to(tones)
    (home / "datasets" / "sites").symlink_to(tmp_path / "home" / "sites")
    shutil.copy(tones / "low" / "low0.wav", tmp_path / "clip.wav")
    parts = [soundfile.read(tones / kind / f"{kind}0.wav")[0] for kind in ("low", "high") * 3]
    soundfile.write(tmp_path / "night.wav", np.concatenate(parts), 8000)
    for name in ("one", "two", "three"):
        sounds = np.concatenate([*parts, np.zeros(4000)]) + 1e-4 * len(name)
        (tmp_path / "nights").mkdir(exist_ok=True)
        soundfile.write(tmp_path / "nights" / f"{name}.wav", sounds, 8000)
        (tmp_path / "nights" / f"{name}.txt").write_text("0.0\t0.2\tlow\n1.4\t1.6\thigh\n")
    monkeypatch.setenv("LABCORE_HOME", str(home))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def prepared(line: str, place: Path, labcore: Labcore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments of a line with names that lead into ``place``, its environment in force, and what it counts on made."""
    words = [
        str(place) + word
        if word.startswith(("/data/", "/mnt/", "/new/"))
        else str(Path(word).expanduser())
        if "~" in word
        else word
        for word in arguments_of(line)
    ]
    command = words[0]
    runs = place / "workspace" / "runs"
    (first,) = runs.glob("[!.]*")
    if words[:2] == ["datasets", "import"] and words[2] != "sites":  # that one is there
        (place / "workspace" / "datasets" / Path(words[2]).name).unlink(missing_ok=True)
    if command == "ensemble":
        for number in (1, 2):
            shutil.copytree(first, first.with_name(f"{first.name[:-4]}000{number}"))
        return ["ensemble", *sorted(run.name for run in runs.glob("[!.]*")), "--device", "cpu"]
    if command == "set":
        Run.create(Workspace.default(), RunConfig().replace({"optim.epochs": 100}))
    elif command == "resume":  # killed after its first epoch
        events = (first / "events.jsonl").read_text().splitlines(keepends=True)
        end = next(
            number for number, event in enumerate(events) if '"epoch": 1,' in event and '"type": "epoch"' in event
        )
        (first / "events.jsonl").write_text("".join(events[: end + 1]))
    elif "--config" in words:
        Path("FILE").write_text(RunConfig().to_json(), encoding="utf-8")
    elif "weights.pth" in words:
        torch.save(Classifier.load(first).network.state_dict(), "weights.pth")
    elif command == "restore":
        assert labcore("backup", "lab.tar").status == 0
        shutil.copy("lab.tar", "FILE")
        if "--check" not in words:
            monkeypatch.setenv("LABCORE_HOME", str(place / "new"))
    for name, value in re.findall(r"^(\w+)=(\S+)", line):
        monkeypatch.setenv(name, str(place / value.strip("/")) if value.startswith("/") else value)
    return [first.name if word == "RUN" else word for word in words]


@pytest.mark.parametrize(
    "line", [pytest.param(line, marks=[pytest.mark.slow] if SLOW.search(line) else []) for line in RUN_HERE]
)
def test_it_runs(
    line: str, place: Path, labcore: Labcore, tiny: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    if "PASSPHRASE" in line:
        pytest.importorskip("pyrage")
    words = prepared(line, place, labcore, monkeypatch)
    small = (*tiny, "--epochs", "1")
    if words[0] in ("crossval", "search") and {"--resume", "--final"} & set(words):
        begun = ("--folds", "1", "2") if words[0] == "crossval" else ("--trials", "1", "--vary", "lr=0.01:0.1:log")
        assert labcore(words[0], "--dataset", "demo", *begun, *small).status == 0
        words += ["--trials", "2"] if words[:2] == ["search", "--resume"] else []
    elif words[0] in ("train", "crossval", "search") and "--help" not in words:
        words += [*small, *(["--trials", "2"] if words[0] == "search" else [])]
    told = labcore(*words)
    assert told.status in ((0, 1) if words[0] == "doctor" else (0,)), told.err
    assert "Traceback" not in told.err
