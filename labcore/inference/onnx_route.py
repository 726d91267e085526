"""ONNX Runtime on a network that was exported in memory: nothing is read from a file, so nobody can have changed it.

onnx and onnxruntime are an extra (``audio-gpu-lab[onnxruntime]``) and are loaded when a route is made, not before.
"""

from __future__ import annotations

import contextlib
import io
import threading
import warnings
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import torch
from torch import Tensor, nn

from labcore.errors import LabError
from labcore.inference.embed import bare_copy, heads_of, row_of
from labcore.inference.routes import Route

INSTALL = 'Install it with `pip install "audio-gpu-lab[onnxruntime]"`'
_exporting = threading.Lock()


def version_of(package: str) -> str:
    """Of a package of these; empty where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def loaded_runtime() -> Any:
    """The module onnxruntime.

    Raises:
        LabError: a package is missing, or cannot be loaded.
    """
    try:
        import onnx  # noqa: F401 (torch's exporter needs it)
        import onnxruntime
    except ImportError as error:
        raise LabError(f"ONNX Runtime is not installed: {error}", INSTALL) from error
    except Exception as error:  # built for other versions of protobuf or numpy, of whatever kind
        why = " ".join(str(error).split())[:200]
        raise LabError(f"ONNX Runtime cannot be loaded: {why}", f"{INSTALL}, or remove onnx and onnxruntime") from error
    return onnxruntime


class OnnxRoute(Route):
    """Images to logits and embeddings by ONNX Runtime, on a CPU.

    Args:
        eager: of a network whose weights change no more.
        images: an example, (batch, 1, n_mels, frames).
        threads: of one call; they do not spin while they wait, since others may need the processor.

    Raises:
        LabError: a package is missing, or the network cannot be exported.
    """

    name = "onnx"

    def __init__(self, eager: Route, images: Tensor, threads: int) -> None:
        super().__init__(eager.network)
        self.eager, self._shape = eager, images.shape[1:]
        onnxruntime = loaded_runtime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # errors
        try:
            content = exported(eager.network, images)
            self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # neither exporter nor runtime have a common class of errors
            why = " ".join(str(error).split())[:200]
            raise LabError(f"this network cannot be exported to ONNX Runtime: {why}", "Use --route auto") from error

    def logits(self, images: Tensor) -> Tensor:
        if images.shape[1:] != self._shape:  # windows of another length than the classifier's
            return self.eager.logits(images)
        return self._run(images, ["logits"])[0]

    def with_embeddings(self, images: Tensor) -> tuple[Tensor, Tensor]:
        if images.shape[1:] != self._shape:
            return self.eager.with_embeddings(images)
        logits, embeddings = self._run(images, ["logits", "embeddings"])
        return logits, embeddings

    def _run(self, images: Tensor, outputs: list[str]) -> list[Tensor]:
        given = self._session.run(outputs, {"images": images.contiguous().numpy()})
        return [torch.from_numpy(each) for each in given]


class _Outputs(nn.Module):
    """Logits (batch, classes) and embeddings (batch, width)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        given: list[Tensor] = []
        for head in heads_of(network):  # a hook that held this module would keep it alive until the collector comes
            head.register_forward_pre_hook(lambda module, inputs: given.append(row_of(inputs[0])))
        self._given = given

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        self._given.clear()
        logits = self.network(images)
        return logits, torch.cat(self._given, 1)


def exported(network: nn.Module, images: Tensor) -> bytes:
    """A network as ONNX: ``images`` (batch, 1, n_mels, frames) → ``logits`` (batch, classes), ``embeddings`` (batch, width).

    By the older of torch's exporters: it takes half a second, the newer one four, and these networks need nothing that it lacks.

    Args:
        images: an example; any batch goes, its other sizes are fixed.

    Raises:
        Exception: of whatever kind, where the network cannot be exported.
    """
    # a batch of two, since an exporter takes a size of one for a constant; a copy, which is given hooks
    example = images[:1].repeat(2, 1, 1, 1)
    outputs, content = _Outputs(bare_copy(network)).eval(), io.BytesIO()
    names = ["logits", "embeddings"]
    with _exporting, torch.inference_mode(False), torch.no_grad(), _quiet():
        export: Any = torch.onnx.export  # its annotations know no stream
        export(
            outputs,
            (example.clone(),),
            content,
            dynamo=False,
            input_names=["images"],
            output_names=names,
            dynamic_axes={name: {0: "batch"} for name in ("images", *names)},
        )
    return content.getvalue()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter's warnings are about itself, and of a network that it cannot export it prints the graph on stdout."""
    internals: Any = torch._C
    log = getattr(internals, "_jit_onnx_log", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if log is not None:
            internals._jit_onnx_log = lambda *given: None
        try:
            yield
        finally:
            if log is not None:
                internals._jit_onnx_log = log
