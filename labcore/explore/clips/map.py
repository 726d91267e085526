"""The clips of a data set as points in the plane: what a network, or the ear's frequency bands, find alike lies together.

``map-<run>.parquet`` in the data set's folder of the cache, ``map-mel.parquet`` where it is of mel statistics. Each point has its place
by t-SNE, which keeps neighbours together, and by PCA, which keeps distances.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from labcore.datasets.caches import cache_of, opened_to_keep
from labcore.datasets.table import Dataset, channels_of
from labcore.errors import DatasetError
from labcore.evaluation.clip_predictions import ClipPredictions
from labcore.explore.clips.facts import KEYS, keys_of
from labcore.reading import open_file, parse_json
from labcore.texts import as_bytes
from labcore.workspace import Workspace, slug, stamp_of

MOST = 2000
"""Of more clips so many, drawn once and for all, are on the map."""
FEWEST = 3
METHODS = {"tsne": "t-SNE", "pca": "PCA"}
PERPLEXITY = 30.0
MOST_DIMENSIONS = 50
STEPS = 500
"""Of t-SNE: with twice as many no neighbours change that one would see."""
META = b"labcore"


@dataclass(frozen=True)
class ClipMap:
    """A map that was made.

    Attributes:
        points: a row a clip: :data:`~labcore.explore.clips.facts.KEYS`, and a column for x and y by each method, as ``tsne_x``.
        run: the id of the run whose embeddings are arranged; "" for mel statistics.
        clips: how many there were to draw from.
        current: the data set has the same clips by now, and the run the same weights.
    """

    points: pd.DataFrame
    run: str
    clips: int
    current: bool


def sample(clips: int, most: int = MOST) -> np.ndarray:
    """The numbers of so many clips, ascending; of more than ``most`` that many, drawn once and for all."""
    if clips <= most:
        return np.arange(clips)
    return np.sort(np.random.default_rng(0).permutation(clips)[:most])


def arrange(features: np.ndarray) -> dict[str, np.ndarray]:
    """Places in the plane.

    Args:
        features: (clips, width), finite.

    Returns:
        Method → (clips, 2) float64.

    Raises:
        DatasetError: there are fewer than three clips.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    clips, width = features.shape
    if clips < FEWEST:
        raise DatasetError(f"a map takes {FEWEST} clips at least, and {clips} can be read", "Add clips")
    scaled = features.astype(np.float64) - features.mean(0, dtype=np.float64)
    spread = scaled.std(0)
    scaled /= np.where(spread > 1e-9, spread, 1.0)
    if not scaled.any():  # one sound again and again
        return {method: np.zeros((clips, 2)) for method in METHODS}
    parts = min(MOST_DIMENSIONS, clips - 1, width)
    main = PCA(n_components=parts, random_state=0).fit_transform(scaled)
    plane = np.column_stack([main, np.zeros((clips, 2))])[:, :2]
    perplexity = min(PERPLEXITY, (clips - 1) / 3)
    start = "pca" if parts > 1 else "random"
    with threadpool_limits(1, "openmp"):  # threads that wait for each other spin: beside a training that takes minutes
        placed = TSNE(2, perplexity=perplexity, init=start, max_iter=STEPS, random_state=0).fit_transform(main)
    return {"tsne": placed.astype(np.float64), "pca": plane}


def keep_map(workspace: Workspace, dataset: Dataset, run: str, weights: Path | None, rows: np.ndarray,
             places: dict[str, np.ndarray]) -> None:  # fmt: skip
    """Keep a map.

    Args:
        rows: the clips' numbers in the data set's table.
        places: of them, from :func:`arrange`.

    Raises:
        WorkspaceError: the cache cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    keys = keys_of(dataset)
    points = pd.DataFrame([keys[row] for row in rows], columns=list(KEYS)).astype({"clip": object})
    for method, place in places.items():
        points[f"{method}_x"], points[f"{method}_y"] = place[:, 0], place[:, 1]
    meta = {"run": run, "clips": len(keys), "digest": _digest(dataset, weights)}
    table = pa.Table.from_pandas(points, preserve_index=False).replace_schema_metadata({META: json.dumps(meta)})
    with opened_to_keep(map_file(workspace, dataset, run)) as stream:
        pq.write_table(table, stream, compression="zstd")


def known_map(workspace: Workspace, dataset: Dataset, run: str, weights: Path | None) -> ClipMap | None:
    """A map that was made before; None where there is none, or it is damaged."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_file(map_file(workspace, dataset, run)) as file:
            table = pq.read_table(file)
        meta = parse_json(table.schema.metadata[META])
        points = table.to_pandas()[[*KEYS, *(f"{method}_{axis}" for method in METHODS for axis in "xy")]]
        return ClipMap(points, run, int(meta["clips"]), meta["digest"] == _digest(dataset, weights))
    except (OSError, pa.ArrowException, LookupError, TypeError, ValueError):
        return None


def map_file(workspace: Workspace, dataset: Dataset, run: str) -> Path:
    """Where a map lies."""
    return cache_of(workspace, dataset.root) / f"map-{slug(run) if run else 'mel'}.parquet"


def correctness(frame: pd.DataFrame, predictions: ClipPredictions) -> pd.DataFrame:
    """What a run predicted of clips.

    Args:
        frame: a :func:`labcore.explore.clips.table.clip_table`.

    Returns:
        A row a clip of it: ``predicted`` (a label; "" where the run predicted none) and ``verdict``: right, wrong, or "not predicted".
        Right is what agrees with the label that counts now.
    """
    labels = np.array(predictions.labels, dtype=object)[predictions.predicted]
    clips = zip(predictions.frame["clip"], predictions.frame["start_s"].round(3), strict=True)
    of_clip = dict(zip(clips, labels, strict=True))
    keys = zip(frame["clip"], frame["start_s"].round(3), strict=True)
    predicted = pd.Series([of_clip.get(key, "") for key in keys], index=frame.index, dtype=object)
    verdict = np.where(predicted == "", "not predicted", np.where(predicted == frame["label"], "right", "wrong"))
    return pd.DataFrame({"predicted": predicted, "verdict": verdict})


def _digest(dataset: Dataset, weights: Path | None) -> str:
    """Of the clips, each as it is heard, and of the weights."""
    time = stamp_of(weights)[1] if weights is not None else 0
    digest = hashlib.sha256(f"{time}\n".encode())
    for key, channel in zip(keys_of(dataset), channels_of(dataset.table), strict=True):
        digest.update(as_bytes(f"{key}{f' {channel}' * bool(channel)}\n"))
    return digest.hexdigest()[:16]
