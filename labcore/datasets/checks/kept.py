"""What was measured of a data set's clips, kept in the workspace's cache, so that only what is new is decoded at the next check.

A clip is known by its file, that file's size and time of change, and its span: what changed is not found here, and measured anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from labcore.datasets.caches import opened_to_keep
from labcore.datasets.checks.fingerprint import SIZE
from labcore.datasets.checks.measure import Found, Measured, Span
from labcore.datasets.names import place_named
from labcore.reading import DamagedError, open_file, parse_json
from labcore.runs.moved import here
from labcore.texts import as_bytes
from labcore.workspace import Workspace, slug, stamp_of
from labcore.zips import opened_zip

FORMAT = 1
NUMBERS = ("seconds", "rate", "channels", "peak_db", "half_hz", "offset", "relative_offset", "clipped", "lost_db")
PairKey = tuple[str, str]


def key_of(span: Span) -> str:
    """What a clip is known by; changes with its file."""
    size, mtime_ns = stamp_of(span.path)
    content = as_bytes(f"{span.path}\0{size} {mtime_ns} {span.start_s} {span.end_s}")
    return hashlib.blake2b(content, digest_size=12).hexdigest()


def digest_of(keys: Iterable[str], groups: Iterable[str]) -> str:
    """Of all clips of a data set and their groups, in whatever order: those of one group are not compared."""
    lines = sorted(f"{key} {group}" for key, group in zip(keys, groups, strict=True))
    return hashlib.sha256(as_bytes("\n".join(lines))).hexdigest()


@dataclass
class Kept:
    """What is known of clips.

    Attributes:
        found: clip → what was measured.
        pairs: clips that were compared → how far their waveforms agree.
        whole: the digest of the clips that a check went through to its end with; "" for none.
        checked_at: when that was, in seconds since 1970.
    """

    found: dict[str, Found] = field(default_factory=dict)
    pairs: dict[PairKey, float] = field(default_factory=dict)
    whole: str = ""
    checked_at: float = 0.0

    def finish(self, keys: Sequence[str], groups: Sequence[str]) -> None:
        """A check of these clips has come to its end; what is known of others goes."""
        there = set(keys)
        self.found = {key: found for key, found in self.found.items() if key in there}
        self.pairs = {pair: agree for pair, agree in self.pairs.items() if there.issuperset(pair)}
        self.whole, self.checked_at = digest_of(keys, groups), time.time()

    def save(self, file: Path) -> None:
        """Write it.

        Raises:
            WorkspaceError: the cache cannot be written.
        """
        measured = {key: found for key, found in self.found.items() if isinstance(found, Measured)}
        facts = {
            "format": FORMAT,
            "whole": self.whole,
            "checked_at": self.checked_at,
            "keys": list(measured),
            "notes": [found.notes for found in measured.values()],
            "unreadable": {key: why for key, why in self.found.items() if isinstance(why, str)},
            "pairs": [[*pair, agree] for pair, agree in self.pairs.items()],
        }
        with opened_to_keep(file) as content:
            np.savez(
                content,
                facts=np.frombuffer(as_bytes(json.dumps(facts)), np.uint8),
                numbers=np.array([[getattr(each, name) for name in NUMBERS] for each in measured.values()], np.float64),
                prints=np.array([each.fingerprint for each in measured.values()], np.float32).reshape(-1, SIZE),
            )

    @classmethod
    def load(cls, file: Path) -> Kept:
        """What is kept; nothing where that is missing, damaged, or of another version."""
        with contextlib.suppress(OSError, DamagedError, BadZipFile, ValueError, KeyError, TypeError):
            with open_file(file) as stream, opened_zip(stream) as archive:
                text, numbers, prints = (
                    np.load(io.BytesIO(archive.read(f"{name}.npy")), allow_pickle=False)
                    for name in ("facts", "numbers", "prints")
                )
            facts = parse_json(text.tobytes())
            if facts["format"] != FORMAT or prints.shape[1:] != (SIZE,):
                return cls()
            found: dict[str, Found] = dict(facts["unreadable"])
            for key, notes, row, vector in zip(facts["keys"], facts["notes"], numbers, prints, strict=True):
                values = dict(zip(NUMBERS, row.tolist(), strict=True))
                values |= {name: int(values[name]) for name in ("rate", "channels")}
                found[key] = Measured(**values, notes=tuple(notes), fingerprint=vector)
            pairs = {(one, other): float(agree) for one, other, agree in facts["pairs"]}
            return cls(found, pairs, str(facts["whole"]), float(facts["checked_at"]))
        return cls()


def kept_in(workspace: Workspace, place: Path) -> Path:
    """The file that keeps what was measured of the data set that lies there, by the place that was given: the clips may lie in a folder
    within."""
    key = hashlib.sha256(as_bytes(f"{place}")).hexdigest()[:8]
    return workspace.cache / "checked" / f"{slug(place.stem, 40)}-{key}.npz"


def kept_of(workspace: Workspace, name: str) -> Path | None:
    """The same for a data set by its name in the workspace; reads nothing of it. None where there is none."""
    place = place_named(workspace, name)
    return kept_in(workspace, here(workspace, place)) if place is not None else None
