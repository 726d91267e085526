"""A run that excludes a class: one output fewer, and its clips are on neither side."""

from labcore.datasets.record import ClipRecord
from labcore.inference.classifier import Classifier
from labcore.runs import Run
from labcore.training.clips import open_clips


def test_the_network_does_not_know_the_class(tiny):
    config = tiny.config.replace({"data.exclude_classes": ["noise"], "data.validation_share": 0.25})
    run = Run.create(tiny.workspace, config)
    opening = open_clips(config, run, tiny.workspace, lambda: False, None)
    try:
        while True:
            next(opening)
    except StopIteration as end:
        worked_out, clips = end.value
    assert clips.labels == ["clicks", "tone"]
    assert Classifier(worked_out, clips.labels).network[-1].out_features == 2
    labels, parts = clips.store.table["label"].to_numpy(), clips.split
    assert (
        set(labels[parts.train]) == set(labels[parts.held_out]) == set(labels[parts.validation]) == {"clicks", "tone"}
    )
    assert (labels[parts.excluded] == "noise").all()
    assert len(parts.excluded) == 4
    assert (clips.targets[labels == "noise"] == -1).all()
    assert {clip.part for clip in clips.record.clips if clip.label == "noise"} == {""}
    assert isinstance(clips.record, ClipRecord)
