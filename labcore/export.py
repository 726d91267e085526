"""Taking a run home: the zip with weights and a script, and the command line that does the same run again."""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labcore import __version__
from labcore.config import RunConfig, all_settings
from labcore.config.setting import as_text
from labcore.errors import ConfigError, RunError
from labcore.events import Evaluated, EvaluatedLabels, Event
from labcore.outputs import require_writable, write_output
from labcore.runs import Run
from labcore.runs.asked import asked_for, live_changes_of
from labcore.runs.honesty import adjustments, choice_note, chosen_by
from labcore.runs.origin import ensemble_members
from labcore.texts import counted, mean_ap_text, percent, spread
from labcore.zips import zipped

if TYPE_CHECKING:
    from labcore.inference.classifier import Classifier

ENDINGS = (".zip", ".safetensors", ".onnx")
SCRIPT = '''"""Classifies sound files with the classifier in this folder.

    python classify.py FILE [FILE ...]

Prints one line of JSON per file. Needs the Audio GPU Lab: README.txt says how to install it.
"""

import json
import sys
from pathlib import Path

try:
    from labcore.batch import threshold_in_use, with_events
    from labcore.inference.classifier import Classifier
    from labcore.errors import LabError
except ModuleNotFoundError as error:
    sys.exit(f"{error}. Install the Audio GPU Lab first: README.txt says how.")

classifier = Classifier.load(Path(__file__).parent / "weights.safetensors", device="auto")
threshold = threshold_in_use(None, classifier.thresholds, classifier.label_thresholds)
failed = False
for file in sys.argv[1:]:
    try:
        answer = classifier.classify(file)
        print(json.dumps(with_events({"file": file, **answer.to_dict()}, threshold)))
    except LabError as error:
        failed = True
        print(json.dumps({"file": file, "error": str(error)}))
if len(sys.argv) == 1:
    print("usage: python classify.py FILE [FILE ...]", file=sys.stderr)
sys.exit(1 if failed else 2 if len(sys.argv) == 1 else 0)
'''


def export_zip(run: Run) -> bytes:
    """A finished run as a zip: weights, configuration, labels, a script that uses them, and a note.

    Raises:
        RunError: the run has no weights yet.
    """
    try:
        if run.weights.is_symlink() or not run.weights.is_file():
            raise FileNotFoundError(run.weights)
        weights = run.weights.read_bytes()
    except OSError as error:
        raise RunError(f"run {run.id} has no weights yet", "They are written when the run finishes") from error
    labels = run.load("labels", [])
    files: dict[str, bytes | str] = {
        "weights.safetensors": weights,
        "config.json": run.config.to_json(indent=2),
        "labels.json": json.dumps(labels, indent=2, ensure_ascii=False),
        "environment.json": json.dumps(run.load("environment", {}), indent=2),
        "classify.py": SCRIPT,
        "README.txt": _note(run, labels, weights),
    }
    return zipped({f"{run.id}/{name}": content for name, content in files.items()})


def save_as(path: Path, run: Run | None, classifier: Callable[[], Classifier]) -> Path:
    """Write a trained classifier by the file's ending: one of :data:`ENDINGS`. Returns the path.

    Args:
        run: whose it is, where it is a run's; a zip tells of it.
        classifier: loads it, where that is needed.

    Raises:
        ConfigError: another ending.
        RunError: a zip without a run, or the run has no weights yet.
        LabError: ONNX cannot be written.
        WorkspaceError: the file cannot be written, which is seen before the work.
    """
    if path.suffix.lower() in ENDINGS:
        require_writable(path)
    match path.suffix.lower():
        case ".zip":
            if run is None:
                raise RunError("a zip is made of a run", "Load the model of a run, or write a .safetensors file")
            write_output(path, export_zip(run))
        case ".safetensors":
            write_output(path, classifier().to_bytes())
        case ".onnx":
            from labcore.inference.onnx_file import save_onnx

            save_onnx(classifier(), path)
        case other:
            raise ConfigError(
                f"a model cannot be written as {other or 'a file without an ending'}",
                f"Name a file that ends with {', '.join(ENDINGS)}",
            )
    return path


