"""The starter notebook runs from top to bottom, in a kernel of its own, as a newcomer would run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labcore.runs import list_runs
from labcore.workspace import Workspace

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).parents[1]
STARTER = ROOT / "notebooks" / "starter.ipynb"
TINY = {
    "optim.epochs": 2, "optim.batch_size": 8, "model.name": "small_cnn", "audio.sample_rate": 8000, "features.n_mels": 16,
    "runtime.precision": "fp32", "runtime.memory_format": "contiguous", "runtime.threads": 1,
}  # fmt: skip
# In a process of its own: what Jupyter's libraries warn about is theirs. The kernel is this Python, whatever kernels are installed.
RUN = """
import sys
import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

source, result = sys.argv[1:]
manager = AsyncKernelManager()
manager._kernel_spec = KernelSpec(argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], language="python")
notebook = nbformat.read(source, as_version=4)
try:
    NotebookClient(notebook, km=manager, timeout=200).execute()
finally:
    nbformat.write(notebook, result)
"""


def test_nothing_is_stored_in_the_notebook_but_its_text() -> None:
    import nbformat

    notebook = nbformat.read(STARTER, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


def test_the_starter_notebook_runs_from_top_to_bottom(class_folders: Path, tmp_path: Path) -> None:
    workspace, result = Workspace(tmp_path / "home"), tmp_path / "done.ipynb"
    environment = os.environ | {
        "LABCORE_HOME": str(workspace.home),
        "STARTER_DATA": str(class_folders),
        "STARTER_SETTINGS": json.dumps(TINY),
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",  # threads that wait for each other on a busy machine take ten times as long
        "HOME": str(tmp_path),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_PLATFORM_DIRS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(STARTER), str(result)],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]

    outputs = {cell["id"]: cell["outputs"] for cell in json.loads(result.read_text())["cells"] if "outputs" in cell}
    text = {name: "".join("".join(each.get("text", "")) for each in found) for name, found in outputs.items()}
    assert "12 clips of 2 classes" in text["data"]
    assert "epoch   2/2" in text["train"]
    assert "Accuracy" in text["curves"]
    assert "Heard" in text["classify"]
    assert any("application/vnd.plotly.v1+json" in each.get("data", {}) for each in outputs["look"])
    assert not any(each.get("name") == "stderr" for found in outputs.values() for each in found)
    (run,) = list_runs(workspace)
    assert run.status().state == "finished"
