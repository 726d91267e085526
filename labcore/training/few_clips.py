"""What the built-in network adds to a run of few training clips, once it is trained: a classifier on features that it learnt elsewhere.

From a few clips a network learns what these happen to have in common; the features of one that has learnt other sounds are fewer and
steadier. The two err on different clips, so that the mean of their probabilities is better than either.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from labcore import builtin
from labcore.augment.spectrogram import Bands
from labcore.builtin.few_clips import helps
from labcore.config import ModelConfig
from labcore.evaluation.centroids import SMALLEST, centroids
from labcore.evaluation.eval_set import EvalSet
from labcore.features import LogMel
from labcore.inference.classifier import Classifier
from labcore.models import build_network
from labcore.models.ensemble import Ensemble
from labcore.models.pretrained import head_names, head_of
from labcore.models.transferred import TRANSFERRED, BandMap
from labcore.task.kind import SEVERAL
from labcore.training.session import Session

FREEDOM = 100.0
"""The inverse of the penalty on squared weights, times the number of features. A tenth of it is one to two points worse
with one or two recordings per class; docs/LOG.md has the figures."""
EVEN = 0.3
"""This share of the mean variance of all features is added to that of each. A feature that hardly differs between a few clips would
count too much for others."""
SHARPNESS = 6.0
"""The logit of a centroid for a clip that points its way and is as far from the mean as clips are on average."""
HARDLY, DOUBT = 2, 2.0
"""Of fewer clips per class the trained network knows less than it is sure of: its logits are divided by the latter."""
NEVER = -50.0
"""The logit of a class without training clips."""


def plan(session: Session) -> tuple[bool, str]:
    """Whether the built-in network will help, and what is told of it, as :func:`labcore.builtin.few_clips.helps`."""
    classifier, rows = session.classifier, session.split.train
    if classifier.task.name == SEVERAL or len(np.unique(session.clips.targets[rows])) < 2:
        return False, ""
    return helps(session.config, len(rows), len(classifier.labels))


def help_out(session: Session) -> None:
    """Have the built-in network join the classifier of a session whose network is trained, where that is planned."""
    if not plan(session)[0]:
        return
    classifier, rows = session.classifier, np.asarray(session.split.train)
    targets = session.clips.targets[rows]
    trained, model, member = classifier.network, *_transferred(classifier)
    classifier.network = member
    parts = list(EvalSet(classifier, session.pipeline.waves, rows).parts())
    features = np.concatenate([part.embeddings for part in parts]).astype(np.float64)
    head, found = head_of(member), linear(features, targets, len(classifier.labels))
    with torch.no_grad():
        for parameter, values in zip(head.parameters(), found, strict=True):
            parameter.copy_(torch.from_numpy(values))
        if len(rows) < HARDLY * len(classifier.labels):
            for parameter in head_of(trained).parameters():
                parameter.div_(DOUBT)
    classifier.network = Ensemble([trained, member]).eval()
    classifier.members = [session.config.model, model]


def _transferred(classifier: Classifier) -> tuple[ModelConfig, nn.Module]:
    """The built-in network behind the front end of a classifier, with a fresh last layer, and its model."""
    known = Classifier.load(builtin.require_weights().path)
    model = ModelConfig(name=TRANSFERRED, width=known.config.model.width)
    member = build_network(model, len(classifier.labels))
    bands, network = member.children()
    assert isinstance(bands, BandMap)
    _take_over(known.network, network)
    for target, values in zip((bands.matrix, bands.offset), band_map(classifier.log_mel, known.log_mel), strict=True):
        target.copy_(values)
    return model, member.to(classifier.device).eval()


def _take_over(known: nn.Module, network: nn.Module) -> None:
    """All weights but those of the last layer, which is for other classes."""
    theirs, head = known.state_dict(), head_names(network)
    network.load_state_dict({name: theirs[name] for name in theirs if name not in head}, strict=False)


def band_map(here: LogMel, there: LogMel) -> tuple[Tensor, Tensor]:
    """How normalised log-mels of a front end become those of another one: matrix (bands there, bands here) and offset (bands there, 1).

    Each band there lies between two here, whose levels are weighted by nearness. Levels are such that white noise has its right one.
    """
    bands = [_bands(each) for each in (here, there)]
    places = bands[0].places(bands[1].centres).clamp(0, len(bands[0].centres) - 1)
    nearness = (1 - (places[:, None] - torch.arange(len(bands[0].centres))).abs()).clamp(min=0)
    mean, deviation = here.mean.cpu(), here.deviation.cpu()
    offset = nearness @ (mean - _noise(here)) + _noise(there) - there.mean.cpu()
    return nearness * deviation.T / there.deviation.cpu(), offset / there.deviation.cpu()


def _bands(log_mel: LogMel) -> Bands:
    scale = log_mel.spectrogram.mel_scale
    return Bands(scale.n_mels, scale.f_min, scale.f_max, scale.mel_scale)


def _noise(log_mel: LogMel) -> Tensor:
    """The level of white noise of a certain power per Hz in each band: (n_mels, 1), in dB."""
    window, filters = log_mel.spectrogram.spectrogram.window.cpu(), log_mel.spectrogram.mel_scale.fb.cpu()
    power = window.double().square().sum() * log_mel.sample_rate * filters.double().sum(0)[:, None]
    lifted = power.clamp(min=float(power[power > 0].min()))  # a band in which no bin lies hears nothing
    return (10 * torch.log10(lifted)).float()


def linear(features: np.ndarray, targets: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean of the logits of two classifiers of features of about equal spread, as one linear classifier of features as they are.

    They are a logistic regression with a penalty on squared weights, and nearest centroid by the cosine, which is the better one
    where there is hardly more than a clip of each class.

    Args:
        features: (clips, width).
        targets: (clips,) class numbers, of two classes or more.

    Returns:
        Weights (classes, width) and biases (classes,), float32.
    """
    from sklearn.linear_model import LogisticRegression

    width, mean = features.shape[1], features.mean(0)
    variances = features.var(0)
    spread = np.sqrt(variances + EVEN * variances.mean()).clip(SMALLEST)
    spread *= max(SMALLEST, np.sqrt((variances / spread**2).mean()))
    standardised = (features - mean) / spread
    known, directions = centroids(standardised, targets)
    found = LogisticRegression(C=FREEDOM / width, max_iter=1000).fit(standardised, targets)
    slopes, heights = found.coef_, found.intercept_
    if len(known) == 2:  # of two classes scikit-learn tells the second one's
        slopes, heights = np.concatenate([0 * slopes, slopes]), np.concatenate([0 * heights, heights])
    slopes = (slopes + SHARPNESS / np.sqrt(width) * directions) / 2 / spread
    weights, biases = np.zeros((classes, width)), np.full(classes, NEVER)
    weights[known], biases[known] = slopes, heights / 2 - (slopes * mean).sum(1)
    return weights.astype(np.float32), biases.astype(np.float32)
