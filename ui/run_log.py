"""The events of a run as lines for people."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from ui import forecasting, turning
from ui.text import counted, duration, percent, preparing_line


def log_lines(events: list[dict[str, Any]]) -> list[str]:
    """The events as lines for people, oldest first; of a stretch of preparing only its latest line, no epochs."""
    lines: list[str] = []
    preparing = ""
    for event in events:
        text = ""
        with contextlib.suppress(KeyError, TypeError, ValueError):  # an event of another version of the lab
            text = sentence(event)
        if not text:
            continue
        line = f"{time.strftime('%H:%M:%S', time.localtime(event['time']))}  {text}"
        what = event["what"] if event["type"] == "preparing" else ""
        if what and what == preparing:
            lines[-1] = line
        else:
            lines.append(line)
        preparing = what
    return lines


def sentence(event: dict[str, Any]) -> str:
    """An event as a sentence; nothing for one that is shown otherwise."""
    match event["type"]:
        case "run_queued":
            return "Queued"
        case "run_started":
            return f"Taken up by process {event['pid']} on {event['host']}"
        case "preparing":
            line = preparing_line(event)
            return line[:1].upper() + line[1:]
        case "training_started":
            return (
                f"Training {event['parameters'] / 1e6:.2f} M parameters on {counted(event['train_clips'], 'clip')} of "
                f"{counted(len(event['labels']), 'class', 'classes')}, epochs {event['first_epoch']} to {event['epochs']}\n"
                f"          Device {event['device']}: {event['device_reason']}\n"
                f"          {event['precision']}, {event['memory_format']}: {event['precision_reason']}"
            )
        case "forecast":
            return forecasting.line(event)
        case "turned":
            return turning.sentence(event)
        case "advice":
            message = event["message"].rstrip(".")
            return f"After epoch {event['epoch']}: {message}. Suggested: {turning.told(event['changes'])}"
        case "divided":
            return (
                f"Epoch {event['epoch']}: memory ran out. Batches of {counted(event['batch_size'], 'clip')} are taken in parts of "
                f"{event['micro_batch']} from here on, their gradients summed"
            )
        case "log":
            return event["message"] if event.get("level", "info") == "info" else f"{event['level']}: {event['message']}"
        case "evaluated":
            return f"Accuracy {percent(event['accuracy'])} on {counted(event['clips'], 'held-out clip')} of fold {event['fold']}"
        case "run_finished":
            word = event["state"].capitalize()
            after = (
                f" after {counted(event['epochs_done'], 'epoch')}, {duration(event['seconds'])}"
                if event["epochs_done"]
                else ""
            )
            return f"{word}{after}" + (f": {event['error']}" if event["error"] else "")
    return ""
