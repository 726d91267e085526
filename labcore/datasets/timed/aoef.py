"""AOEF, the JSON of soundevent and of Whombat: recordings, clips that were looked through, and sound events with their tags."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from labcore.datasets.columns import SYNONYMS, canonical, words
from labcore.datasets.timed.labels import Damage, Stretch, TimedFile, TimedLabel
from labcore.datasets.timed.table import no_column
from labcore.datasets.timed.text import AnnotationText

NAME = "aoef"
LIKELY = (*words("species scientificname dwcscientificname soundevent event soundtype calltype"), *SYNONYMS["label"])
"""Keys of tags that name what sounds, likely ones first."""


def looks(text: AnnotationText) -> bool:
    begin = text.text.lstrip()[:1]
    return begin == "{" and '"collection_type"' in text.text and '"data"' in text.text


def read(text: AnnotationText, column: str | None) -> TimedFile:
    """Labels from the tags of one key.

    Args:
        column: the key of the tags that are labels.

    Raises:
        DatasetError: it is no such file, or no tag has that key.
    """
    data = text.json["data"]
    found = TimedFile(text.path, NAME)
    recordings, clips, events, annotated, predicted = (
        {str(each["uuid"]): each for each in data.get(name) or []}
        for name in ("recordings", "clips", "sound_events", "sound_event_annotations", "sound_event_predictions")
    )
    annotated |= {key: _as_annotation(each) for key, each in predicted.items()}
    tags = {tag["id"]: (_key(tag), str(tag["value"])) for tag in data.get("tags") or []}
    users = {str(user["uuid"]): _name(user) for user in data.get("users") or []}
    used = Counter(tags[tag][0] for each in annotated.values() for tag in each.get("tags") or [] if tag in tags)
    key = _chosen(text, used, column)
    found.column, found.others = key, tuple(name for name in used if name != key)
    for clip in data.get("clip_annotations") or []:
        place = clips[str(clip["clip"])]
        recording = recordings[str(place["recording"])]
        faster = _expansion(recording)
        found.about.append(
            Stretch(str(recording["path"]), float(place["start_time"]) * faster, float(place["end_time"]) * faster)
        )
    for number, each in enumerate(annotated.values(), 1):
        event = events[str(each["sound_event"])]
        recording = recordings[str(event["recording"])]
        path, faster = str(recording["path"]), _expansion(recording)
        start, end, low, high = _bounds(event.get("geometry"))
        if math.isnan(start):
            found.damaged.append(Damage(number, f"it has no geometry with times ({each['sound_event']})", path))
            continue
        names = [tags[tag][1] for tag in each.get("tags") or [] if tag in tags and tags[tag][0] == key] or [""]
        who, sure = users.get(str(each.get("created_by")), ""), float(each.get("score", math.nan))
        for name in names:
            found.labels.append(
                TimedLabel(start * faster, end * faster, name, number, path, low / faster, high / faster, who, sure)
            )
    return found


def _as_annotation(prediction: Mapping[str, Any]) -> dict[str, Any]:
    """What a detector predicted as an annotation has it: its tags come each with a score."""
    tags = [tag[0] if isinstance(tag, (list, tuple)) else tag for tag in prediction.get("tags") or []]
    return {**prediction, "tags": tags}


def _name(user: Mapping[str, Any]) -> str:
    return str(user.get("name") or user.get("username") or user["uuid"])


def _key(tag: Mapping[str, Any]) -> str:
    """The key of a tag; of newer files the name or label of its term."""
    term = tag.get("term")
    if isinstance(term, Mapping):
        term = term.get("label") or term.get("name")
    return str(tag.get("key") or term or "")


def _chosen(text: AnnotationText, used: Counter[str], column: str | None) -> str:
    if column is not None:
        there = next((name for name in used if canonical(name) == canonical(column)), None)
        if there is None and used:
            raise no_column(text, column, used)
        return there or column
    known = {canonical(name): name for name in sorted(used, reverse=True)}
    likely = next((known[name] for name in LIKELY if name in known), "")
    return likely or (used.most_common(1)[0][0] if used else "")


def _expansion(recording: Mapping[str, Any]) -> float:
    """How much slower a recording plays than it sounded: its times are told as they were, and count in the file so much more."""
    return float(recording.get("time_expansion") or 1.0)


def _bounds(geometry: Any) -> tuple[float, float, float, float]:
    """Start, end, lowest and highest frequency of any geometry; nan for what it does not tell."""
    if not isinstance(geometry, Mapping):
        return (math.nan,) * 4
    kind: str = geometry["type"]
    place: Any = geometry["coordinates"]
    if kind == "TimeStamp":
        return float(place), float(place), math.nan, math.nan
    if kind == "TimeInterval":
        return float(place[0]), float(place[1]), math.nan, math.nan
    if kind == "BoundingBox":
        start, low, end, high = map(float, place)
        return start, end, low, high
    points = list(_points(place))
    if not points:
        return (math.nan,) * 4
    times, frequencies = zip(*points, strict=True)
    return min(times), max(times), min(frequencies), max(frequencies)


def _points(place: Any) -> Iterator[tuple[float, float]]:
    """The points (time, frequency) of nested lists."""
    if isinstance(place, list) and len(place) == 2 and all(isinstance(each, (int, float)) for each in place):
        yield float(place[0]), float(place[1])
    elif isinstance(place, list):
        for part in place:
            yield from _points(part)
