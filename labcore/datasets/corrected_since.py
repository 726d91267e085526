"""Labels of a run's held-out clips that were corrected after it had begun: its figures are of the labels before."""

from __future__ import annotations

from labcore.datasets.annotations import Key, file_of, read_annotations
from labcore.datasets.corrections import Corrections, resolve
from labcore.datasets.record import ClipRecord
from labcore.datasets.registry import name_of
from labcore.errors import LabError
from labcore.runs import Run
from labcore.texts import shown


def corrected_since(run: Run) -> int:
    """How many held-out clips of a run have another label by now than in its evaluation, or are left out since. Reads no clip.

    0 too where nobody can tell: the run has no record of its clips, or its data set is gone.
    """
    begun = Corrections.of_run(run)
    try:
        name = name_of(run.workspace, run.config.data.dataset)
        annotations = read_annotations(file_of(run.workspace, name))
    except LabError:
        return 0
    known = None if annotations.digest == begun.digest else ClipRecord.load(run)
    if known is None:
        return 0
    before = {(clip, start, new): own for (clip, start, own), new in begun.labels.items()}
    labels: dict[Key, str] = {}  # as the run has them
    sizes: dict[Key, int] = {}
    for clip in known.clips:
        way, label = shown(clip.path), shown(clip.label)
        key = way, clip.start_s, before.get((way, clip.start_s, label), label)
        sizes[key] = clip.bytes
        if clip.part == "held out":
            labels[key] = label
    found = resolve(annotations, lambda key: sizes.get(key, -1), list(sizes)).labels
    return sum(found.get(key, key[2]) != label for key, label in labels.items())
