"""Requests made up from the service's own schema: whatever comes, it answers as its documentation says and never with a fault."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

KEY = "a-key-of-some-length"
SCRIPT = Path(__file__).with_name("made_up_requests.py")


@pytest.mark.skipif(importlib.util.find_spec("schemathesis") is None, reason="schemathesis is not installed")
@pytest.mark.parametrize("examples", [8, pytest.param(300, marks=pytest.mark.slow)])
def test_made_up_requests_find_no_fault(start, make_run, examples):
    make_run()
    process, port, log = start("--threads", "1", env={"LABCORE_API_KEY": KEY})
    asked = subprocess.run(
        [sys.executable, str(SCRIPT), f"http://127.0.0.1:{port}", KEY, str(examples)],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert asked.returncode == 0, asked.stdout + asked.stderr
    assert {"POST /v1/classify", "POST /v1/reload", "GET /metrics"} <= set(asked.stdout.splitlines())
    process.terminate()
    assert process.wait(30) == 0
    assert "Traceback" not in log.read_text()
