"""The events of a run as lines for people."""

from __future__ import annotations

import time

from labcore.events import (
    Advice,
    BatchSplit,
    Estimate,
    Evaluated,
    EvaluatedLabels,
    Event,
    Log,
    Preparing,
    RunFinished,
    RunQueued,
    RunStarted,
    SettingsChanged,
    TrainingStarted,
)
from labcore.texts import mean_ap_text
from ui.app.text import capital, counted, duration, percent, preparing_line
from ui.train import estimate, live_settings


def log_lines(events: list[Event]) -> list[str]:
    """The events as lines for people, oldest first; of a stretch of preparing only its latest line, no epochs."""
    lines: list[str] = []
    preparing = ""
    for event in events:
        text = sentence(event)
        if not text:
            continue
        line = f"{time.strftime('%H:%M:%S', time.localtime(event.time))}  {text}"
        what = event.what if isinstance(event, Preparing) else ""
        if what and what == preparing:
            lines[-1] = line
        else:
            lines.append(line)
        preparing = what
    return lines


def sentence(event: Event) -> str:
    """An event as a sentence; nothing for one that is shown otherwise."""
    match event:
        case RunQueued():
            return "Queued"
        case RunStarted():
            return f"Started (process {event.pid} on {event.host})"
        case Preparing():
            line = preparing_line(event)
            return line[:1].upper() + line[1:]
        case TrainingStarted():
            return (
                f"Training {event.parameters / 1e6:.2f} M parameters on {counted(event.train_clips, 'clip')} of "
                f"{counted(len(event.labels), 'class', 'classes')}, epochs {event.first_epoch} to {event.epochs}\n"
                f"          Device {event.device}: {event.device_reason}\n"
                f"          {event.precision}, {event.memory_format}: {event.precision_reason}"
            )
        case Estimate():
            return estimate.line(event)
        case SettingsChanged():
            return live_settings.sentence(event)
        case Advice():
            message = event.message.rstrip(".")
            return f"After epoch {event.epoch}: {message}. Suggested: {live_settings.told(event.changes)}"
        case BatchSplit():
            return (
                f"Epoch {event.epoch}: out of memory. Batches of {counted(event.batch_size, 'clip')} are split into micro-batches of "
                f"{event.micro_batch} from now on"
            )
        case Log():
            return capital(event.message) if event.level == "info" else f"{event.level}: {event.message}"
        case Evaluated():
            return f"Accuracy {percent(event.accuracy)} on {counted(event.clips, 'held-out clip')} of fold {event.fold}"
        case EvaluatedLabels():
            return f"{mean_ap_text(event.mean_ap)} on {counted(event.clips, 'held-out clip')} of fold {event.fold}"
        case RunFinished():
            word = event.state.capitalize()
            after = (
                f" after {counted(event.epochs_done, 'epoch')}, {duration(event.seconds)}" if event.epochs_done else ""
            )
            return f"{word}{after}" + (f": {event.error}" if event.error else "")
    return ""