def command_line(
    config: RunConfig,
    live: dict[int, dict[str, Any]] | None = None,
    *,
    command: str = "train",
    folds: Sequence[str] = (),
) -> str:
    """The shell command that does the same run again: only the settings that differ from their defaults.

    Args:
        live: what is changed while it trains: epoch from which it counts → path → value.
        command: crossval for a cross-validation, of these ``folds``.
    """
    words = ["labcore", command, *(["--folds", *folds] if folds else [])]
    for path, setting in all_settings().items():
        if command == "crossval" and path == "data.fold":
            continue  # each of its folds has its turn
        value = config.value(path)
        if value != setting.default or path == "data.dataset":
            words += [f"--{setting.flag or path}", as_text(value)]
    for epoch, changes in sorted((live or {}).items()):
        words += ["--set", f"{epoch}:" + ",".join(f"{path}={value}" for path, value in changes.items())]
    return shlex.join(words)


def again(run: Run, events: list[Event] | None = None) -> str:
    """The shell command that does a run again: as it was asked for, and with what was changed while it trained.

    Args:
        events: of the run, where they have been read already.

    Raises:
        RunError: the run's configuration cannot be read.
    """
    if members := ensemble_members(run):
        return f"labcore ensemble {' '.join(map(shlex.quote, members))}"
    return command_line(asked_for(run), live_changes_of(run.events() if events is None else events))


def _note(run: Run, labels: list[str], weights: bytes) -> str:
    result = run.last_event(Evaluated)
    evaluated = "Not evaluated on held-out clips."
    ranked = run.last_event(EvaluatedLabels)
    choice = choice_note(adjustments(run.events()), chosen_by(run))
    if ranked is not None:
        evaluated = (
            f"Several labels a clip. {mean_ap_text(ranked.mean_ap)} on the {counted(ranked.clips, 'held-out clip')} of fold "
            f"{ranked.fold}; {ranked.thresholds}.\n{choice}."
        )
    if result is not None:
        evaluated = (
            f"{percent(result.accuracy)} of the {counted(result.clips, 'held-out clip')} of fold {result.fold} right"
            f" (95 % interval {spread(result.accuracy_low, result.accuracy_high)}).\n"
            f"{choice}."
        )
    return f"""A sound classifier made with the Audio GPU Lab {__version__}, run {run.id}.

Classes: {", ".join(labels)}
{evaluated}
{_fitted(run)}
weights.safetensors   everything the classifier needs, configuration and labels included
config.json           the settings of the run, with automatic values resolved
labels.json           the classes in the order of the network's outputs
classify.py           python classify.py FILE [FILE ...]

These weights run with the Audio GPU Lab (Python 3.11 or newer), which is not on a package index. Copy its repository
to the machine and install it from there:

    pip install /path/to/audio-gpu-lab

or make a wheel where the lab is (`pip wheel --no-deps .` in its folder), and install that file on the other machine:

    pip install audio_gpu_lab-{__version__}-py3-none-any.whl

The same from Python:

    import labcore as lab
    prediction = lab.load_model("weights.safetensors").predict("clip.wav")
    print(prediction.label, prediction.probability)

As an HTTP service:

    labcore serve --run weights.safetensors

{_golden(weights)}

Without the lab and without PyTorch it runs as an ONNX file, which is written where the lab is, with its extra onnx;
what goes in and comes out, docs/python.md of the lab tells:

    labcore export weights.safetensors --output model.onnx

To train the same run again:

    {again(run)}
"""


def _fitted(run: Run) -> str:
    """Whether the probabilities are calibrated, and which thresholds there are, in sentences; "" where nothing was fitted."""
    from labcore.inference.temperature import Temperature
    from labcore.inference.thresholds import Thresholds, threshold_words

    told = ""
    if (found := Temperature.of_file(run.weights)) is not None:
        state = (
            "Its probabilities are calibrated"
            if found.on
            else "Its probabilities are not calibrated: it is switched off"
        )
        told += f"{state}. Temperature {found.value:.3g}, fitted on {found.source}.\n"
    if (kept := Thresholds.of_file(run.weights)) is not None:
        use = "A window is an event from a probability of its class on" if kept.on else "They are switched off"
        values = ", ".join(f"{label} {threshold_words(value)}" for label, value in kept.values.items())
        told += f"Thresholds for {kept.wanted}, measured on {kept.source}. {use}:\n{values}\n"
    return told


def _golden(weights: bytes) -> str:
    """What to know of the golden clips in a safetensors file, by its header."""
    from labcore.models.safetensors_file import read_header

    try:
        clips = read_header(io.BytesIO(weights), len(weights)).shapes["golden.samples"][0]
    except (ValueError, KeyError, IndexError):
        return "No self-check: the weights contain no golden clips."
    return (
        f"It verifies itself by {counted(clips, 'held-out clip')} that the weights carry, with what the network said of them at the end\n"
        "of its training. Whoever has the file can hear them."
    )
