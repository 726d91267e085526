"""The figures of a hidden class, against scikit-learn, and on real clips through a network."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from labcore import unknowns
from labcore.audio import decode
from labcore.config import RunConfig
from labcore.datasets import read_dataset
from labcore.datasets.record import ClipRecord
from labcore.datasets.splits import split_for
from labcore.errors import DatasetError
from labcore.evaluation import bootstrap
from labcore.evaluation.bootstrap import resampled
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.hidden.scoring import auroc_interval, figures, score
from labcore.inference.classifier import Classifier
from labcore.inference.windows import centred
from labcore.jobs.following import Stopped
from labcore.runs import Run
from tests.judged import drawn, judged, sure, write
from tests.small import SMALL

LABEL = "wolf"


def scores(clips: int, middle: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(middle, 1, clips).round(1)  # rounded: some are equal


def test_the_area_is_that_of_scikit_learn_and_the_threshold_refuses_the_wanted_share():
    known, hidden = (
        drawn(80),
        judged([LABEL] * 20, sure(["cat"] * 12 + ["owl"] * 8), groups=[str(n // 4) for n in range(20)]),
    )
    of_known, of_hidden = scores(80, 5, 1), scores(20, 6, 2)
    told = figures("id", LABEL, known, hidden, of_known, of_hidden, 0.1)
    truth = np.repeat([0, 1], [80, 20])
    assert told.auroc == pytest.approx(roc_auc_score(truth, np.concatenate([of_known, of_hidden])))
    assert told.low < told.auroc < told.high
    threshold = np.quantile(of_known, 0.9)
    assert (told.known, told.unknown, told.recordings) == (80, 20, 5)
    assert told.refused_known == (of_known > threshold).sum() <= 8
    assert told.refused_unknown == (of_hidden > threshold).sum()
    assert told.noticed == told.refused_unknown / 20
    missed = of_hidden <= threshold
    wanted = {"cat": int(missed[:12].sum()), "owl": int(missed[12:].sum())}
    assert told.predicted_as == {label: count for label, count in wanted.items() if count}


def test_the_interval_is_of_recordings_drawn_anew(monkeypatch):
    monkeypatch.setattr(bootstrap, "ROUNDS", 50)
    monkeypatch.setattr(bootstrap, "FEWEST_ROUNDS", 50)
    known, hidden = scores(30, 5, 3), scores(18, 6, 4)

    def draws(groups, seed):
        return np.concatenate(list(resampled(groups, seed)), axis=1).T

    known_groups, hidden_groups = np.arange(30) // 3, np.arange(18) // 3  # six hidden recordings
    truth, together = np.repeat([0, 1], [30, 18]), np.concatenate([known, hidden])
    rounds = [
        roc_auc_score(truth, together, sample_weight=np.concatenate([first, second]))
        for first, second in zip(draws(known_groups, 0), draws(hidden_groups, 1), strict=True)
    ]
    assert auroc_interval(known, known_groups, hidden, hidden_groups) == pytest.approx(
        np.percentile(rounds, (0.24318, 99.75682)), abs=1e-5
    )


def test_one_recording_says_nothing_about_others():
    assert auroc_interval(scores(30, 5, 3), np.arange(30), scores(9, 6, 4), np.zeros(9)) is None


@pytest.fixture
def run(workspace, tmp_path, noise, tone, write_wav) -> Run:
    """One without the class "hiss", with weights that nobody trained, and predictions for the clips that it held out."""
    rows = ["path,label,fold,group"]
    for number, label in enumerate(("high", "low", "hiss") * 6):
        sound = (
            noise(0.25, 8000, seed=number)
            if label == "hiss"
            else tone(2000 if label == "high" else 200 + 9 * number, 0.25, 8000)
        )
        write_wav(tmp_path / "clips" / f"{number}.wav", sound, 8000)
        rows.append(f"clips/{number}.wav,{label},{1 + number // 9},{number // 2}")
    (tmp_path / "list.csv").write_text("\n".join(rows) + "\n")
    config = RunConfig().replace(
        {
            "data.dataset": str(tmp_path / "list.csv"),
            "data.fold": "1",
            "data.exclude_classes": ["hiss"],
            **SMALL,
            "runtime.device": "cpu",
        }
    )
    made = Run.create(workspace, config)
    dataset = read_dataset(tmp_path / "list.csv")
    parts = split_for(dataset, config.data)
    labels = ["high", "low"]
    ClipRecord.of(dataset, dataset.table, parts, labels).save(made)
    classifier = Classifier(config, labels)
    classifier.log_mel.mean.fill_(-40)
    classifier.save(made.weights)
    said = drawn(len(parts.held_out))
    said = judged(list(dataset.table["label"].iloc[parts.held_out]), said.probabilities[:, :2], labels=labels)
    said.frame["embedding"] = list(
        np.random.default_rng(0).normal(0, 1, (len(said), classifier.network[-1].in_features)).astype(np.float16)
    )
    made.path.joinpath("predictions.parquet").unlink(missing_ok=True)
    write(made, said)
    return made


def test_clips_of_the_hidden_class_in_the_test_fold_are_scored_by_the_score_of_the_lab(run):
    told = score(run, "hiss", 0.1)
    dataset = read_dataset(run.config.data.dataset)
    parts = split_for(dataset, run.config.data)
    assert list(dataset.table["label"].iloc[parts.excluded]) == ["hiss"] * 3
    classifier = Classifier.load(run.path)
    unknown = unknowns.compared(run)
    paths = dataset.table["path"].iloc[parts.excluded]
    waves = np.stack([centred(decode(path, 8000)[0], classifier.config.clip_samples) for path in paths])
    hidden = unknown.scores(classifier.predict_with_embeddings(waves)[1])
    known = unknown.scores(ClipPredictions.read([run.predictions]).embeddings)
    truth = np.repeat([0, 1], [len(known), len(hidden)])
    assert (told.known, told.unknown, told.label, told.run_id) == (len(parts.held_out), 3, "hiss", run.id)
    assert told.auroc == pytest.approx(roc_auc_score(truth, np.concatenate([known, hidden])), abs=1e-6)


def test_a_class_that_was_not_hidden_and_a_stop(run):
    with pytest.raises(DatasetError, match="no clips of low"):
        score(run, "low", 0.1)
    (run.path / "training_predictions.parquet").unlink()
    with pytest.raises(Stopped):
        score(run, "hiss", 0.1, lambda: True)
