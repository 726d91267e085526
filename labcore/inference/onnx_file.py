"""A classifier as an ONNX file, its front end inside: waveforms in, probabilities out, for runtimes without torch."""

from __future__ import annotations

import copy
import json
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from labcore.audio.waveforms import FULL_SCALE
from labcore.errors import LabError
from labcore.inference.classifier import Classifier
from labcore.outputs import write_output

NEEDED = ("onnx", "onnxscript")
INSTALL = 'Install them with `pip install "audio-gpu-lab[onnx]"`'


class _Probabilities(nn.Module):
    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, waveforms: Tensor) -> Tensor:
        """(batch, clip samples) → probabilities (batch, classes). Samples are rounded to 16 bits as :func:`labcore.audio.quantise` does
        it, since of a clip with digital silence or empty bands the log-mel hears the rounding."""
        peak = waveforms.abs().amax(1, keepdim=True).clamp(min=1.0)
        rounded = torch.round(waveforms * (FULL_SCALE / peak)) * (peak / FULL_SCALE)
        return self.classifier.shares(self.classifier(rounded))


def save_onnx(classifier: Classifier, path: Path) -> None:
    """Write a classifier as ONNX, whole or not at all.

    The input ``waveforms`` is (batch, clip samples) float32, mono, full scale ±1, at the classifier's sample rate; the output
    ``probabilities`` is (batch, classes) float32. Cutting recordings into windows, and the mean over them, are left to whoever uses
    it. A temperature that is switched on is inside; what refuses sounds that are none of the classes is not. The metadata tell
    ``labels`` (JSON), ``sample_rate`` (Hz) and ``clip_samples``, and where thresholds for events are switched on ``thresholds`` (JSON,
    class → least probability of a window). Of several labels a clip ``several_labels`` is the threshold of each (JSON), and the
    probabilities do not sum to 1.

    Raises:
        LabError: a package is missing, or the network holds what ONNX has no word for.
        WorkspaceError: the disk is full or the folder cannot be written.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise LabError(f"writing ONNX needs the packages {' and '.join(NEEDED)}: {error}", INSTALL) from error
    network = _Probabilities(copy.deepcopy(classifier).cpu()).eval()
    # a batch of two, since the exporter takes a size of one for a constant
    example = torch.zeros(2, classifier.config.clip_samples)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's own, about itself
            program: Any = torch.onnx.export(
                network,
                (example,),
                dynamo=True,
                input_names=["waveforms"],
                output_names=["probabilities"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
    except Exception as error:  # the exporter's errors have no common class
        first = str(error).strip().partition("\n")[0]
        what = f"{classifier.config.model.name} cannot be written as ONNX: {first}"
        raise LabError(what, "Export it as .safetensors, or train another network") from error
    program.model.metadata_props.update(
        labels=json.dumps(classifier.labels, ensure_ascii=False),
        sample_rate=str(classifier.sample_rate),
        clip_samples=str(classifier.config.clip_samples),
    )
    if classifier.thresholds is not None and classifier.thresholds.on:
        program.model.metadata_props["thresholds"] = json.dumps(classifier.thresholds.values, ensure_ascii=False)
    if (limits := classifier.label_thresholds) is not None:
        several = {label: limits.of(label) for label in classifier.labels}
        program.model.metadata_props["several_labels"] = json.dumps(several, ensure_ascii=False)
    model = program.model_proto
    _transform_in_float64(model)
    write_output(path, model.SerializeToString())


def _transform_in_float64(model: Any) -> None:
    """Have a model (``onnx.ModelProto``) compute its Fourier transforms in float64. In float32 ONNX Runtime's are hundreds of times less
    exact than PyTorch's, where the FFT size is no power of two; bands that hold nothing but rounding hear that."""
    from onnx import TensorProto, helper

    for place, node in reversed(list(enumerate(model.graph.node))):
        if node.op_type != "STFT":
            continue
        signal, window, spectrum = node.input[0], node.input[2], node.output[0]
        wide = {name: f"{name}_float64" for name in (signal, window, spectrum)}
        node.input[0], node.input[2], node.output[0] = wide[signal], wide[window], wide[spectrum]
        before = [helper.make_node("Cast", [name], [wide[name]], to=TensorProto.DOUBLE) for name in (signal, window)]
        model.graph.node.insert(place + 1, helper.make_node("Cast", [wide[spectrum]], [spectrum], to=TensorProto.FLOAT))
        for cast in before:
            model.graph.node.insert(place, cast)
