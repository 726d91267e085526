"""Classify sound files: the label of each clip, and of a longer recording which label occurs when.

A file that cannot be read is reported, and the others go on; the exit status is then 1. With --output, the same
command continues after an interruption and skips files that these weights have classified before.

Examples:
  labcore classify clip.wav
  labcore classify recordings/ --output events.csv --per segment
  labcore classify night.wav --format audacity --output night.txt
  labcore classify recordings/ --format raven --combined --output all.selections.txt
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labcore import builtin
from labcore.batch.journal import PredictionJournal
from labcore.batch.segments import (
    LabelTotal,
    Segment,
    Threshold,
    notes_of,
    segments_of,
    summary_of,
    threshold_in_use,
    with_events,
    with_labels,
)
from labcore.batch.tables import (
    FORMATS,
    PER,
    TRACKS,
    Band,
    columns_of,
    rows_of,
    selection_table,
    track_files,
    track_of,
    write_selection_table,
    write_table,
    write_tracks,
)
from labcore.cli.inputs import last_trained, sound_files, time_again, weights_of
from labcore.cli.output import DONE, FAILED, INTERRUPTED, duration, emit, emit_json, percent, say, say_some, tell
from labcore.cli.parser import WEIGHTS, Parser, add_device, add_json, add_route, add_time_again, named, positive, share
from labcore.cli.progress import Bar, Pace, bars
from labcore.cli.signals import stop_on_signals
from labcore.datasets.scan import is_audio
from labcore.errors import ConfigError
from labcore.inference.prediction import NONE_OF_THESE
from labcore.outputs import output_or_stdout, require_writable
from labcore.sheets import Sheet
from labcore.texts import counted, moment, shown
from labcore.workspace import Workspace, sha256_of

if TYPE_CHECKING:
    from labcore.batch.inputs import Inputs
    from labcore.inference.classifier import Classifier

BY_ENDING = {".csv": "csv", ".jsonl": "jsonl", ".json": "jsonl", ".parquet": "parquet"}
How = tuple[float | None, Threshold]
"""The hop in seconds and the least probability of events."""


def parser() -> Parser:
    parser = Parser(prog="labcore classify", description=__doc__)
    parser.add_argument("files", metavar="FILE", nargs="+", help="sound files, or folders of them")
    parser.add_argument("--run", metavar="RUN", type=named, help=f"{WEIGHTS}; without any run, builtin is the default")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--output",
        "-o",
        metavar="PATH",
        type=output_or_stdout,
        help="file to write; for raven and audacity a folder of files",
    )
    output.add_argument(
        "--format", choices=FORMATS, help="jsonl (complete results), csv, parquet, raven (selection tables) or audacity (label tracks) "
        "(default: by the ending of --output)",
    )  # fmt: skip
    output.add_argument(
        "--per", choices=PER, help="row of csv or parquet: a file, a window, or a segment of windows with the same label "
        "(default: file)",
    )  # fmt: skip
    output.add_argument(
        "--combined", action="store_true", help="one raven selection table of all recordings, not one each"
    )
    add_json(output, "each result as a line of JSON (with --output: a summary)")
    parser.add_argument(
        "--threshold", metavar="P", type=share,
        help="least probability of an event, and of each label of a classifier of several labels a clip (default: the thresholds that the "
        "weights have for each class, else 0.5)",
    )  # fmt: skip
    parser.add_argument(
        "--hop", metavar="SECONDS", type=positive, help="step between windows of long recordings (default: half a clip)"
    )
    add_device(parser)
    add_route(parser)
    add_time_again(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    kind = format_of(arguments)
    time_again(arguments, Workspace.default())
    weights = _weights(arguments.run)
    inputs = sound_files(arguments.files)
    if arguments.output is not None:
        return _into_files(arguments, kind, weights, inputs)
    if kind in TRACKS and len(inputs.files) > 1 and not arguments.combined:
        remedy = "Give a folder with --output" + (", or --combined" if kind == "raven" else "")
        raise ConfigError(f"{len(inputs.files)} recordings do not go into one {kind} file", remedy)
    from labcore.batch.predicting import predict_files

    classifier = _loaded(weights, arguments)
    threshold = threshold_in_use(arguments.threshold, classifier.thresholds, classifier.label_thresholds)
    if arguments.combined:
        write: _Stdout | _Combined = _Combined(threshold, classifier.band)
    else:
        write = _Stdout(kind, classifier, arguments.per, threshold)
    bad = 0
    with contextlib.closing(predict_files(classifier, inputs.files, arguments.hop, _at_work)) as predictions:
        for _, prediction in itertools.chain(inputs.errors(), predictions):
            bad += "error" in prediction
            write(with_labels(prediction, threshold))
    write.end()
    _tell_route(classifier)
    if bad and len(inputs) > 1 and kind != "jsonl":
        say(f"{bad} of {counted(len(inputs), 'file')} could not be read")
    return FAILED if bad else DONE


def _at_work(file: Path, share: float) -> None:
    """A long recording on its way."""
    bars.show(Bar(shown(file.name), share, 1, percent(share)))


def _weights(run: str | None) -> Path:
    """The weights that are named, else those of the last run, else the built-in ones, with a message."""
    if run is not None or last_trained() is not None:
        return weights_of(run or "last")
    say(
        f"no run has weights yet: using the built-in demo network. {builtin.what()}. Train your own with `labcore train`."
    )
    return weights_of(builtin.NAME)


def _loaded(weights: Path, arguments: argparse.Namespace) -> Classifier:
    """The classifier; by the route that is named, else by the one that it finds when there is much to do."""
    from labcore.inference.classifier import Classifier
    from labcore.inference.route_finder import find_later, find_now

    classifier = Classifier.load(weights, arguments.device)
    if arguments.route == "auto":
        return find_later(classifier, Workspace.default())
    find_now(classifier, Workspace.default(), arguments.route, threads=1)  # of each worker
    return classifier


def _tell_route(classifier: Classifier) -> None:
    """By which route the network was computed, where one was looked for, and why."""
    if classifier.routes.choice is not None:
        say(f"network: {classifier.routes.choice.reason}")


class _Stopped(Exception):
    """A stop in the middle of a long recording."""


def _say_of(prediction: dict[str, Any], threshold: Threshold) -> None:
    """Why a file could not be read, or what there is to know about it."""
    if "error" in prediction:
        say(f"bad: {prediction['error']}")
    for note in notes_of(prediction, threshold):
        say(f"note: {prediction['file']}: {note}")


class _Stdout:
    """Writes predictions to stdout as they come; files that could not be read are reported on stderr too."""

    def __init__(self, kind: str, classifier: Classifier, per: str, threshold: Threshold) -> None:
        self.kind, self.per, self.threshold, self.band = kind, per, threshold, classifier.band
        self.file = io.StringIO()
        self.writer = Sheet(self.file, columns_of(classifier.labels, per)) if kind == "csv" else None

    def __call__(self, prediction: dict[str, Any]) -> None:
        if self.kind == "jsonl":
            emit_json(with_events(prediction, self.threshold))
            return
        _say_of(prediction, self.threshold)
        text = ""
        if self.writer is not None:
            self.writer.rows(rows_of(prediction, self.per, self.threshold))
            text = self.file.getvalue()
            self.file.seek(0)
            self.file.truncate()
        elif "error" not in prediction and self.kind == "text":
            text = "\n".join(_lines(prediction, self.threshold))
        elif "error" not in prediction:
            text = track_of(_in_full(prediction), self.kind, self.threshold, self.band)
        if text := text.removesuffix("\n"):
            emit(text)

    def end(self) -> None:
        """All have come, and are written."""


class _Combined:
    """Writes one selection table to stdout when all predictions have come."""

    def __init__(self, threshold: Threshold, band: Band) -> None:
        self.threshold, self.band = threshold, band
        self.predictions: list[dict[str, Any]] = []

    def __call__(self, prediction: dict[str, Any]) -> None:
        _say_of(prediction, self.threshold)
        self.predictions.append(prediction)

    def end(self) -> None:
        emit("".join(selection_table(map(_in_full, self.predictions), self.threshold, self.band)).removesuffix("\n"))


def _in_full(prediction: dict[str, Any]) -> dict[str, Any]:
    """A prediction with the whole path of its file, for a table that may be opened from anywhere."""
    return prediction | {"file": os.path.abspath(prediction["file"])}  # noqa: PTH100 (keeps links)


def _lines(prediction: dict[str, Any], threshold: Threshold) -> list[str]:
    """A prediction for people: a line for a clip; for a recording of several windows a line an event, then one a label."""
    if len(prediction["windows"]) < 2 and "labels" in prediction and not prediction.get("unknown"):
        return [_several(prediction)]
    if len(prediction["windows"]) < 2:
        nearest = f"  (nearest: {_nearest(prediction)})" if prediction.get("unknown") else ""
        share = "–" if nearest else percent(prediction["probability"])
        return [f"{share:>7}  {prediction['label']}{nearest}  {prediction['file']}"]
    events = segments_of(prediction, threshold)
    if not events:
        least = "nothing reaches the threshold of its class"
        if isinstance(threshold, float):
            least = f"nothing is more probable than {percent(threshold)}"
        return [f"{prediction['file']}  {moment(prediction['seconds'])}: {least}"]
    summary = summary_of(events)
    head = f"{counted(len(events), 'event')} of {counted(len(summary), 'label')}"
    whens = [f"{moment(event.start_s)} – {moment(event.end_s)}" for event in events]
    names = max(len(each.label) for each in summary)
    return [
        f"{prediction['file']}  {moment(prediction['seconds'])}: {head}",
        *(
            f"{when:>{max(map(len, whens))}}  {_sure(event):>7}  {event.label}"
            for when, event in zip(whens, events, strict=True)
        ),
        *(
            f"  {each.label:<{names}}  {counted(each.count, 'time')}, {moment(each.total_s)} in all{_up_to(each)}"
            for each in summary
        ),
    ]


def _several(prediction: dict[str, Any]) -> str:
    """A clip with its labels, each with its probability; without any, with the most probable one."""
    shares: dict[str, float] = prediction["probabilities"]
    named = ", ".join(f"{label} {percent(shares[label])}" for label in prediction["labels"])
    return f"{named or f'no label  (nearest: {_nearest(prediction)})'}  {prediction['file']}"


def _up_to(total: LabelTotal) -> str:
    return "" if total.label == NONE_OF_THESE else f", up to {percent(total.highest)}"


def _sure(event: Segment) -> str:
    """The probability of an event; of what is none of the classes there is none."""
    return "–" if event.label == NONE_OF_THESE else percent(event.probability)


def _nearest(prediction: dict[str, Any]) -> str:
    """The most probable class of what is none of them."""
    shares: dict[str, float] = prediction["probabilities"]
    return f"{max(shares, key=shares.__getitem__)}, {percent(prediction['probability'])}"


def _into_files(arguments: argparse.Namespace, kind: str, weights: Path, inputs: Inputs) -> int:
    """Write predictions to a file or a folder; those made before are taken from the journal beside it."""
    output, files = arguments.output, inputs.files
    single = kind in TRACKS and not arguments.combined
    targets = track_files(arguments.files, files, output, kind) if single else {}
    into_folder = single and output not in targets.values()
    require_writable(output, folder=into_folder)
    journal_file = output / ".answers.jsonl" if into_folder else output.with_name(f".{output.name}.answers.jsonl")
    weights_file = weights / "weights.safetensors" if weights.is_dir() else weights
    classifier = _loaded(weights, arguments)
    journal = PredictionJournal(journal_file, output, f"{sha256_of(weights_file)} {arguments.hop}")
    waiting = [file for file in files if not journal.has(file)]
    began = time.monotonic()
    threshold = threshold_in_use(arguments.threshold, classifier.thresholds, classifier.label_thresholds)
    bad, notes, stopped = _predict(classifier, waiting, (arguments.hop, threshold), journal, inputs)
    everything = [*inputs.unread, *files]
    known = ((file, with_labels(found, threshold)) for file in everything if (found := journal.get(file)) is not None)
    if arguments.combined:
        write_selection_table(output, (_in_full(found) for _, found in known), threshold, classifier.band)
    elif kind in TRACKS:
        tracks = ((targets[file], _in_full(found)) for file, found in known if file in targets)
        write_tracks(tracks, kind, threshold, classifier.band)
    else:
        write_table(output, kind, (found for _, found in known), classifier.labels, arguments.per, threshold)
    done, skipped = journal.added, len(files) - len(waiting)
    say_some("note", notes)
    say_some("bad", bad)
    took = f"{counted(done, 'file')} in {duration(time.monotonic() - began)}"
    say(f"{took}, {skipped} done before, {len(bad)} bad")
    _tell_route(classifier)
    if stopped:
        say("stopped; the same command continues")
    facts = {"output": str(output.absolute()), "files": len(inputs), "done": done - len(bad), "skipped": skipped}
    tell({**facts, "bad": len(bad), "stopped": stopped}, str(output), as_json=arguments.json)
    return INTERRUPTED if stopped else FAILED if bad else DONE


def _predict(
    classifier: Classifier, waiting: list[Path], how: How, journal: PredictionJournal, inputs: Inputs
) -> tuple[list[str], list[str], bool]:
    """Classify files and keep the predictions; returns why some are bad, notes on others, and whether a signal stopped it."""
    from labcore.batch.predicting import predict_files

    bad: list[str] = []
    notes: list[str] = []
    began, pace = time.monotonic(), Pace(say)
    done, before = 0, len(inputs.files) - len(waiting)

    def at_work(file: Path, share: float) -> None:
        if stopping.is_set():
            raise _Stopped
        _at_work(file, share)

    with (
        contextlib.suppress(_Stopped),
        stop_on_signals("stopping; interrupt again to quit at once") as stopping,
        contextlib.closing(predict_files(classifier, waiting, how[0], at_work)) as predictions,
    ):
        for file, prediction in itertools.chain(inputs.errors(), predictions):
            journal.add(file, prediction)
            done += 1
            bad += [prediction["error"]] if "error" in prediction else []
            notes += [f"{prediction['file']}: {note}" for note in notes_of(prediction, how[1])]
            rate = done / (time.monotonic() - began + 1e-9)
            total = counted(len(inputs), "file")
            pace(Bar("classifying", before + done, len(inputs), f"{before + done} of {total}, {rate:.1f} files/s"))
            if stopping.is_set():
                break
    return bad, notes, done < len(waiting) + len(inputs.unread)


def format_of(arguments: argparse.Namespace) -> str:
    """What to write: the format that is given, else by the ending of the output.

    Raises:
        ConfigError: none is given and the ending tells none, or it cannot be had this way.
    """
    kind: str = arguments.format or ("raven" if arguments.combined else "")
    if arguments.combined and kind != "raven":
        raise ConfigError(f"only selection tables can be combined, and not {kind}", "Leave out --combined or --format")
    output: Path | None = arguments.output
    given = kind or (BY_ENDING.get(output.suffix.lower(), "") if output else "")
    if arguments.per is None:
        arguments.per = "file"
    elif given not in ("csv", "parquet") and (given or not output):
        raise ConfigError(f"--per {arguments.per} is for tables", "Add --format csv, or leave it out")
    if output is None:
        if kind == "parquet":
            raise ConfigError("Parquet does not go to stdout", "Name a file with --output")
        if arguments.json and kind not in ("", "jsonl"):
            raise ConfigError(
                f"stdout cannot take both --json and {kind}", "Leave one of them out, or name a file with --output"
            )
        return "jsonl" if arguments.json else kind or "text"
    if is_audio(output.name):
        raise ConfigError(f"{output} has the name of a sound file, and would take its place", "Name another file")
    if not given:
        raise ConfigError(f"the format of {output} is not known", f"Give --format {', '.join(FORMATS)}")
    return given
